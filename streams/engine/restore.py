"""How state comes back from its changelog.

Bytes stay bytes: what is restored is decoded when it is first needed, so a million records take about three seconds.
"""

from __future__ import annotations

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka.log_ends import LogEnds
from streams.kafka.reading import committed_records
from streams.metrics import Metrics
from streams.settings import Settings
from streams.state.store import Store

log = structlog.get_logger(__name__)
PROGRESS_EVERY_S = 5.0
POLL_S = 0.1


async def until_settled(settings: Settings, consumer: AIOKafkaConsumer, changelog: TopicPartition) -> None:
    """Returns once no transaction in a fenced partition's changelog is open, as seen by a reader of committed records.

    The last owner's is over when the fence stands. But its mark may not lie in the log yet: brokers that were away catch up with that
    later. Who restored without it would do again what was done.
    """
    ends = LogEnds(settings)
    try:
        end = await ends.end(changelog.topic, changelog.partition)
        has_told = False
        while (stable := (await consumer.end_offsets([changelog]))[changelog]) < end:
            if not has_told:
                log.warning("a transaction in the changelog is still open", partition=changelog.partition, offset=stable, end=end)
                has_told = True
            await asyncio.sleep(POLL_S)
    finally:
        await ends.stop()


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
