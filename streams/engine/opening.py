"""How a partition is taken over: what its state is, and where each input goes on.

Fence first: then nobody who had it before can add to the changelog, nor to what is committed. Look up the group's offsets, then
restore: then the state is that of the last commit, and no older than the offsets it is compared with. Catch up with the broadcast
topics: then no record is handled without the profiles that were there before it. Only then look where the inputs go on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from rating.stage import Stage
from streams.engine import clients, positions
from streams.engine.batches import batch_of, split
from streams.engine.restore import committed_records, restore
from streams.engine.steps import Steps
from streams.engine.transaction import TransactionLog
from streams.metrics import Metrics
from streams.settings import Settings

logger = structlog.get_logger(__name__)


async def take_over(stage: Stage, settings: Settings, steps: Steps, log: TransactionLog, metrics: Metrics) -> dict[str, int]:
    """Restores a fenced partition's state and brings it up to date; returns the offset at which each input goes on."""
    changelog = log.changelog
    inputs = {topic: TopicPartition(settings.prefix + topic, changelog.partition) for topic in stage.inputs}
    # Not after the restore: were this process paused in between, the next owner would commit, and state would seem to be lost.
    committed = await _committed(settings, list(inputs.values()))
    async with _started(clients.reader(settings)) as consumer:
        log.changelog_offset = await restore(steps.store, consumer, changelog, log.changelog_offset, metrics)
        await _catch_up(stage, settings, steps, consumer)
        begins = await consumer.beginning_offsets(list(inputs.values()))
        ends = await consumer.end_offsets(list(inputs.values()))
    return {
        topic: _start(steps, topic, tp.partition, committed=committed[tp], begin=begins[tp], end=ends[tp], metrics=metrics)
        for topic, tp in inputs.items()
    }


async def catch_up(stage: Stage, settings: Settings, steps: Steps) -> None:
    """Applies the broadcast topics up to their end as of now."""
    if stage.broadcast:
        async with _started(clients.reader(settings)) as consumer:
            await _catch_up(stage, settings, steps, consumer)


async def _catch_up(stage: Stage, settings: Settings, steps: Steps, consumer: AIOKafkaConsumer) -> None:
    starts = {
        TopicPartition(settings.prefix + topic, partition): positions.position(steps.store, topic, partition) or 0
        for topic in stage.broadcast
        for partition in range(settings.partitions)
    }
    async for tp, records, _ in committed_records(consumer, starts):
        topic = tp.topic.removeprefix(settings.prefix)
        for batch in split(batch_of(topic, tp.partition, records), settings.batch_max_records):
            await steps.run([batch])


async def _committed(settings: Settings, partitions: list[TopicPartition]) -> dict[TopicPartition, int | None]:
    """The group's offsets. Stable, because every producer that could still have committed one is fenced."""
    async with _started(clients.reader(settings, settings.app_id)) as consumer:
        consumer.assign(partitions)
        consumer.pause(*partitions)
        return {tp: await consumer.committed(tp) for tp in partitions}


def _start(steps: Steps, topic: str, partition: int, *, committed: int | None, begin: int, end: int, metrics: Metrics) -> int:
    in_state = positions.position(steps.store, topic, partition)
    start = positions.start(topic, partition, in_state=in_state, committed=committed, begin=begin, end=end)
    if start < begin:
        metrics.lost(topic, begin - start)
        logger.error("records were deleted by retention before they were read", topic=topic, partition=partition, records=begin - start)
    return max(start, begin)


@asynccontextmanager
async def _started(consumer: AIOKafkaConsumer) -> AsyncIterator[AIOKafkaConsumer]:
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
