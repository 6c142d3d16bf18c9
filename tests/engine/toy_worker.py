"""A worker on the toy stage, as the body of a process of its own."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from streams.errors import UserError
from streams.guards import faults
from streams.settings import load
from streams.worker import run_worker
from tests.engine.toy import DEFAULT_CATALOG, TOPICS, ToyStage


def main(environment: Mapping[str, str], log: Path, *, drain: bool) -> None:
    """Takes its settings from the environment and ends as `wameter worker` would. Everything it writes goes to `log`."""
    os.environ.update(environment)
    shift_s = float(os.environ.get("TOY_CLOCK_SHIFT_S", "0"))
    if shift_s:
        right = time.time
        time.time = lambda: right() + shift_s
    importlib.reload(faults)  # it was imported before this process had its environment
    with log.open("wb") as output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    stage = ToyStage(os.environ.get("TOY_CATALOG", DEFAULT_CATALOG), gathers=os.environ.get("TOY_GATHERS") == "1")
    try:
        sys.exit(run_worker(load(), drain=drain, stages={"toy": stage}, stage_topics=TOPICS))
    except UserError as error:
        sys.stderr.write("\n".join(error.sentences))
        sys.exit(error.exit_code)
