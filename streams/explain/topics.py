"""Explains a message from the topics of a running system: its phone number's partition is rated once more, offline, and watched.

Nothing is written, and no worker notices. What the topics no longer hold cannot be told, and that is said; so is whether the workers have
published what was found here.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from aiokafka import TopicPartition

from rating.commands import TOPIC as COMMANDS
from rating.explain.facts import DeliveryFacts, Explanation
from rating.explain.history import History
from rating.lines import CHARGE, RATED
from rating.meter import ACCOUNTS, MESSAGES
from rating.stage import Record
from rating.tiers.naming import BANDS, tally_named
from streams import topic_reader
from streams.explain.run import Search, Watch, explainer_of
from streams.kafka.partitioner import partition_of
from streams.kafka.reading import committed_records
from streams.results import nanos
from streams.settings import Settings
from streams.stages import meter_of
from streams.topic_reader import TopicReader


def explain(settings: Settings, message_id: str, phone_number_id: str | None) -> Explanation:
    """Why a message of a running system costs what it costs. Raises `UserError`, and `UnreachableError` where nobody answers."""
    return topic_reader.run(settings, lambda reader: _explain(reader, settings, message_id, phone_number_id))


async def _explain(reader: TopicReader, settings: Settings, message_id: str, phone_number_id: str | None) -> Explanation:
    partitions = partitions_for(reader, phone_number_id)
    search = Search(settings, message_id, phone_number_id, where)
    async for record in records(reader, settings, partitions):
        search.take(record)
    found = search.found()
    if found is None:
        notes = await forgotten(reader, partitions)
        if phone_number_id is not None:
            notes.append(f"only the partition of phone number {phone_number_id} was read; without --phone-number all of them are")
        return replace(search.nothing(_named(partitions)), notes=tuple(notes))
    own = [partition for partition in partitions if partition.partition in search.partitions]
    history = History(*found, where)
    watch = Watch(meter_of(settings), history)
    await run(watch, reader, settings, own, lambda record: search.concerns(record, found[0]))
    watch.hear(await _bands(reader, settings, [partition.partition for partition in own], found[0]))
    explanation = explainer_of(settings).message(watch.state, history, _named(own))
    notes = [*await forgotten(reader, own), *await _beside_what_is_published(reader, settings, explanation.deliveries)]
    return replace(explanation, notes=tuple(notes))


def partitions_for(reader: TopicReader, phone_number_id: str | None) -> list[TopicPartition]:
    """The partition of a phone number, or all of them. Raises `UserError` where the topic is missing."""
    partitions = reader.partitions_of(MESSAGES)
    return partitions if phone_number_id is None else [partitions[partition_of(phone_number_id.encode(), len(partitions))]]


async def run(
    watch: Watch, reader: TopicReader, settings: Settings, partitions: Sequence[TopicPartition], concerns: Callable[[Record], bool]
) -> None:
    """Rates every profile and what concerns the question, commands after events, up to now: waits end by the clock, as in a worker."""
    async for record in records(reader, settings, reader.partitions_of(ACCOUNTS)):
        watch.take(record)
    async for record in records(reader, settings, partitions):
        if concerns(record):
            watch.take(record)
    commands = reader.partitions_of(COMMANDS)
    async for record in records(reader, settings, [commands[each.partition] for each in partitions]):
        if concerns(record):
            watch.take(record)
    watch.tick(int(time.time() * 1000))


async def _bands(reader: TopicReader, settings: Settings, numbers: Sequence[int], phone_number_id: str) -> dict[bytes, bytes | None]:
    """What TIER has told of a phone number's totals, by record key. It lies in the partition that the number's events lie in."""
    told: dict[bytes, bytes | None] = {}
    partitions = reader.partitions_of(BANDS)
    async for record in records(reader, settings, [partitions[number] for number in numbers]):
        name = None if record.key is None else tally_named(record.key)
        if name is not None and name.phone_number_id == phone_number_id:
            told[name.record_key] = record.value
    return told


async def records(reader: TopicReader, settings: Settings, partitions: Iterable[TopicPartition]) -> AsyncIterator[Record]:
    """Every committed record of some partitions, up to their end as of now."""
    async for partition, fetched, _ in committed_records(reader.consumer, dict.fromkeys(partitions, 0)):
        topic = partition.topic.removeprefix(settings.prefix)
        for each in fetched:
            yield Record(topic, partition.partition, each.offset, each.key, each.value, each.timestamp, each.headers)


async def forgotten(reader: TopicReader, partitions: Sequence[TopicPartition]) -> list[str]:
    """What a reader must know where the topic no longer begins at its first record."""
    begins = await reader.consumer.beginning_offsets(list(partitions))
    return [
        f"{partition.topic} partition {partition.partition} begins at offset {begin:,}: what older events said is not in this explanation"
        for partition, begin in begins.items()
        if begin > 0
    ]


async def _beside_what_is_published(reader: TopicReader, settings: Settings, deliveries: Sequence[DeliveryFacts]) -> list[str]:
    """Whether the newest line of each delivery on its account's partition says what was found here."""
    wanted = {each.delivery_id.encode(): each for each in deliveries}
    partitions = reader.partitions_of(RATED)
    accounts = {partition_of(each.account_id.encode(), len(partitions)) for each in deliveries}
    in_force: dict[str, dict[str, Any]] = {}
    async for record in records(reader, settings, [partitions[number] for number in sorted(accounts)]):
        value = record.value or b""
        named = next((each for name, each in wanted.items() if name in value), None)
        if named is not None:
            line = orjson.loads(value)
            if line["kind"] == CHARGE:
                in_force[named.delivery_id] = line
            else:
                in_force.pop(named.delivery_id, None)
    return [_comparison(each, in_force.get(each.delivery_id)) for each in deliveries]


def _comparison(delivery: DeliveryFacts, line: dict[str, Any] | None) -> str:
    due = delivery.due
    if line is None:
        return "the workers have published no line for it" + ("" if due is None else " yet; `wameter status` shows how far they are")
    said = f"{line['outcome']}, {line['amount']} {line['currency']} ({line['reason']}), revision {line['revision']}"
    bands = () if delivery.volume is None else delivery.volume.bands  # a line is charged in whichever was known then, and adjusted
    amounts = {band.amount_nanos for band in bands} | {due.amount_nanos if due is not None else None}
    same = due is not None and (due.outcome, due.reason) == (line["outcome"], line["reason"]) and nanos(line["amount"]) in amounts
    return f"the workers have published the same: {said}" if same else f"the workers have published something else: {said}"


def where(record: Record) -> str:
    """Where a record lies, in words."""
    return f"{record.topic} partition {record.partition} offset {record.offset}"


def _named(partitions: Sequence[TopicPartition]) -> str:
    numbers = ", ".join(str(each.partition) for each in partitions)
    return f"{partitions[0].topic}, partition{'s' if len(partitions) > 1 else ''} {numbers}"
