"""Puts commands on `rating.commands`, where METER finds and executes them: nothing else here writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from schemas.commands import MAX_NAMED
from streams.kafka import clients
from streams.settings import Settings

TOPIC: Final = "rating.commands"


def publish(settings: Settings, commands: Iterable[Mapping[str, Any]]) -> int:
    """Publishes commands, each under its phone number; returns how many, once all replicas have them. Raises `UnreachableError`."""
    records = [(str(command["phone_number_id"]).encode(), orjson.dumps({"v": 1, **command})) for command in commands]
    return asyncio.run(send(settings, TOPIC, records)) if records else 0


async def send(settings: Settings, topic: str, records: Sequence[tuple[bytes | None, bytes]]) -> int:
    """Appends records to a topic, by its logical name; returns how many, once all replicas have them. Raises `UnreachableError`."""
    async with clients.publisher(settings) as producer:
        sent = [await producer.send(settings.prefix + topic, value, key=key) for key, value in records]
        await asyncio.gather(*sent)
    return len(records)


def portions(names: Sequence[str]) -> Iterator[list[str]]:
    """Names in lists that one command can hold."""
    for at in range(0, len(names), MAX_NAMED):
        yield list(names[at : at + MAX_NAMED])
