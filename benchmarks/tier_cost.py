"""`benchmarks/tiers`: what a change costs TIER where a portfolio's month has 100,000 totals in one counter.

It fills the counter, then sends counts one by one, each with one message more: of a total at the month's end, where nearly all traffic is;
at its beginning, so that a message that comes late moves every edge; anywhere. Summing the month would look at each total, walking looks at
a handful.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from random import Random

import orjson

from benchmarks import machine, processes
from rating.records import Band, Terms
from rating.stage import Record
from rating.tiers.naming import COUNTS, TallyName, tally_of
from rating.tiers.stage import Tier
from rating.tiers.wire import count_output
from streams.state.store import Store

MESSAGES = 100
"""Of each total when the counter is full."""


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(prog="benchmarks/tiers", description=__doc__)
    parser.add_argument("--totals", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=2000)
    arguments = parser.parse_args()
    processes.leave_in_order()
    print(*(f"{name}: {value}" for name, value in machine.described().items()), sep="\n")
    counter = Counter(arguments.totals)
    print(f"\n{arguments.totals:,} totals of {MESSAGES} messages in one counter, {len(counter.edges)} edges\n")
    print(f"{'one more message for a total':<44}  {'CPU, µs':>8}  {'totals told':>11}")
    rng = Random(1)  # noqa: S311 - which totals change is no secret
    last, first = arguments.totals - 1, 0
    cases: Sequence[tuple[str, Callable[[], int]]] = (
        ("at the month's end", lambda: last),
        ("at its beginning: every edge moves", lambda: first),
        ("anywhere", lambda: rng.randrange(arguments.totals)),
    )
    for name, which in cases:
        cpu_s, told = counter.change(which, arguments.changes)
        print(f"{name:<44}  {1e6 * cpu_s / arguments.changes:>8.1f}  {told / arguments.changes:>11.2f}")
    print(f"\nfor comparison, summing the month once: {1e6 * counter.sum_s():,.0f} µs")


class Counter:
    """TIER with one full counter."""

    def __init__(self, totals: int) -> None:
        everything = totals * MESSAGES
        self.edges = (everything // 10, everything // 4, everything // 2, 3 * everything // 4, everything - 10)
        bounds = [*self.edges, None]
        self._terms = Terms("portfolio", tuple(Band(f"{number}:{bound}", bound, 1, 1) for number, bound in enumerate(bounds)))
        self._names = [self._name(number) for number in range(totals)]
        self._messages = [MESSAGES] * totals
        self._stage, self._store = Tier(), Store()
        self._offset = 0
        for start in range(0, totals, 2000):
            self._step(range(start, min(totals, start + 2000)))

    def change(self, which: Callable[[], int], times: int) -> tuple[float, int]:
        """Seconds of CPU for so many changes, each a step of its own, and how many totals were told."""
        told = 0
        began_s = time.process_time()
        for _ in range(times):
            number = which()
            self._messages[number] += 1
            told += self._step((number,))
        return time.process_time() - began_s, told

    def sum_s(self) -> float:
        """Seconds of CPU to look at every total once."""
        began_s = time.process_time()
        sum(len(value) for _, value in self._store.items())
        return time.process_time() - began_s

    def _step(self, numbers: Sequence[int]) -> int:
        records = []
        for number in numbers:
            output = count_output(self._names[number], self._terms, self._messages[number])
            records.append(Record(COUNTS, 0, self._offset, output.key, output.value, None))
            self._offset += 1
        self._store.begin()
        effects = self._stage.step(self._store, records)
        self._store.commit()
        return len(effects.outputs)

    def _name(self, number: int) -> TallyName:
        day, phone = divmod(number, 5000)
        total = [
            f"account-{phone % 50:02d}", f"phone-{phone:05d}", f"2026-10-{1 + day % 31:02d}", f"A{chr(65 + day // 31 % 26)}",
            "Rest of Africa", "utility", "charged", "USD",
        ]  # fmt: skip
        return tally_of(self._terms, orjson.dumps(total))


if __name__ == "__main__":
    main()
