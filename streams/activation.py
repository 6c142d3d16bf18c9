"""Bringing a catalog into force in a running system: one record for each partition."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from typing import NamedTuple

import orjson

from rating.activation import activation_of, has
from rating.catalog import Catalog
from rating.orders import Active
from streams.commands import TOPIC, send
from streams.kafka.partitioner import partition_of
from streams.settings import Settings
from streams.topic_reader import TopicReader

MESSAGES = "whatsapp.messages"


class Plan(NamedTuple):
    """What it takes to bring a catalog into force."""

    wanted: Active
    in_force: Mapping[int, Active | None]
    """By partition; None where nothing was rated yet."""
    continues: bool
    """Whether the catalog says what is in force everywhere, as known then: workers that have it can run beside those that do not yet."""

    @property
    def changes(self) -> Sequence[int]:
        """The partitions where another catalog is in force, or none."""
        return [number for number, known in sorted(self.in_force.items()) if known != self.wanted]


async def plan(reader: TopicReader, catalog: Catalog) -> Plan:
    """How this catalog, as it is known here, would come into force."""
    states = await reader.states(MESSAGES)
    in_force = {number: state.active for number, state in states.items()}
    return Plan(activation_of(catalog), in_force, all(known is None or has(catalog, known) for known in in_force.values()))


def activate(settings: Settings, found: Plan, command_id: str) -> None:
    """Publishes a record to every partition. Raises `UnreachableError`."""
    command = {
        "v": 1,
        "type": "activate_catalog",
        "id": command_id,
        "catalog": found.wanted.catalog,
        "known_at": found.wanted.known_at or None,
    }
    partitions = len(found.in_force)
    records = [(key_in(number, partitions), orjson.dumps(command)) for number in range(partitions)]
    asyncio.run(send(settings, TOPIC, records))


def key_in(number: int, partitions: int) -> bytes:
    """A key that lies in a partition: commands are read where their key belongs, and this one belongs to no phone number."""
    return next(key for each in count() if partition_of(key := f"partition-{number}-{each}".encode(), partitions) == number)
