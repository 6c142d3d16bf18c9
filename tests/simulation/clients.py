"""What the engine uses of aiokafka's producer and consumer, talking to the model. Errors, retries and limits are those of aiokafka 0.14."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import (
    ConcurrentTransactions,
    CoordinatorLoadInProgressError,
    InvalidProducerEpoch,
    KafkaConnectionError,
    KafkaError,
    ProducerFenced,
)

from tests.simulation.kafka import OFFSETS, Content, Entry, Headers, Kafka
from tests.simulation.network import BACKOFF_S, Connection, Network

AGAIN = (ConcurrentTransactions, CoordinatorLoadInProgressError, KafkaConnectionError)
Isolation = Literal["read_committed", "read_uncommitted"]


class Appended(NamedTuple):
    """The acknowledgement of a batch."""

    offset: int
    """Of its first record."""
    timestamp: int
    """When it was appended."""


class Batch:
    """Stands for aiokafka's `BatchBuilder`."""

    def __init__(self, limit: int) -> None:
        self.records: list[Content] = []
        self._limit = limit

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Headers = ()) -> object | None:
        """None when it is full."""
        if len(self.records) == self._limit:
            return None
        self.records.append(Content(key, value, headers))
        return self

    def record_count(self) -> int:
        return len(self.records)


class Producer:
    """Stands for a transactional `AIOKafkaProducer`."""

    def __init__(
        self,
        kafka: Kafka,
        network: Network,
        transactional_id: str,
        *,
        timeout_s: float,
        batch_records: int,
        fails: Callable[[], KafkaError | None],
        on_start: Callable[[Producer], None],
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = self.epoch = -1
        self.connection = Connection(network)
        self._kafka = kafka
        self._timeout_s = timeout_s
        self._batch_records = batch_records
        self._fails = fails
        self._on_start = on_start
        self._is_open = False
        self._is_stopped = False
        self._failed: KafkaError | None = None
        self._added: set[TopicPartition] = set()
        self._sequences: dict[TopicPartition, int] = {}
        self._queue: list[tuple[TopicPartition, Batch, asyncio.Future[Appended]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fences; returns when the id is this producer's."""
        self.producer_id, self.epoch = await self._insist(lambda: self._kafka.init_producer(self.transactional_id, self._timeout_s))
        self._on_start(self)

    async def stop(self) -> None:
        self.connection.check()
        self._is_stopped = True
        if self._sending is not None:
            await asyncio.wait({self._sending})

    async def begin_transaction(self) -> None:
        self.connection.check()
        self._may(is_open=False)
        self._is_open = True
        self._added = set()

    def create_batch(self) -> Batch:
        return Batch(self._batch_records)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Appended]:
        self.connection.check()
        self._may(is_open=True)
        acknowledgement: asyncio.Future[Appended] = self.connection.process.create_future()
        self._queue.append((TopicPartition(topic, partition), batch, acknowledgement))
        if self._sending is None or self._sending.done():
            self._sending = self.connection.process.create_task(self._send())
        return acknowledgement

    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, int], group_id: str) -> None:
        self.connection.check()
        self._may(is_open=True)
        told = dict(offsets)
        await self._add({OFFSETS})
        await self._transactional(lambda: self._kafka.commit_offsets(self.producer_id, self.epoch, told))

    async def commit_transaction(self) -> None:
        await self._end("commit")

    async def abort_transaction(self) -> None:
        await self._end("abort")

    async def _end(self, result: Literal["commit", "abort"]) -> None:
        self.connection.check()
        if result == "commit":
            self._may(is_open=True)
        if self._sending is not None:
            await asyncio.wait({self._sending})
            if result == "commit":
                self._may(is_open=True)
        if self._added:
            await self._transactional(lambda: self._kafka.end_transaction(self.producer_id, self.epoch, result))
        self._is_open = False
        self._failed = None

    def _may(self, *, is_open: bool) -> None:
        if self._failed is not None:
            raise self._failed
        if self._is_open != is_open or self._is_stopped or self.epoch < 0:
            raise AssertionError("aiokafka would refuse this: its transaction is not in that state")

    async def _send(self) -> None:
        """Sends what is queued, batch after batch, as aiokafka's sender task does."""
        while self._queue:
            sending, self._queue = self._queue, []
            try:
                await self._add({tp for tp, _, _ in sending})
            except KafkaError as error:
                self._fail(error, sending)
                return
            for tp, batch, acknowledgement in sending:
                try:
                    offset = await self._append(tp, batch)
                except KafkaError as error:
                    self._fail(error, [(tp, batch, acknowledgement)])
                    continue
                if not acknowledgement.done():
                    acknowledgement.set_result(Appended(offset, self._kafka.now_ms))

    async def _append(self, tp: TopicPartition, batch: Batch) -> int:
        sequence = self._sequences.get(tp, 0)
        if (failure := self._fails()) is not None:
            raise failure
        offset: int = await self._transactional(lambda: self._kafka.produce(self.producer_id, self.epoch, sequence, tp, batch.records))
        self._sequences[tp] = sequence + len(batch.records)
        return offset

    def _fail(self, error: KafkaError, batches: Iterable[tuple[TopicPartition, Batch, asyncio.Future[Appended]]]) -> None:
        self._failed = self._failed or error
        for _, _, acknowledgement in batches:
            if not acknowledgement.done():
                acknowledgement.set_exception(error)

    async def _add(self, partitions: set[TopicPartition]) -> None:
        new = sorted(partitions - self._added)
        if new:
            await self._transactional(lambda: self._kafka.add_partitions(self.producer_id, self.epoch, new))
            self._added.update(new)

    async def _transactional(self, request: Callable[[], Any]) -> Any:
        try:
            return await self._insist(request)
        except InvalidProducerEpoch:
            self._failed = ProducerFenced()
            raise self._failed from None
        except KafkaError as error:
            self._failed = error
            raise

    async def _insist(self, request: Callable[[], Any]) -> Any:
        while True:
            try:
                return await self.connection.call(request, loses=True)
            except AGAIN:
                await asyncio.sleep(BACKOFF_S)


class Consumer:
    """Stands for an `AIOKafkaConsumer` that was assigned its partitions and is no member of a group."""

    def __init__(self, kafka: Kafka, network: Network, isolation: Isolation, *, fetch_records: int) -> None:
        self._kafka = kafka
        self._connection = Connection(network)
        self._committed = isolation == "read_committed"
        self._limit = fetch_records
        self._positions: dict[TopicPartition, int] = {}
        self._client = self

    async def fetch_all_metadata(self) -> Consumer:
        """What aiokafka's inner client knows of the cluster."""
        await self._connection.call(lambda: None)
        return self

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {tp.partition for tp in self._kafka.logs if tp.topic == topic}

    async def start(self) -> None:
        self._connection.check()

    async def stop(self) -> None:
        self._connection.check()

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self._connection.check()
        self._positions = dict.fromkeys(sorted(partitions), 0)

    def pause(self, *partitions: TopicPartition) -> None:
        self._connection.check()

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._connection.check()
        self._positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        self._connection.check()
        return self._positions[partition]

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        wanted = sorted(partitions)
        found: dict[TopicPartition, int] = await self._connection.call(lambda: {tp: self._kafka.logs[tp].begin for tp in wanted})
        return found

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """For a reader of committed records that is the last stable offset."""
        wanted = sorted(partitions)
        found: dict[TopicPartition, int] = await self._connection.call(
            lambda: {tp: self._kafka.stable_end(tp, committed=self._committed) for tp in wanted}
        )
        return found

    async def committed(self, partition: TopicPartition) -> int | None:
        """The group's offset, whatever transactions are pending: aiokafka cannot ask for a stable one."""
        offset: int | None = await self._connection.call(lambda: self._kafka.group_offsets.get(partition))
        return offset

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Entry]]:
        """Records by partition. Waits at the broker, up to the timeout, where nothing is to be had."""
        wanted = {tp: self._positions[tp] for tp in sorted(partitions or self._positions)}
        fetched = await self._connection.call(lambda: self._fetch(wanted))
        if not fetched and timeout_ms:
            self._connection.check()
            arrived = asyncio.Event()
            process = self._connection.process
            self._kafka.wait(wanted, lambda: process.call_soon(arrived.set))
            try:
                async with asyncio.timeout(timeout_ms / 1000):
                    await arrived.wait()
            except TimeoutError:
                return {}
            fetched = await self._connection.call(lambda: self._fetch(wanted))
        found: dict[TopicPartition, list[Entry]] = {}
        for tp, (records, position) in fetched.items():
            if self._positions.get(tp) == wanted[tp]:
                self._positions[tp] = position
                if records:
                    found[tp] = records
        return found

    def _fetch(self, wanted: Mapping[TopicPartition, int]) -> dict[TopicPartition, tuple[list[Entry], int]]:
        fetched = {}
        for tp, position in wanted.items():
            records, after = self._kafka.logs[tp].read(position, self._limit, committed=self._committed)
            if after > position:
                fetched[tp] = (records, after)
        return fetched
