"""When stages that feed each other are at rest: nothing that one tells another is unread, whoever reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams import topics
from streams.kafka import clients
from streams.pipeline.rest import is_at_rest
from streams.settings import Settings

BETWEEN = "usage.counts"


@pytest.fixture
async def settings(broker: str) -> Settings:
    """One partition of every topic, and a group that has committed nothing."""
    found = Settings(bootstrap=broker, partitions=1, prefix=f"t{uuid4().hex[:8]}.", app_id=f"app-{uuid4().hex[:8]}")
    await topics.create(found)
    return found


@asynccontextmanager
async def publisher(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = clients.transactional_producer(settings, f"{settings.prefix}publisher")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def told(settings: Settings, *, commit: bool) -> None:
    """One stage tells another something, or takes it back before it was told."""
    async with publisher(settings) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(settings.prefix + BETWEEN, b"value", b"key")
        await (producer.commit_transaction() if commit else producer.abort_transaction())


async def another_worker_has_read(settings: Settings, offset: int) -> None:
    """As a worker that goes on commits it: the offset after the last record, whatever marks lie behind that."""
    consumer = AIOKafkaConsumer(**clients.connection(settings), group_id=settings.app_id, enable_auto_commit=False)
    await consumer.start()
    place = TopicPartition(settings.prefix + BETWEEN, 0)
    consumer.assign([place])
    await consumer.commit({place: offset})
    await consumer.stop()


async def at_rest(settings: Settings, own: dict[tuple[str, int], int] | None = None) -> bool:
    return await is_at_rest(settings, [BETWEEN], own or {})


async def test_stages_that_told_each_other_nothing_are_at_rest(settings: Settings) -> None:
    assert await at_rest(settings)


async def test_a_record_that_another_worker_has_not_read_keeps_them_busy(settings: Settings) -> None:
    await told(settings, commit=True)
    assert not await at_rest(settings)


async def test_behind_the_last_record_of_a_worker_that_goes_on_lies_a_mark_that_nobody_reads(settings: Settings) -> None:
    await told(settings, commit=True)
    await another_worker_has_read(settings, 1)
    assert await at_rest(settings)
    await told(settings, commit=True)
    assert not await at_rest(settings)


async def test_what_was_taken_back_is_nothing_to_wait_for(settings: Settings) -> None:
    await told(settings, commit=False)
    assert await at_rest(settings)


async def test_a_transaction_that_is_open_may_still_tell_something(settings: Settings) -> None:
    async with publisher(settings) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(settings.prefix + BETWEEN, b"value", b"key")
        assert not await at_rest(settings)
        await producer.abort_transaction()


@pytest.mark.parametrize(("position", "rests"), [(0, False), (1, True), (2, True)])
async def test_of_its_own_partitions_a_worker_knows_the_position_itself(settings: Settings, position: int, rests: Any) -> None:
    await told(settings, commit=True)
    assert await at_rest(settings, {(BETWEEN, 0): position}) is rests
