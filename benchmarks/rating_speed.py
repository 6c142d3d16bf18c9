"""`benchmarks/rate`: how many events a second `wameter rate` rates, on one core and, where it can, on two."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import machine, offline_rating, processes
from benchmarks.due import rated_offline
from benchmarks.traffic import Traffic
from streams.settings import Settings


def main() -> int:
    """The command line; returns 1 if totals differ from those of one process without the command around it."""
    parser = argparse.ArgumentParser(prog="benchmarks/rate", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--runs", type=int, default=3, metavar="K")
    parser.add_argument(
        "--jobs", type=int, nargs="+", default=[1, 2], metavar="J", help="processes; left out where the command has no --jobs"
    )
    chosen = parser.parse_args()
    processes.leave_in_order()
    print(*(f"{name}: {value}" for name, value in machine.described().items()), sep="\n")
    jobs = chosen.jobs if offline_rating.understands_jobs() else [1]
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="wameter-benchmark-") as directory:
        traffic = Traffic(chosen.events, Path(directory))
        traffic.write()
        due = rated_offline(Settings(), traffic)
        found: dict[int, list[tuple[float, float]]] = {count: [] for count in jobs}
        for _ in range(chosen.runs):
            for count in jobs:
                measured = offline_rating.rate(traffic, due, *(["--jobs", str(count)] if len(jobs) > 1 else []))
                problems += [f"{count} jobs: {problem}" for problem in measured.problems]
                found[count].append((measured.events_per_s, measured.client_us))
    print(f"\n{'jobs':>5} {'events/s':>10} {'CPU µs/event':>13} {'events per CPU second':>22}   (start of the command included)")
    for count, runs in found.items():
        speed, cpu_us = (median(values) for values in zip(*runs, strict=True))
        print(f"{count:>5} {speed:>10,.0f} {cpu_us:>13.1f} {1e6 / cpu_us:>22,.0f}")
    print("\n".join(problems) or "All totals are equal.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
