"""How a partition is taken over: what its state is, and where each input goes on.

Fence first: then nobody who had it before can add to the changelog, nor to what is committed. Look up the group's offsets, wait until
the marks of what was under way lie in the changelog, then restore: then the state is that of the last commit, and no older than the
offsets it is compared with. Look whether this worker may go on with it, and where the inputs go on. Catch up with the broadcast topics:
then no record is handled without the profiles that were there before it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from rating.stage import Stage
from streams.engine.steps import Steps
from streams.engine.transaction import TransactionLog
from streams.guards.fatal import RefusalError
from streams.guards.identity import KEY, to_keep
from streams.kafka import clients
from streams.kafka.batches import batch_of, split
from streams.kafka.reading import committed_records
from streams.metrics import Metrics, Phase
from streams.settings import Settings
from streams.state import positions
from streams.takeover.restore import restore, until_settled

logger = structlog.get_logger(__name__)


async def take_over(stage: Stage, settings: Settings, steps: Steps, log: TransactionLog, metrics: Metrics) -> dict[str, int]:
    """Restores a fenced partition's state and brings it up to date; returns the offset at which each input goes on.

    Raises `RefusalError` if the state is not one that this stage may go on with, or records are missing that nobody gave up.
    """
    changelog = log.changelog
    name = f"{changelog.topic} partition {changelog.partition}"
    inputs = [TopicPartition(settings.prefix + topic, changelog.partition) for topic in stage.inputs]
    # Not after the restore: were this process paused in between, the next owner would commit, and state would seem to be lost.
    committed = await committed_offsets(settings, inputs)
    async with _started(clients.reader(settings)) as consumer:
        end = (await consumer.end_offsets([changelog]))[changelog]
        if end < log.changelog_offset:
            raise RefusalError(
                f"{name} ends at {end}, but this worker has read it up to {log.changelog_offset}; the topic was made anew. "
                "Restore it, or begin anew under another prefix and app_id"
            )
        async with _phase("restore", changelog.partition, metrics) as told:
            begin = log.changelog_offset
            await until_settled(settings, consumer, log, stage.outputs)
            log.changelog_offset = await restore(steps.store, consumer, changelog, begin, metrics)
            steps.size.count()
            told.update(keys=steps.size.records, size_bytes=steps.size.bytes, changelog=[begin, log.changelog_offset])
        identity = to_keep(steps.store.get(KEY), stage.identity, settings.activatable, name)
        # Whatever speaks against this state must be said before the first step adds to it.
        starts = await _starts(settings, steps, consumer, inputs, committed, metrics)
        if identity is not None:
            steps.keep(KEY, identity)
        async with _phase("catch_up", changelog.partition, metrics):
            await _catch_up(stage, settings, steps, consumer, metrics)
    return {topic: offset for (topic, _), offset in starts.items()}


async def catch_up(stage: Stage, settings: Settings, steps: Steps, metrics: Metrics) -> None:
    """Applies the broadcast topics up to their end as of now."""
    if stage.broadcast:
        async with _started(clients.reader(settings)) as consumer:
            await _catch_up(stage, settings, steps, consumer, metrics)


async def _catch_up(stage: Stage, settings: Settings, steps: Steps, consumer: AIOKafkaConsumer, metrics: Metrics) -> None:
    partitions = [TopicPartition(settings.prefix + topic, number) for topic in stage.broadcast for number in range(settings.partitions)]
    if not partitions:
        return
    starts = await _starts(settings, steps, consumer, partitions, {}, metrics)
    async for tp, records, _ in committed_records(
        consumer, {tp: starts[tp.topic.removeprefix(settings.prefix), tp.partition] for tp in partitions}
    ):
        topic = tp.topic.removeprefix(settings.prefix)
        for batch in split(batch_of(topic, tp.partition, records), settings.batch_max_records):
            await steps.run([batch])


async def committed_offsets(settings: Settings, partitions: list[TopicPartition]) -> dict[TopicPartition, int | None]:
    """The group's offsets. Stable, once every producer that could still have committed one is fenced."""
    async with _started(clients.reader(settings, settings.app_id)) as consumer:
        consumer.assign(partitions)
        consumer.pause(*partitions)
        return {tp: await consumer.committed(tp) for tp in partitions}


async def _starts(
    settings: Settings,
    steps: Steps,
    consumer: AIOKafkaConsumer,
    partitions: list[TopicPartition],
    committed: Mapping[TopicPartition, int | None],
    metrics: Metrics,
) -> dict[tuple[str, int], int]:
    """Where to go on reading each partition, by logical topic and number. Every refusal of them at once."""
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    starts: dict[tuple[str, int], int] = {}
    refused: list[str] = []
    for tp in partitions:
        topic = tp.topic.removeprefix(settings.prefix)
        in_state = positions.position(steps.store, topic, tp.partition)
        accepted = settings.accepted_losses.get((topic, tp.partition), 0)
        bounds = {"committed": committed.get(tp), "begin": begins[tp], "end": ends[tp], "accepted": accepted}
        try:
            start = starts[topic, tp.partition] = positions.start(topic, tp.partition, in_state=in_state, **bounds)
        except RefusalError as refusal:
            refused.append(str(refusal))
            continue
        if in_state is not None and in_state < start:
            metrics.lost(topic, start - in_state)
            logger.error("went over a gap, as told", topic=topic, partition=tp.partition, first=in_state, next=start)
    if refused:
        raise RefusalError("; ".join(refused))
    return starts


@asynccontextmanager
async def _phase(phase: Phase, partition: int, metrics: Metrics) -> AsyncIterator[dict[str, object]]:
    """Times what happens inside, and tells it with whatever is put into the given dict."""
    began_s = time.monotonic()
    told: dict[str, object] = {}
    yield told
    took_s = time.monotonic() - began_s
    metrics.phase(phase, took_s)
    logger.info("partition phase", phase=phase, partition=partition, took_s=round(took_s, 3), **told)


@asynccontextmanager
async def _started(consumer: AIOKafkaConsumer) -> AsyncIterator[AIOKafkaConsumer]:
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
