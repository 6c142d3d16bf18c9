"""METER alone as a process, to the end of its input: `python -m tests.faults.meter_alone`. Every crash point is then one of its own."""

from __future__ import annotations

import sys

from streams.settings import load
from streams.stages import forgetting_meter_of
from streams.worker import run_worker

if __name__ == "__main__":
    settings = load()
    sys.exit(run_worker(settings, drain=True, stages={"meter": forgetting_meter_of(settings)}))
