"""`wameter worker`: a worker of the pipeline, a Faust worker on transactional batches."""

from __future__ import annotations

import sys
from typing import Any

import click

from streams.cli.options import ExampleCommand, settings_flags, settings_from
from streams.settings import Settings

_WORKER_SETTINGS = tuple(name for name in Settings.model_fields if name != "sasl_password")


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter worker --bootstrap kafka-1:9092 --group-instance-id worker-1",
        "wameter worker --supervise",
        "wameter worker --drain",
    ),
)
@click.option("--drain", is_flag=True, help="Go to the end of the input, end all waits, and exit.")
@click.option("--supervise", is_flag=True, help="Start the worker again whenever it ends by a failure.")
@settings_flags(*_WORKER_SETTINGS)
def command(drain: bool, supervise: bool, **flags: Any) -> int:
    """Run a worker of the pipeline.

    It rates what comes in until it is stopped (SIGTERM, Ctrl-C): then it finishes its batch and leaves. Start at most as many as there
    are partitions. Any setting can also be an environment variable, --web-port is WAMETER_WEB_PORT, or a line of wameter.toml.
    """
    settings = settings_from(flags)
    from streams.stages import stages_of

    stages = stages_of(settings)  # a catalog that cannot be loaded is told before anything is supervised
    if supervise:
        from streams import logs
        from streams.supervise import supervise as keep_running
        from streams.supervise import worker_command

        logs.configure(settings)
        return keep_running(worker_command(sys.argv[1:]))
    from streams.worker import run_worker

    return run_worker(settings, drain=drain, stages=stages)
