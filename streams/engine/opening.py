"""How a partition is taken over: what its state is, and where each input goes on.

Fence first: then nobody else can add to the changelog, nor to what is committed. Restore: then the state is that of the
last commit. Catch up with the broadcast topics: then no record is handled without the profiles that were there before it.
Only then look where the inputs go on.
"""

from __future__ import annotations

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from rating.stage import Record, Stage
from streams.engine import clients, positions
from streams.engine.batches import RecordBatch
from streams.engine.restore import committed_records, restore
from streams.engine.steps import Steps
from streams.metrics import Metrics
from streams.settings import Settings

log = structlog.get_logger(__name__)


async def take_over(stage: Stage, settings: Settings, steps: Steps, changelog: TopicPartition, metrics: Metrics) -> dict[str, int]:
    """Restores a fenced partition's state and brings it up to date; returns the offset at which each input goes on."""
    consumer = clients.reader(settings, settings.app_id)
    await consumer.start()
    try:
        await restore(steps.store, consumer, changelog, metrics)
        await _catch_up(stage, settings, steps, consumer)
        return {topic: await _start(topic, settings, steps, consumer, changelog.partition, metrics) for topic in stage.inputs}
    finally:
        await consumer.stop()


async def catch_up(stage: Stage, settings: Settings, steps: Steps) -> None:
    """Applies the broadcast topics up to their end as of now."""
    if not stage.broadcast:
        return
    consumer = clients.reader(settings)
    await consumer.start()
    try:
        await _catch_up(stage, settings, steps, consumer)
    finally:
        await consumer.stop()


async def _catch_up(stage: Stage, settings: Settings, steps: Steps, consumer: AIOKafkaConsumer) -> None:
    starts = {
        TopicPartition(settings.prefix + topic, partition): positions.position(steps.store, topic, partition) or 0
        for topic in stage.broadcast
        for partition in range(settings.partitions)
    }
    async for tp, records, next_offset in committed_records(consumer, starts):
        topic = tp.topic.removeprefix(settings.prefix)
        batch = [Record(topic, tp.partition, r.offset, r.key, r.value, r.timestamp, r.headers) for r in records]
        await steps.run([RecordBatch(topic, tp.partition, 0, batch, next_offset)])


async def _start(topic: str, settings: Settings, steps: Steps, consumer: AIOKafkaConsumer, partition: int, metrics: Metrics) -> int:
    tp = TopicPartition(settings.prefix + topic, partition)
    begin = (await consumer.beginning_offsets([tp]))[tp]
    start = positions.start(
        topic,
        partition,
        in_state=positions.position(steps.store, topic, partition),
        committed=await consumer.committed(tp),
        begin=begin,
        end=(await consumer.end_offsets([tp]))[tp],
    )
    if start < begin:
        metrics.lost(topic, begin - start)
        log.error("records were deleted by retention before they were read", topic=topic, partition=partition, records=begin - start)
    return max(start, begin)
