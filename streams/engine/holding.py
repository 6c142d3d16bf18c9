"""Batches of an input that waits for another: they are handed on when that one was read to its end as of their arrival.

Two inputs of a partition come independently. So a batch of the one is held back, the other's log is asked where it ends now, which is no
earlier than where it ended when the batch was appended, and once everything up to there lies in the inbox, the batch follows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Final, Protocol

from streams.guards.fatal import die
from streams.kafka.batches import RecordBatch
from streams.kafka.inbox import Inbox

POLL_S: Final = 0.01
"""How often to look whether the other input has come so far."""


class Logs(Protocol):
    """What holding asks of the engine."""

    async def log_end(self, topic: str, partition: int) -> int:
        """Where a log ends now, open transactions included."""

    async def remaining(self, topic: str, partition: int, end: int) -> int:
        """Up to where there is something to read, in a log that ends at `end`."""


class Holding:
    """What waits outside the inbox of one partition."""

    def __init__(self, waits: Mapping[str, str], partition: int, inbox: Inbox, logs: Logs, max_records: int) -> None:
        """`waits`: from an input to the one that must be read before it."""
        self._waits = waits
        self._partition = partition
        self._inbox = inbox
        self._logs = logs
        self._max_records = max_records
        self._held: deque[RecordBatch] = deque()
        self._releasing: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._held)

    def is_full(self, topic: str) -> bool:
        """True when no batch of an input should come now. What waits for another input never keeps that one out."""
        if topic in self._waits:
            return sum(len(batch.records) for batch in self._held) >= self._max_records
        return self._inbox.is_full

    def put(self, batch: RecordBatch) -> None:
        """Hands a batch to the inbox, now or in its time; batches of one input stay in order."""
        if batch.topic not in self._waits:
            self._inbox.put(batch)
            return
        self._held.append(batch)
        if self._releasing is None or self._releasing.done():
            self._releasing = asyncio.create_task(self._release())

    async def close(self) -> None:
        """Drops what is held: it was never committed, so it is read again."""
        self._held.clear()
        if self._releasing is not None:
            self._releasing.cancel()
            await asyncio.wait({self._releasing})

    async def _release(self) -> None:
        try:
            while self._held:
                batches = list(self._held)
                for first in sorted({self._waits[batch.topic] for batch in batches if batch.records}):
                    await self._read_to_end(first)
                for batch in batches:
                    self._held.popleft()
                    self._inbox.put(batch)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            die(error, doing="waiting for another input", partition=self._partition)

    async def _read_to_end(self, topic: str) -> None:
        end = await self._logs.log_end(topic, self._partition)
        while self._inbox.next_offset(topic) < await self._logs.remaining(topic, self._partition, end):  # noqa: ASYNC110 - two tasks move it
            await asyncio.sleep(POLL_S)
