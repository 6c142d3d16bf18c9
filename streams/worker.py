"""A worker process: one Faust worker with one engine, from its start to its exit code."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from rating.stage import Stage
from streams.app import PipelineApp, make_app
from streams.brokers import embedded
from streams.settings import Settings


def run_worker(settings: Settings, stage: Stage, stage_name: str = "meter", *, drain: bool = False) -> int:
    """Runs a worker until SIGTERM or SIGINT, or, with `drain`, to the end of the input; returns the exit code.

    0 after a stop or a drain; everything else is in `streams.engine.fatal.Exit`, and ends the process at once.
    """
    embedded.be_gentle()
    return uvloop.run(_run(settings, stage, stage_name, drain))


async def _run(settings: Settings, stage: Stage, stage_name: str, drain: bool) -> int:
    app = make_app(settings, stage, stage_name, draining=drain)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await app.start()
    waits = [asyncio.create_task(event.wait()) for event in (stop, app.engine.finished)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    await app.stop()
    return 0
