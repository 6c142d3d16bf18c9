"""The logs of one partition as they lie on the brokers: what is there to play again, how far it was read, and in which order.

All logs but the longest are held in memory: the longest is one of events, the others hold profiles, licences, bands and commands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from rating.stage import Record, Stage
from schemas.topics import TOPIC_BY_NAME
from streams.errors import UserError
from streams.kafka.reading import committed_records
from streams.rebuild.replay import Place, in_order
from streams.results import COMPLIANCE, RATED
from streams.settings import Settings
from streams.takeover.opening import committed_offsets
from streams.topic_reader import TopicReader

_NEAR_THE_END = 1000
"""Offsets that are looked through for the last record before one: marks of transactions have offsets too."""
_KEPT = (RATED, COMPLIANCE)
"""What must be there from its beginning, beside the inputs: it says what is published."""


class Ends(NamedTuple):
    """How far the group has read the inputs of a partition, where their logs end, and until when what it read was appended."""

    committed: Mapping[Place, int]
    ends: Mapping[Place, int]
    until_ms: int


async def whole(reader: TopicReader, stage: Stage) -> None:
    """Raises `UserError`, with every problem, unless the logs hold their first record: of what is gone no state can be made."""
    topics = [topic for topic in (*stage.inputs, *_KEPT) if TOPIC_BY_NAME[topic].cleanup == "delete"]
    partitions = {tp: topic for topic in topics for tp in reader.partitions_of(topic)}
    begins = await reader.consumer.beginning_offsets(list(partitions))
    gone = [
        f"{tp.topic} partition {tp.partition} begins at offset {begin}: a state cannot be made of what is gone. "
        f"Keep {partitions[tp]} for as long as a rebuild shall be possible (retention.ms), or restore the topic"
        for tp, begin in begins.items()
        if begin > 0
    ]
    if gone:
        raise UserError(*gone)


def partitions_of(reader: TopicReader, stage: Stage, number: int) -> dict[Place, TopicPartition]:
    """What a partition reads: every partition of the broadcasts, then its own of each input."""
    broadcast = {(topic, tp.partition): tp for topic in stage.broadcast for tp in reader.partitions_of(topic)}
    return broadcast | {(topic, number): reader.partitions_of(topic)[number] for topic in stage.inputs}


async def ends_of(settings: Settings, reader: TopicReader, stage: Stage, number: int) -> Ends:
    """What the group's offsets tell of a partition."""
    partitions, consumer = partitions_of(reader, stage, number), reader.consumer
    inputs = {place: tp for place, tp in partitions.items() if place[0] in stage.inputs}
    ends = await consumer.end_offsets(list(partitions.values()))
    offsets = await committed_offsets(settings, list(inputs.values()))
    committed = {place: offsets[tp] or 0 for place, tp in inputs.items()}
    until_ms = max([await _last_before(consumer, tp, committed[place]) for place, tp in inputs.items()])
    return Ends(committed, {place: ends[tp] for place, tp in partitions.items()}, until_ms)


async def records(reader: TopicReader, stage: Stage, number: int, cut: Mapping[Place, int]) -> AsyncIterator[Record]:
    """The records of a partition before the given offsets, by append time: broadcasts first among those of one instant."""
    partitions = {place: tp for place, tp in partitions_of(reader, stage, number).items() if cut.get(place)}
    if not partitions:
        return
    longest = max(partitions, key=lambda place: cut[place])
    others = {place: tp for place, tp in partitions.items() if place != longest}
    ranks = {place: rank for rank, place in enumerate(partitions)}
    rest = in_order([[record async for record in _log(reader.consumer, place, tp, cut[place])] for place, tp in others.items()])
    other = next(rest, None)
    at_ms = 0
    async for record in _log(reader.consumer, longest, partitions[longest], cut[longest]):
        at_ms = max(at_ms, record.appended_at_ms or 0)
        while other is not None and (other.appended_at_ms or 0, ranks[other.topic, other.partition]) < (at_ms, ranks[longest]):
            yield other
            other = next(rest, None)
        yield record
    while other is not None:
        yield other
        other = next(rest, None)


async def _log(consumer: AIOKafkaConsumer, place: Place, tp: TopicPartition, end: int) -> AsyncIterator[Record]:
    async for _, fetched, _ in committed_records(consumer, {tp: 0}):
        for each in fetched:
            if each.offset >= end:
                return
            yield Record(*place, each.offset, each.key, each.value, each.timestamp, each.headers)


async def _last_before(consumer: AIOKafkaConsumer, tp: TopicPartition, offset: int) -> int:
    """When the last record before an offset was appended; 0 if there is none."""
    at_ms = 0
    async for _, fetched, _ in committed_records(consumer, {tp: max(0, offset - _NEAR_THE_END)} if offset else {}):
        at_ms = max([at_ms, *(each.timestamp for each in fetched if each.offset < offset)])
        if fetched[-1].offset >= offset:
            break
    return at_ms
