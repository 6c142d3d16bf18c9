"""A drain ends when everything a worker owns is done, and what it owns is not known amid a rebalance."""

from __future__ import annotations

from streams.engine.engine import Engine
from streams.settings import Settings
from tests.engine.harness import Pipeline
from tests.engine.toy import ToyStage


async def test_a_worker_that_owns_nothing_for_a_moment_has_not_drained_its_input() -> None:
    engine = Engine(ToyStage(), "toy", Settings(), draining=True)
    assert not engine.is_drained
    await engine.revoked(set())
    assert not engine.is_drained


async def test_an_input_that_ends_in_an_aborted_transaction_is_drained_to_its_end(pipeline: Pipeline) -> None:
    for commit in (True, False):
        await pipeline.publish_in_transaction("toy.in", [(0, b"k", b"x")] * 5, commit=commit)
    await pipeline.drain()
    assert len(await pipeline.read("toy.out")) == 5
