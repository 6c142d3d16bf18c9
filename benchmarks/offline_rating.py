"""`wameter rate` on the events of a run: the whole command, from its start to its totals on disk."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import orjson

from benchmarks import processes
from benchmarks.due import problems_of_totals
from benchmarks.ruler import Measured
from benchmarks.traffic import Traffic
from streams.results import Results

_ACCEPTED = (0, 1)
"""1 says that some deliveries have no price, as in this traffic."""


def rate(traffic: Traffic, due: Results | None, *flags: str) -> Measured:
    """Runs it in a process of its own. With `due`, the totals that it writes are compared."""
    totals = traffic.directory / "totals.jsonl"
    command = [sys.executable, "-m", "streams.cli.main", "rate", str(traffic.file), "--accounts", str(traffic.accounts)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    machine_s, began_s = processes.machine_cpu_s(), time.monotonic()
    environment = {name: text for name, text in os.environ.items() if not name.startswith("WAMETER_")}
    run = subprocess.run([*command, "--totals", str(totals), *flags], capture_output=True, env=environment, check=False)
    wall_s = time.monotonic() - began_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    others_s = processes.machine_cpu_s() - machine_s - cpu_s
    measured = Measured(traffic.events, wall_s, cpu_s, 0.0, others_s, to_first_commit_s=0.0, start_s=0.0)
    if run.returncode not in _ACCEPTED:
        measured.problems.append(f"it ended with code {run.returncode}: {run.stderr.decode(errors='replace')[-500:]}")
    elif due is not None:
        measured.problems += problems_of_totals(_read(totals), due)
    return measured


def understands_jobs() -> bool:
    """Whether this version of the command can rate with several processes."""
    command = [sys.executable, "-m", "streams.cli.main", "rate", "--help"]
    return "--jobs" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _read(totals: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in totals.read_bytes().splitlines()]
