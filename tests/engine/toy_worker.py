"""A worker on the toy stage, as a process of its own: `python -m tests.engine.toy_worker [--drain]`, settings from the environment."""

from __future__ import annotations

import sys

from streams.settings import load
from streams.worker import run_worker
from tests.engine.toy import ToyStage

if __name__ == "__main__":
    sys.exit(run_worker(load(), ToyStage(), "toy", drain="--drain" in sys.argv))
