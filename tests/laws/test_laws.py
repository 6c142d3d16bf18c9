"""Any order, any duplicates, any interruption: the oracle's result, at every step lines that add up to the totals, nothing twice."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings

from tests.laws.check import BrokenRunError, Checked, breaks_the_same_law, check
from tests.laws.driver import Run
from tests.laws.shrink import shrunk, told
from tests.laws.situations import SITUATIONS, of_stream
from tests.streams_generator import Stream, generate
from tests.streams_generator.strategies import streams as any_stream

FEWEST = 20
"""In fewer streams a situation was not tried."""

FEWEST_OF_ENOUGH = 2000
"""Fewer streams than this can't be asked to meet every situation so often."""


@pytest.mark.timeout(1800)
def test_every_stream_ends_as_the_oracle_says_however_it_arrives(streams: int, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    met: Counter[str] = Counter()
    for number in range(streams):
        checked = _check_or_tell(generate(seed + number), thorough=number % 5 == 0)
        if isinstance(checked, str):
            pytest.fail(checked, pytrace=False)
        met.update(of_stream(checked))
    with capsys.disabled():
        print(_table(met, streams))  # noqa: T201 - the table is what the run is asked for
    if streams >= FEWEST_OF_ENOUGH:
        assert not {name: met[name] for name in SITUATIONS if met[name] < FEWEST}, "situations that too few streams were in"


@settings(max_examples=50, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(any_stream())
def test_any_stream_that_hypothesis_asks_for_keeps_the_laws(stream: Stream) -> None:
    check(stream)


def test_the_situations_are_more_than_thirty() -> None:
    assert len(SITUATIONS) >= 30


def _check_or_tell(stream: Stream, *, thorough: bool) -> Checked | str:
    """The checked stream, or what is wrong with it and the smallest run in which it still is."""
    try:
        return check(stream, thorough=thorough)
    except BrokenRunError as broken:
        small = Run(broken.stream, shrunk(broken.plan, partial(breaks_the_same_law, broken=broken)))
        return f"{broken}\n\nTry it again with --seed {stream.seed} --streams 1. Made small, it is:\n{told(small)}"


def _table(met: Counter[str], streams: int) -> str:
    width = max(map(len, SITUATIONS))
    rows = [f"  {name:<{width}}  {met[name]:>6}{'  too few' * (met[name] < FEWEST)}" for name in SITUATIONS]
    return "\n".join([f"\n{len(SITUATIONS)} situations, and how many of {streams} streams were in each:", *rows])
