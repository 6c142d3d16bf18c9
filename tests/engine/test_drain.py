"""A drain ends when everything a worker owns is done, and what it owns is not known amid a rebalance."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer

from streams.engine.engine import Engine
from streams.settings import Settings
from tests.engine.harness import Pipeline
from tests.engine.toy import ToyStage


async def test_a_worker_that_owns_nothing_for_a_moment_has_not_drained_its_input() -> None:
    engine = Engine(ToyStage(), "toy", Settings(), draining=True)
    engine.drained()
    await engine.revoked(set())
    engine.drained()
    assert not engine.finished.is_set()


async def test_an_input_that_ends_in_an_aborted_transaction_is_drained_to_its_end(pipeline: Pipeline) -> None:
    settings = pipeline.settings
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, transactional_id=f"{settings.prefix}publisher")
    await producer.start()
    try:
        for commit in (True, False):
            await producer.begin_transaction()
            for _ in range(5):
                await producer.send_and_wait(f"{settings.prefix}toy.in", b"x", b"k", 0)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
    finally:
        await producer.stop()
    await pipeline.drain()
    assert len(await pipeline.read("toy.out")) == 5
