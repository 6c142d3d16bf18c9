"""A drain ends when everything a worker owns is done, and what it owns is not known amid a rebalance."""

from __future__ import annotations

from streams.engine.engine import Engine
from streams.settings import Settings
from tests.engine.toy import ToyStage


async def test_a_worker_that_owns_nothing_for_a_moment_has_not_drained_its_input() -> None:
    engine = Engine(ToyStage(), "toy", Settings(), draining=True)
    engine.drained()
    await engine.revoked(set())
    engine.drained()
    assert not engine.finished.is_set()
