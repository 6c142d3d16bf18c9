"""A partition's log as it lies on the broker: batches with their producers, and the marks that commit or abort.

Consumers hide all of this. Only here it can be seen which records were committed together, and which were aborted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

FETCH_BYTES = 8 * 1024 * 1024


class Logged(NamedTuple):
    """One record, as bytes."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int


class Transaction(NamedTuple):
    """What one producer wrote to one partition between two of its marks there; `committed` is None while no mark has come."""

    producer_id: int
    records: tuple[Logged, ...]
    committed: bool | None


@asynccontextmanager
async def connect(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer whose connections are used to fetch raw batches."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted", enable_auto_commit=False)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def transactions(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, list[Transaction]]:
    """All transactions of each partition to its end as of now, in the order of their marks; those without a mark come last.

    A mark without records (of a transaction that wrote nothing here) is left out; so is what was written without a transaction.
    """
    begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    found: dict[TopicPartition, list[Transaction]] = {}
    for partition in partitions:
        batches = [batch async for batch in _batches(consumer, partition, begins[partition], ends[partition])]
        found[partition] = list(_transactions(batches))
    return found


class _Batch(NamedTuple):
    producer_id: int
    mark: bool | None
    """Of a control batch: True commits. None: data."""
    records: tuple[Logged, ...]


def _transactions(batches: Iterable[_Batch]) -> Iterable[Transaction]:
    waiting: dict[int, list[Logged]] = {}
    for producer_id, mark, records in batches:
        if mark is None:
            waiting.setdefault(producer_id, []).extend(records)
        elif producer_id in waiting:
            yield Transaction(producer_id, tuple(waiting.pop(producer_id)), mark)
    for producer_id, left in waiting.items():
        yield Transaction(producer_id, tuple(left), None)


async def _batches(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int, end: int) -> AsyncIterator[_Batch]:
    client = consumer._client
    while offset < end:
        await client.force_metadata_update()
        leader = client.cluster.leader_for_partition(partition)
        wanted = (partition.partition, offset, FETCH_BYTES)
        answer = await client.send(leader, FetchRequest(200, 1, FETCH_BYTES, 0, [(partition.topic, [wanted])]))
        ((_, ((_, error, *_, raw),)),) = answer.topics
        if error:
            raise RuntimeError(f"{partition} cannot be fetched: error {error}")
        records = MemoryRecords(bytes(raw))
        while records.has_next():
            batch = records.next_batch()
            if batch.next_offset > offset:
                offset = batch.next_offset
                if batch.is_transactional:
                    yield _read(batch)


def _read(batch: Any) -> _Batch:
    if batch.is_control_batch:
        (mark,) = batch
        return _Batch(batch.producer_id, mark.key[3] == 1, ())
    logged = (Logged(record.offset, record.key, record.value, tuple(record.headers), record.timestamp) for record in batch)
    return _Batch(batch.producer_id, None, tuple(logged))
