"""`wameter rebuild` from beginning to end: partition by partition the log is played again and compared; then all are switched, or none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

from rating.stage import StageRefusedError
from streams import topic_reader
from streams.engine.transaction import TransactionLog
from streams.errors import UserError
from streams.guards import identity
from streams.kafka import aiokafka_fixes
from streams.kafka.partitioner import partition_of
from streams.rebuild import compare, cut, logs, switch
from streams.rebuild.compare import Beside, Difference
from streams.rebuild.replay import Replay, Stages
from streams.rebuild.said import OUTPUTS, Said, phone_number_of
from streams.rebuild.switch import Image
from streams.settings import Settings
from streams.stages import replaying_meters_of
from streams.state.store import Store
from streams.takeover.restore import restore
from streams.topic_reader import TopicReader

SHOWN = 10

Told = Callable[[str, int, int], None]
"""Is told what goes on, how much of it is done, and how much there is."""


@dataclass(slots=True)
class Partition:
    """What came of one partition."""

    number: int
    records: int = 0
    """Read again from its logs."""
    keys: int = 0
    """Of the rebuilt state."""
    is_lost: bool = False
    """Whether its state did not know how far it had come."""
    beside: Beside | None = None
    """None where the former state is of another format, or lost."""
    differences: int = 0
    examples: list[Difference] = field(default_factory=list)
    """The first of them."""
    changed: int | None = None
    """Keys that the switch changed; None before it."""


class Former(NamedTuple):
    """What is known of a partition before."""

    store: Store
    identity: Mapping[str, str]
    """Empty where there is none."""


class Rebuild:
    """Runs it once."""

    def __init__(self, settings: Settings, reader: TopicReader, told: Told) -> None:
        self._settings = settings
        self._reader = reader
        self._told = told
        self._images: dict[int, Image] = {}

    async def run(self, *, dry_run: bool) -> list[Partition]:
        """Raises `UserError` where it may not or cannot be done; then nothing is switched that was not switched before."""
        meter = replaying_meters_of(self._settings, None)[0]
        changelog = self._reader.partitions_of(topic_reader.STATE)
        if len(changelog) != self._settings.partitions:
            raise UserError(
                f"{topic_reader.STATE} has {len(changelog)} partitions, the setting partitions says {self._settings.partitions}"
            )
        await switch.no_members(self._settings, self._told, patient=True)
        await logs.whole(self._reader, meter)
        async with switch.fenced(self._settings, range(len(changelog))) as producers:
            await switch.no_members(self._settings, self._told, patient=False)
            for producer in producers:
                await switch.settled(self._settings, self._reader, producer, meter.outputs)
            await switch.make_topic(self._settings)
            found = [await self._partition(tp) for tp in changelog]
            if not dry_run and not any(each.differences for each in found):
                for each, producer in zip(found, producers, strict=True):
                    await self._switch(each, producer)
        if not any(each.differences for each in found):
            await switch.drop_topic(self._settings)
        return found

    async def _partition(self, changelog: TopicPartition) -> Partition:
        """Plays one partition again, compares, and writes the state beside the one in force."""
        found = Partition(changelog.partition)
        former = await self._former(changelog)
        published = await self._published(found.number)
        stages = Stages(*replaying_meters_of(self._settings, published.first_known))
        _same_rules(former, stages.usual.identity, changelog)
        replay = await self._replayed(found, former, published, stages)
        examples = [*compare.differences(published, replay.said)]
        if not examples:
            examples = compare.take_over_from(published, replay.store)
        found.differences, found.examples = len(examples), examples[:SHOWN]
        found.keys = len(replay.store)
        if former.identity == json.loads(identity.of_state(stages.usual.identity)):
            found.beside = compare.beside(former.store, replay.store)
        self._images[found.number] = await switch.write(self._settings, found.number, replay.store)
        return found

    async def _replayed(self, found: Partition, former: Former, published: Said, stages: Stages) -> Replay:
        ends = await logs.ends_of(self._settings, self._reader, stages.usual, found.number)
        until = cut.in_state(former.store, ends)
        if until is None and (published.lines or published.unrated or any(ends.committed.values())):
            found.is_lost = True
            search = self._replay(found.number, published, stages)
            until = await cut.by_outputs(search, logs.records(self._reader, stages.usual, found.number, ends.ends), ends)
        replay = self._replay(found.number, published, stages)
        all_of_it = sum((until or {}).values())
        async for record in logs.records(self._reader, stages.usual, found.number, until or {}):
            replay.take(record)
            found.records += 1
            if found.records % 1000 == 0:
                self._told(f"partition {found.number}", found.records, all_of_it)
        replay.end(until or {})
        return replay

    def _replay(self, number: int, published: Said, stages: Stages) -> Replay:
        settings = self._settings
        sizes = {"batch_max_records": settings.batch_max_records, "tick_interval_ms": settings.tick_interval_ms}
        return Replay(stages, number, published, **sizes)

    async def _former(self, changelog: TopicPartition) -> Former:
        store = Store()
        await restore(store, self._reader.consumer, changelog, 0)
        try:
            known = json.loads(store.get(identity.KEY) or b"{}")
        except ValueError:
            known = {}
        return Former(store, known if isinstance(known, dict) else {})

    async def _published(self, number: int) -> Said:
        """What is published of the phone numbers of a partition."""
        said = Said()
        self._told(f"what is published of partition {number}", 0, 0)
        async for record in self._reader.records(*OUTPUTS):
            try:
                phone_number_id = phone_number_of(record.topic, record.key, record.value)
                if phone_number_id is None or partition_of(phone_number_id.encode(), self._settings.partitions) == number:
                    said.hear(record.topic, record.key, record.value, record.headers, record.appended_at_ms)
            except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError):
                where = f"{record.topic} partition {record.partition} offset {record.offset}"
                raise UserError(f"{where} is nothing that METER has written; a state cannot be compared with it") from None
        return said

    async def _switch(self, found: Partition, producer: TransactionLog) -> None:
        self._told(f"switching partition {found.number}", 0, 0)
        try:
            found.changed = await switch.switch(self._settings, self._reader, producer, self._images[found.number])
        except ProducerFenced:
            before = f"partitions before {found.number} have their rebuilt state, the others" if found.number else "all partitions have"
            raise UserError(
                f"a worker has started and taken partition {found.number} over: it was not switched. {before} their former one, whole; "
                "stop the workers and run it again"
            ) from None


def run(settings: Settings, told: Told, *, dry_run: bool) -> list[Partition]:
    """Makes METER's state again and puts it in force, unless it is a `dry_run` or anything differs. Raises `UserError`."""

    async def rebuilt() -> list[Partition]:
        # Without the group: a consumer that knows one must not be assigned anew in quick succession.
        async with topic_reader.connect(settings, knows_group=False) as reader:
            try:
                return await Rebuild(settings, reader, told).run(dry_run=dry_run)
            except StageRefusedError as refused:
                raise UserError(f"{refused}; --catalog and the settings must be those of the workers") from None
            except ProducerFenced:
                raise UserError("another rebuild, or a worker, has started; let one of them run alone") from None

    aiokafka_fixes.apply()
    return asyncio.run(rebuilt())


def _same_rules(former: Former, ours: Mapping[str, str], changelog: TopicPartition) -> None:
    """Refuses settings that are not those of the state: every line would differ."""
    own: Mapping[str, str] = json.loads(identity.of_state(ours))
    unlike = [part for part in own if part != identity.STATE_FORMAT and former.identity.get(part, own[part]) != own[part]]
    if unlike:
        said = "; ".join(f"{part} was {former.identity[part]}, is {own[part]} here" for part in unlike)
        raise UserError(f"{changelog.topic} partition {changelog.partition}: {said}; the settings must be those of the workers")
