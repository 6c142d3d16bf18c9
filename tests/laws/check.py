"""All laws on one stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from rating import keys
from rating.leaves import Leaves
from rating.records import Window as MeterWindow
from rating.stage import Record
from rating.windows import Windows
from tests.laws.driver import Run
from tests.laws.plans import Plan, make_plan
from tests.laws.watch import LawBrokenError, must
from tests.oracle import Result, rate_all
from tests.oracle.windows import Window, openers, window_at
from tests.streams_generator import Stream
from tests.streams_generator.catalog import KNOWN_LATER, LEARNED

DAY = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Checked:
    """What a stream came to: the oracle's result and the runs that agreed with it."""

    stream: Stream
    oracle: Result
    runs: tuple[Run, ...]


class BrokenRunError(LawBrokenError):
    """A run that broke a law, with what is needed to try it again."""

    def __init__(self, broken: Exception, stream: Stream, plan: Plan) -> None:
        super().__init__(f"{type(broken).__name__}: {broken}")
        self.stream = stream
        self.plan = plan
        self.law = str(broken).partition(":")[0]


def check(stream: Stream, *, thorough: bool = True) -> Checked:
    """Tries every law on a stream; raises `BrokenRunError` for the first that does not hold.

    In the order it came, and in another one with other duplicates, a clock and an interruption. `thorough` adds a replay and
    the windows themselves.
    """
    rng = Random(f"plans of {stream.seed}")
    first = checked_run(stream, make_plan(stream, rng, clocked=False, restarts=rng.random() < 0.3), thorough=thorough)
    other = stream.shuffled(rng)
    second = checked_run(other, make_plan(other, rng, clocked=True, restarts=True))
    return Checked(stream, first[1], (first[0], second[0]))


def checked_run(stream: Stream, plan: Plan, *, thorough: bool = False, make: Callable[[Stream, Plan], Run] = Run) -> tuple[Run, Result]:
    """Runs a plan and compares it with the oracle on the records of that very plan."""
    records = [item.value or b"" for item in _records(plan, "whatsapp.messages")]
    profiles = [json.loads(item.value or b"") for item in _records(plan, "whatsapp.accounts")]
    commands = [json.loads(item.value or b"") for item in _records(plan, "rating.commands")]
    # A reprice after everything is a rating from scratch by what is known then.
    known_at = KNOWN_LATER if any(command["type"] == "reprice" for command in commands) else ""
    oracle = rate_all(
        records, profiles, LEARNED, allowance=stream.allowance, window_basis=stream.window_basis, commands=commands, known_at=known_at
    )
    run = make(stream, plan)
    try:
        run.play().compare(oracle)
        if thorough:
            again = Run(stream, plan).play()
            must(again.watch.published == run.watch.published, "the same batches give the same bytes", stream.seed)
            windows_are_brute_force(run, oracle)
    except Exception as broken:
        raise BrokenRunError(broken, stream, plan) from broken
    return run, oracle


def breaks_the_same_law(plan: Plan, broken: BrokenRunError) -> bool:
    """Whether a smaller plan fails as the whole one did."""
    try:
        checked_run(broken.stream, plan, thorough=True)
    except BrokenRunError as again:
        return again.law == broken.law
    return False


def _records(plan: Plan, topic: str) -> Iterator[Record]:
    for step in plan.steps:
        yield from (item for item in step if isinstance(item, Record) and item.topic == topic)


def windows_are_brute_force(run: Run, oracle: Result) -> None:
    """Asks METER's windows at every edge of every conversation."""
    for phone, user in {(event.phone_number_id, event.user) for event in oracle.events}:
        windows = Windows(Leaves(run.store).of(keys.conversation(phone, user)))
        for opener in openers(oracle.events, phone, user):
            for at in (opener.time - 1, opener.time, opener.time + DAY - 1, opener.time + DAY):
                found, expected = windows.at(at), window_at(oracle.events, phone, user, at)
                must(_same(found, expected), "a window is open when some message came less than 24 hours before", at, found, expected)


def _same(found: MeterWindow | None, expected: Window | None) -> bool:
    if found is None or expected is None:
        return found is None and expected is None
    return (found.opened_by, found.opened_at_ms, found.expires_at_ms) == tuple(expected)
