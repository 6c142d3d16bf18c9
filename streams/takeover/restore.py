"""How state comes back from its changelog.

Bytes stay bytes: what is restored is decoded when it is first needed, so a million records take about five seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.transaction import TransactionLog
from streams.kafka.log_ends import LogEnds
from streams.kafka.reading import committed_records
from streams.metrics import Metrics
from streams.settings import Settings
from streams.state.store import Store

log = structlog.get_logger(__name__)
PROGRESS_EVERY_S = 5.0
POLL_S = 0.1
MARKS_S = 2.0
"""After which a mark that is not there will not come by itself: who is told that the fence stands was told that it lies there."""


async def until_settled(settings: Settings, consumer: AIOKafkaConsumer, transactions: TransactionLog, outputs: Iterable[str]) -> None:
    """Returns once no transaction in a fenced partition's changelog is open, as seen by a reader of committed records.

    The last owner's is over when the fence stands. But its mark may not lie in the log yet: brokers that were away catch up with that
    later. Who restored without it would do again what was done. Where the brokers have lost the mark, it is written again, there and in
    the topics of `outputs`.
    """
    changelog = transactions.changelog
    ends = LogEnds(settings)
    began_s = time.monotonic()
    has_told = has_ended_again = False
    try:
        end = await ends.end(changelog.topic, changelog.partition)
        while (stable := (await consumer.end_offsets([changelog]))[changelog]) < end:
            if not has_told:
                log.warning("a transaction in the changelog is still open", partition=changelog.partition, offset=stable, end=end)
                has_told = True
            await asyncio.sleep(POLL_S)
            if not has_ended_again and time.monotonic() - began_s > MARKS_S:
                has_ended_again = True
                places = [TopicPartition(settings.prefix + topic, number) for topic in outputs for number in range(settings.partitions)]
                if await transactions.end_again([changelog, *places]):
                    log.warning("the brokers had lost its end, which is written again", partition=changelog.partition)
    finally:
        await ends.stop()


async def restore(store: Store, consumer: AIOKafkaConsumer, changelog: TopicPartition, start: int, metrics: Metrics | None = None) -> int:
    """Brings a store up to date from its changelog, where `start` is what it has seen of it; returns what it has seen then.

    It sees committed records only: fence first, then restore. `metrics` are a worker's, who also logs how it gets on.
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
        if metrics is not None:
            metrics.restored(len(records))
            metrics.restoring(changelog.partition, max(0, end - next_offset))
        if metrics is not None and loop.time() - told_at > PROGRESS_EVERY_S:
            told_at = loop.time()
            log.info("restoring", partition=changelog.partition, records=restored, keys=len(store), offset=next_offset, end=end)
    if metrics is not None:
        metrics.restoring(changelog.partition, 0)
    return seen
