"""Broadcast topics, followed live: what is appended to them reaches every partition of this worker, also while its input is idle.

A partition reads the past by itself when it opens. This reader starts at the end, before any partition does, so the two
meet without a hole; what both deliver is applied once, because the position is part of the state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka import TopicPartition

from streams.guards.fatal import die
from streams.kafka import clients
from streams.kafka.batches import RecordBatch, batch_of
from streams.settings import Settings


class BroadcastReader:
    """One consumer without a group, over all partitions of the broadcast topics."""

    def __init__(self, settings: Settings, topics: tuple[str, ...], deliver: Callable[[RecordBatch], Awaitable[None]]) -> None:
        self._settings = settings
        self._deliver = deliver
        self._partitions = [TopicPartition(settings.prefix + topic, number) for topic in topics for number in range(settings.partitions)]
        self._consumer = clients.reader(settings)
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """From its return on, every record appended is delivered."""
        if not self._partitions:
            return
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        for partition, end in (await self._consumer.end_offsets(self._partitions)).items():
            self._consumer.seek(partition, end)
        self._following = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Delivers no more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})
        await self._consumer.stop()

    async def _follow(self) -> None:
        prefix = self._settings.prefix
        try:
            while True:
                for tp, fetched in (await self._consumer.getmany(timeout_ms=1000)).items():
                    await self._deliver(batch_of(tp.topic.removeprefix(prefix), tp.partition, fetched))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            die(error, doing="following the broadcast topics")
