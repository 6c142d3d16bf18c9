"""Reading a topic partition to its end: how state comes back from its changelog, and how broadcast topics are caught up with.

Bytes stay bytes: what is restored is decoded when it is first needed, so a million records take about three seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.state import Store
from streams.metrics import Metrics

log = structlog.get_logger(__name__)
PROGRESS_EVERY_S = 5.0


async def committed_records(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int]
) -> AsyncIterator[tuple[TopicPartition, list[Any], int]]:
    """Every committed record from each start to the end as of now: (partition, records, next offset), in order per partition.

    Takes the consumer over: it must not be assigned to anything else meanwhile. A start that lies before the log's
    beginning begins there.
    """
    if not starts:
        return
    partitions = list(starts)
    consumer.assign(partitions)
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, max(starts[partition], begins[partition]))
    waiting = set(partitions)
    while waiting:
        for partition in list(waiting):
            if await consumer.position(partition) >= ends[partition]:
                waiting.discard(partition)
        if not waiting:
            return
        for partition, records in (await consumer.getmany(*waiting, timeout_ms=500)).items():
            yield partition, records, records[-1].offset + 1


async def restore(store: Store, consumer: AIOKafkaConsumer, changelog: TopicPartition, start: int, metrics: Metrics) -> int:
    """Brings a store up to date from its changelog, where `start` is what it has seen of it; returns what it has seen then.

    It sees committed records only: fence first, then restore.
    """
    seen = start
    end = (await consumer.end_offsets([changelog]))[changelog]
    restored = 0
    loop = asyncio.get_running_loop()
    told_at = loop.time()
    async for _, records, next_offset in committed_records(consumer, {changelog: start}):
        store.restore((record.key, record.value) for record in records)
        seen = next_offset
        restored += len(records)
        metrics.restored(len(records))
        metrics.restoring(changelog.partition, max(0, end - next_offset))
        if loop.time() - told_at > PROGRESS_EVERY_S:
            told_at = loop.time()
            log.info("restoring", partition=changelog.partition, records=restored, keys=len(store), offset=next_offset, end=end)
    metrics.restoring(changelog.partition, 0)
    return seen
