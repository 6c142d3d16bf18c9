"""What waits for a partition: batches in order, that meet without a hole."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection

from streams.guards.fatal import HoleError, die
from streams.kafka.batches import RecordBatch


class Inbox:
    """The queue of one partition. It takes what it is given: whoever gives asks `is_full` first."""

    def __init__(self, partition: int, inputs: Collection[str], max_records: int) -> None:
        self._partition = partition
        self._inputs = inputs
        self._max_records = max_records
        self._batches: deque[RecordBatch] = deque()
        self._leases: dict[str, int] = {}
        self._next_offsets: dict[str, int] = {}
        self.arrived = asyncio.Event()
        """Set when a batch comes; whoever waits for one clears it before."""

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def is_full(self) -> bool:
        """True when a step's records wait."""
        return sum(len(batch.records) for batch in self._batches) >= self._max_records

    def expect(self, topic: str, lease: int, offset: int) -> None:
        """From now on an input's batches are those of this lease, and the first one begins at `offset`."""
        self._leases[topic] = lease
        self._next_offsets[topic] = offset

    def next_offset(self, topic: str) -> int:
        """Up to where an input has come."""
        return self._next_offsets[topic]

    def put(self, batch: RecordBatch) -> None:
        """Queues a batch. An input's that follows an older seek is void and dropped; a hole ends the process."""
        if batch.topic in self._inputs:
            if batch.lease != self._leases.get(batch.topic):
                return
            if batch.offset != self._next_offsets[batch.topic]:
                hole = f"a batch begins at {batch.offset}, but {self._next_offsets[batch.topic]} comes next"
                die(HoleError(hole), topic=batch.topic, partition=self._partition)
            self._next_offsets[batch.topic] = batch.next_offset
        self._batches.append(batch)
        self.arrived.set()

    def take(self) -> list[RecordBatch]:
        """What waits, up to one step's records."""
        taken: list[RecordBatch] = []
        records = 0
        while self._batches and (not taken or records + len(self._batches[0].records) <= self._max_records):
            taken.append(self._batches.popleft())
            records += len(taken[-1].records)
        return taken
