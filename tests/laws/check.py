"""All laws on one stream."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from rating.ids import conversation_digest
from rating.records import Window as MeterWindow
from rating.windows import Windows
from tests.laws.driver import Run
from tests.laws.plans import make_plan
from tests.laws.watch import must
from tests.oracle import Result, rate_all
from tests.oracle.windows import Window, openers, window_at
from tests.streams_generator import Stream
from tests.streams_generator.catalog import CATALOG

DAY = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Checked:
    """What a stream came to: the oracle's result and the runs that agreed with it."""

    stream: Stream
    oracle: Result
    runs: tuple[Run, ...]


def check(stream: Stream, *, thorough: bool = True) -> Checked:
    """Raises `LawBrokenError` when a law does not hold on this stream.

    In the order it came, and in another one with other duplicates, a clock and an interruption. `thorough` adds a replay and
    the windows themselves.
    """
    rng = Random(f"plans of {stream.seed}")
    oracle = rate_all(stream.records, stream.profiles, CATALOG, allowance=stream.allowance, window_basis=stream.window_basis)
    plan = make_plan(stream, rng, clocked=False, restarts=rng.random() < 0.3)
    first = Run(stream, plan).play()
    first.compare(oracle)
    other = stream.shuffled(rng)
    second = Run(other, make_plan(other, rng, clocked=True, restarts=True)).play()
    second.compare(rate_all(other.records, other.profiles, CATALOG, allowance=stream.allowance, window_basis=stream.window_basis))
    if thorough:
        again = Run(stream, plan).play()
        must(again.watch.published == first.watch.published, "the same batches give the same bytes", stream.seed)
        windows_are_brute_force(first, oracle)
    return Checked(stream, oracle, (first, second))


def windows_are_brute_force(run: Run, oracle: Result) -> None:
    """Asks METER's windows at every edge of every conversation."""
    for phone, user in {(event.phone_number_id, event.user) for event in oracle.events}:
        windows = Windows(run.store, conversation_digest(phone, user))
        for opener in openers(oracle.events, phone, user):
            for at in (opener.time - 1, opener.time, opener.time + DAY - 1, opener.time + DAY):
                found, expected = windows.at(at), window_at(oracle.events, phone, user, at)
                must(_same(found, expected), "a window is open when some message came less than 24 hours before", at, found, expected)


def _same(found: MeterWindow | None, expected: Window | None) -> bool:
    if found is None or expected is None:
        return found is None and expected is None
    return (found.opened_by, found.opened_at_ms, found.expires_at_ms) == tuple(expected)
