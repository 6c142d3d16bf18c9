"""Where a topic partition ends, with whatever lies in transactions that are still open: beyond that nothing was appended before one asked.

A reader of committed records sees the last stable offset instead, which an open transaction holds back.
"""

from __future__ import annotations

import asyncio
from typing import cast

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka import clients
from streams.settings import Settings


class LogEnds:
    """Asks the brokers, through a client of its own that is started when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()

    async def end(self, topic: str, partition: int) -> int:
        """The offset that the next record of a topic, by its full name, would get."""
        async with self._starting:
            if self._client is None:
                client = clients.observer(self._settings)
                await client.start()
                self._client = client
        place = TopicPartition(topic, partition)
        return cast("int", (await self._client.end_offsets([place]))[place])

    async def stop(self) -> None:
        """Closes the client; no more may be asked."""
        if self._client is not None:
            await self._client.stop()
