"""Reads the topics of a running system to their end, as any consumer of ours should: committed records only, as a member of no group.

Nothing here writes, and a worker notices nothing. What is read is a snapshot per partition, taken one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, NodeNotReadyError

from rating.keys import ACTIVE_CATALOG, CLOCK, LEDGER_KEY
from rating.orders import Active, decode_active
from rating.records import Ledger, decode_ledger, decode_number
from rating.stage import Record
from streams.brokers import embedded
from streams.errors import UnreachableError, UserError
from streams.kafka import clients
from streams.kafka.reading import committed_records
from streams.results import Results
from streams.settings import Settings
from streams.state import positions
from streams.topics import state_topic

STATE = state_topic("meter").name
"""METER's changelog."""

CONNECT_TIMEOUT_S = 10.0

_Result = TypeVar("_Result")


class Lag:
    """How far the pipeline has read one partition of its input."""

    def __init__(self, partition: int, committed: int | None, begin: int, end: int) -> None:
        self.partition = partition
        self.committed = committed
        self.end = end
        self.records = end - max(committed or 0, begin)


class PartitionState:
    """What METER's state of one partition says of itself: how far it has read, its tallies and its newest clock."""

    def __init__(self) -> None:
        self.position: int | None = None
        self.ledger = Ledger()
        self.clock_ms: int | None = None
        self.active: Active | None = None
        """The catalog in force; None where nothing was rated yet."""


def run(settings: Settings, task: Callable[[TopicReader], Coroutine[Any, Any, _Result]]) -> _Result:
    """Runs a task with a connected reader. Raises `UnreachableError` where nobody answers, `UserError` where a topic is missing."""

    async def connected() -> _Result:
        async with connect(settings) as reader:
            return await task(reader)

    return asyncio.run(connected())


@asynccontextmanager
async def connect(settings: Settings, *, knows_group: bool = True) -> AsyncIterator[TopicReader]:
    """A reader of the topics that there are now; with the group it can tell `lags`. Raises `UnreachableError`."""
    embedded.be_gentle()
    consumer = clients.reader(settings, settings.app_id if knows_group else None)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await consumer.start()
            # `consumer.topics()` tells names alone, and the consumer's own view of partitions lags behind new topics.
            cluster = await consumer._client.fetch_all_metadata()
    except (KafkaConnectionError, NodeNotReadyError, TimeoutError, OSError):
        await consumer.stop()
        raise clients.unreachable(settings) from None
    except KafkaError as error:
        await consumer.stop()
        raise UnreachableError(
            f"Kafka at {settings.bootstrap} refuses ({type(error).__name__}); check security_protocol and the sasl settings"
        ) from None
    try:
        yield TopicReader(settings, consumer, {name: sorted(cluster.partitions_for_topic(name) or ()) for name in cluster.topics()})
    except KafkaError as error:
        raise UnreachableError(f"Kafka at {settings.bootstrap} failed ({type(error).__name__}); try again when it is well") from None
    finally:
        await consumer.stop()


class TopicReader:
    """Reads topics by their logical names. It does one thing at a time."""

    def __init__(self, settings: Settings, consumer: AIOKafkaConsumer, partitions: Mapping[str, Sequence[int]]) -> None:
        self.consumer = consumer
        self._settings = settings
        self._partitions = partitions

    def partitions_of(self, topic: str) -> list[TopicPartition]:
        """A topic's partitions. Raises `UserError` if there was no such topic."""
        name = self._settings.prefix + topic
        if not self._partitions.get(name):
            raise UserError(f"topic {name} does not exist at {self._settings.bootstrap}; run `wameter topics create`, or correct --prefix")
        return [TopicPartition(name, number) for number in self._partitions[name]]

    async def records(self, *topics: str) -> AsyncIterator[Record]:
        """Every committed record of topics up to their end as of now; in order within a partition."""
        starts = {tp: 0 for topic in topics for tp in self.partitions_of(topic)}
        async for tp, fetched, _ in committed_records(self.consumer, starts):
            topic = tp.topic.removeprefix(self._settings.prefix)
            for record in fetched:
                yield Record(topic, tp.partition, record.offset, record.key, record.value, record.timestamp, record.headers)

    async def results(self, *topics: str) -> Results:
        """What output topics say at their end."""
        results = Results()
        async for record in self.records(*topics):
            results.apply(record.topic, record.key, record.value, record.headers)
        return results

    async def lags(self, topic: str) -> list[Lag]:
        """How far the pipeline's group has read a topic, by partition."""
        partitions = self.partitions_of(topic)
        self.consumer.assign(partitions)
        begins = await self.consumer.beginning_offsets(partitions)
        ends = await self.consumer.end_offsets(partitions)
        return [Lag(tp.partition, await self.consumer.committed(tp), begins[tp], ends[tp]) for tp in partitions]

    async def states(self, topic: str) -> Mapping[int, PartitionState]:
        """METER's own account of itself, by partition of its input `topic`. It reads the whole changelog."""
        found = {tp.partition: PartitionState() for tp in self.partitions_of(STATE)}
        latest: dict[tuple[int, bytes], bytes | None] = {}  # what came before may be of another version's format
        async for record in self.records(STATE):
            key = record.key or b""
            if key[:1] == CLOCK or key in (LEDGER_KEY, ACTIVE_CATALOG, positions.key_of(topic, record.partition)):
                latest[record.partition, key] = record.value
        for (partition, key), value in latest.items():
            state = found[partition]
            if key[:1] == CLOCK:
                state.clock_ms = max(0 if value is None else decode_number(value).clock_ms, state.clock_ms or 0)
            elif value is None:
                continue
            elif key == LEDGER_KEY:
                state.ledger = decode_ledger(value)
            elif key == ACTIVE_CATALOG:
                state.active = decode_active(value)
            else:
                state.position = int.from_bytes(value, "big")
        return found
