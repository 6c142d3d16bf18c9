"""The circuit breaker opens when most of the latest records were rejected, and not for a few bad ones."""

from __future__ import annotations

import pytest

from streams.guards.breaker import Breaker
from streams.guards.fatal import BreakerError


@pytest.mark.parametrize(
    ("steps", "opens"),
    [
        pytest.param([(49, 49)], False, id="49 records prove nothing"),
        pytest.param([(50, 25)], False, id="exactly half is not most"),
        pytest.param([(50, 26)], True, id="more than half of 50"),
        pytest.param([(20, 20), (20, 20), (20, 20)], True, id="it looks over several steps"),
        pytest.param([(1000, 0), (400, 400)], False, id="good ones before count while they are in the window"),
        pytest.param([(1000, 0), (400, 400), (800, 800)], True, id="and no longer once they are out of it"),
        pytest.param([(0, 0)] * 60, False, id="steps without records count nothing"),
    ],
)
def test_it_opens(steps: list[tuple[int, int]], opens: bool) -> None:
    breaker = Breaker(window=1000, ratio=0.5)
    for step in steps[:-1]:
        breaker.check(*step)
    if opens:
        with pytest.raises(BreakerError, match="were rejected; nothing of this batch is committed"):
            breaker.check(*steps[-1])
    else:
        breaker.check(*steps[-1])


def test_a_window_of_nothing_turns_it_off() -> None:
    Breaker(window=0, ratio=0.5).check(1000, 1000)
