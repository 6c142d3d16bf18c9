"""The broker of a run: a fresh Apache Kafka, started by the tests' own fixture, and topics made and dropped on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient

from streams import topics
from streams.settings import Settings
from streams.topics import Topic
from tests.brokers.apache_kafka import VERSION, ApacheKafka, java_on_kafka, what_is_missing

__all__ = ["VERSION", "Broker", "admin", "create", "drop", "what_is_missing"]

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a topic just made has no leader for a moment: it retries, and complains

_PROPERTIES = {
    # Two workers that start together are given their partitions together: Kafka's own default is 3000.
    "group.initial.rebalance.delay.ms": "1500",
}


class Broker(ApacheKafka):
    """One Apache Kafka node whose CPU time can be read. Its log keeps everything until `remove`."""

    def __init__(self) -> None:
        super().__init__(_PROPERTIES, java=java_on_kafka(is_measured=True))

    @property
    def pid(self) -> int:
        """Of the running process."""
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process.pid


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create(settings: Settings, wanted: Iterable[Topic]) -> None:
    """Makes topics, and returns when the broker knows them."""
    await topics.create(settings, list(wanted))


async def drop(bootstrap: str, prefixes: Iterable[str]) -> None:
    """Deletes all topics whose names begin so, and returns when they are gone."""
    heads = tuple(prefixes)
    async with admin(bootstrap) as client:
        names = [name for name in await client.list_topics() if name.startswith(heads)]
        if names:
            await client.delete_topics(names)
        while any(name.startswith(heads) for name in await client.list_topics()):  # noqa: ASYNC110 - a broker can only be asked again
            await asyncio.sleep(0.05)
