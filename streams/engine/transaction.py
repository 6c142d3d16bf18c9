"""One Kafka transaction per step: outputs, state changes and consumed offsets, all or nothing.

The order of the requests is a measured fact. While one request of a transactional id is being verified, Kafka answers
another of the same id with a retriable error that costs 100 ms. So outputs and changelog go out together and are
acknowledged, then the offsets, then the commit: one kind of request at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from rating.stage import Output
from streams.engine import clients, faults
from streams.engine.clock import skew_ms
from streams.settings import Settings

PRODUCER_BATCH_BYTES = 900_000
"""Records are packed into batches of this size; one larger record travels alone. Topics take more than twice this."""

Entry = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
_NO_HEADERS: list[tuple[str, bytes]] = []


class TransactionLog:
    """The transactional producer of one (stage, partition). Its id is derived from them, so opening it fences whoever had it before.

    After any error the producer is of no use: end the process. Nothing here is retried.
    """

    def __init__(self, settings: Settings, *, transactional_id: str, changelog: TopicPartition) -> None:
        self._settings = settings
        self.changelog_offset = 0
        """From here on the changelog holds nothing, or what the last transaction wrote. The owner sets it after a restore."""
        self.changelog = changelog
        self.clock_skew_ms: int | None = None
        """By how much the broker's clock was ahead of ours at the last transaction, at least; None before one."""
        self._producer = AIOKafkaProducer(
            **clients.connection(settings),
            transactional_id=transactional_id,
            transaction_timeout_ms=settings.transaction_timeout_ms,
            # A request without an answer must end before the broker aborts the transaction that it was part of.
            request_timeout_ms=min(8000, settings.transaction_timeout_ms // 2),
            max_batch_size=PRODUCER_BATCH_BYTES,
            linger_ms=0,
        )

    async def open(self) -> None:
        """Fences the previous owner: what it had not committed is aborted now, and it can commit nothing more."""
        await self._producer.start()

    async def close(self) -> None:
        """Gives up the connection; an open transaction is left to be aborted by the next owner."""
        await self._producer.stop()

    async def commit(
        self, partition: int, outputs: Iterable[Output], changes: Mapping[bytes, bytes | None], offsets: Mapping[TopicPartition, int]
    ) -> None:
        """Commits a step. `partition` is where outputs without any key go. Returns when readers can see it; raises if they may not."""
        faults.reach("before_begin")
        producer = self._producer
        sent_ms = int(time.time() * 1000)
        await producer.begin_transaction()
        state: list[Entry] = [(key, value, _NO_HEADERS) for key, value in changes.items()]
        *written, state_written = await asyncio.gather(
            *(self._write(target, entries) for target, entries in self._by_target(partition, outputs).items()),
            self._write(self.changelog, state),
        )
        await asyncio.gather(*(acknowledgement for batches in written for acknowledgement in batches))
        faults.reach("after_outputs")
        acknowledged = await asyncio.gather(*state_written)
        if acknowledged:
            self.changelog_offset = acknowledged[-1].offset
            self.clock_skew_ms = skew_ms(sent_ms, acknowledged[-1].timestamp, int(time.time() * 1000))
        faults.reach("after_state")
        if offsets:
            await producer.send_offsets_to_transaction(offsets, self._settings.app_id)
        faults.reach("after_offsets")
        faults.reach("before_commit")
        await producer.commit_transaction()
        faults.reach("after_commit")

    def _by_target(self, partition: int, outputs: Iterable[Output]) -> dict[TopicPartition, list[Entry]]:
        partitions = self._settings.partitions
        by_topic: defaultdict[str, list[list[Entry]]] = defaultdict(lambda: [[] for _ in range(partitions)])
        for topic, key, value, partition_key, headers, _ in outputs:
            hashed = key if partition_key is None else partition_key
            to = partition if hashed is None else partition_of(hashed, partitions)
            by_topic[topic][to].append((key, value, list(headers) if headers else _NO_HEADERS))
        return {
            TopicPartition(self._settings.prefix + topic, number): entries
            for topic, by_partition in by_topic.items()
            for number, entries in enumerate(by_partition)
            if entries
        }

    async def _write(self, target: TopicPartition, entries: Iterable[Entry]) -> list[asyncio.Future[Any]]:
        """Hands records to the sender, batch by batch; returns the acknowledgements to wait for."""
        producer = self._producer
        sent: list[asyncio.Future[Any]] = []
        batch = producer.create_batch()
        append = batch.append
        for key, value, headers in entries:
            if append(timestamp=None, key=key, value=value, headers=headers) is None:
                sent.append(await producer.send_batch(batch, target.topic, partition=target.partition))
                batch = producer.create_batch()
                append = batch.append
                append(timestamp=None, key=key, value=value, headers=headers)
        if batch.record_count():
            sent.append(await producer.send_batch(batch, target.topic, partition=target.partition))
        return sent


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's own (Java) partitioner puts a key: murmur2, sign bit off, modulo. Cached, because it is slow in Python."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
