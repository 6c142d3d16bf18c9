"""Many runs, and what became of them: the first that fails, made small, or how much was tried.

`python -m tests.simulation.hunt --simulations 100000 --seed 7` tries more than the test does; `--mistake` plants one first.
"""

from __future__ import annotations

import argparse
import copy
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

from tests.simulation.laws import BrokenError
from tests.simulation.mutations import MUTATIONS
from tests.simulation.plans import Plan, StageName, plan_of
from tests.simulation.run import play
from tests.simulation.worker import Seam
from tests.simulation.world import StuckError

FAILURES = (BrokenError, StuckError)
SHRINK_S = 20.0


@dataclass(slots=True)
class Hunt:
    """What a number of runs came to."""

    runs: int = 0
    commits: int = 0
    callbacks: int = 0
    virtual_s: float = 0.0
    took_s: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)
    """How often each fault met somebody, and how processes ended."""
    reached: Counter[str] = field(default_factory=Counter)
    """How often somebody died or froze at each crash point."""
    failed: Plan | None = None
    failure: str = ""

    def summary(self) -> str:
        """One line."""
        per_minute = int(60 * self.runs / max(self.took_s, 1e-9))
        return (
            f"{self.runs:,} runs in {self.took_s:.1f} s of CPU ({per_minute:,} a minute), {self.commits:,} commit points, "
            f"{self.virtual_s / 60:,.0f} min of virtual time, {sum(self.reached.values()):,} ends or pauses at crash points"
        )


def hunt(seam: Seam, runs: int, first_seed: int, stage: StageName = "sums") -> Hunt:
    """Tries seeds one after another; stops at the first that fails."""
    result = Hunt()
    began_s = time.process_time()
    gc.disable()  # a run's garbage hangs together; it is collected between runs
    try:
        for seed in range(first_seed, first_seed + runs):
            plan = plan_of(seed, stage)
            try:
                play(plan, seam)
            except FAILURES as failure:
                result.failed, result.failure = plan, f"{type(failure).__name__}: {failure}"
            run = seam.current
            result.runs += 1
            result.commits += run.laws.commits
            result.callbacks += run.world.callbacks
            result.virtual_s += run.world.now_s
            result.happened += run.happened + run.kafka.counts
            result.reached += run.reached
            if result.failed is not None:
                break
            if result.runs % 100 == 0:
                gc.collect()
    finally:
        gc.enable()
    result.took_s = time.process_time() - began_s
    return result


def told(seam: Seam, found: Hunt) -> str:
    """The failure for a person: its seed, and the plan and the trace of the smallest run that fails like it."""
    assert found.failed is not None
    law = found.failure.partition(":")[2].partition(":")[0]
    small = shrunk(found.failed, lambda plan: law in failure_of(plan, seam))
    failure = failure_of(small, seam)
    lines = [
        found.failure,
        f"Try it again with --simulation-seed {found.failed.seed} --simulations 1. Made small, it is:",
        *(f"  {name} = {value}" for name, value in small.parts()),
        *seam.current.world.trace,
        failure,
    ]
    return "\n".join(lines)


def failure_of(plan: Plan, seam: Seam) -> str:
    """How a plan fails; empty if it does not."""
    try:
        play(plan, seam)
    except FAILURES as failure:
        return f"{type(failure).__name__}: {failure}"
    return ""


def shrunk(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """A smaller plan that still fails: whatever can be left out is, one thing at a time, again and again."""
    deadline_s = time.monotonic() + SHRINK_S
    while time.monotonic() < deadline_s:
        smaller = next((each for each in _smaller(plan) if fails(each)), None)
        if smaller is None:
            break
        plan = smaller
    return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    for name in ("faults", "records", "broadcasts"):
        for at in range(len(getattr(plan, name))):
            smaller = copy.deepcopy(plan)
            del getattr(smaller, name)[at]
            yield smaller
    for name in plan.network:
        smaller = copy.deepcopy(plan)
        del smaller.network[name]
        yield smaller
    if plan.workers > 1:
        smaller = copy.deepcopy(plan)
        smaller.workers -= 1
        yield smaller


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mistake", choices=[mutation.mistake for mutation in MUTATIONS])
    parser.add_argument("--stage", choices=["sums", "meter"], default="sums")
    parser.add_argument("--trace", action="store_true", help="print what happened in the last run")
    arguments = parser.parse_args()
    plants = {mutation.mistake: mutation.plant for mutation in MUTATIONS}
    seam = Seam()
    with seam.installed(), plants[arguments.mistake](seam) if arguments.mistake else nullcontext():
        found = hunt(seam, arguments.simulations, arguments.seed, arguments.stage)
        if arguments.trace:
            print("\n".join(seam.current.world.trace))  # noqa: T201 - a report for a person
        elif found.failed is not None:
            print(told(seam, found))  # noqa: T201 - likewise
        else:
            print(found.summary())  # noqa: T201 - likewise
            print(dict(found.happened + found.reached))  # noqa: T201 - likewise
    return 0 if found.failed is None else 1


if __name__ == "__main__":
    sys.exit(main())
