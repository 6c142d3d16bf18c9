"""Faust's extension point, used once: a transport that hands over record batches of a partition instead of single events.

Faust moves every record through two tasks, a lock and a queue of its own, about 240 µs each; a batch of 2,000 costs the
same. Faust keeps the group membership, the rebalances and the worker; this module replaces only how records leave the
consumer, and with it all bookkeeping of offsets: positions are given by whoever owns the partition's state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from inspect import isawaitable
from itertools import count
from typing import Any, Protocol, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.guards import identity
from streams.guards.fatal import RefusalError, die
from streams.kafka import clients
from streams.kafka.batches import RecordBatch, batch_of, split
from streams.kafka.membership import assignor_of
from streams.settings import Settings
from streams.state.positions import out_of_range

POLL_S = 0.25
FULL_POLL_S = 0.02
"""How long to wait for other partitions' records while one that has no room may get some."""


class Host(Protocol):
    """Who receives the batches: the engines of a worker."""

    @property
    def settings(self) -> Settings:
        """Those of the worker."""

    @property
    def draining(self) -> bool:
        """Whether the worker ends at the end of its input."""

    @property
    def identity(self) -> Mapping[str, str]:
        """By what the worker decides."""

    def bind(self, consumer: BatchConsumer) -> None:
        """This is the consumer to ask for leases."""

    async def assigned(self, partitions: set[TP]) -> None:
        """These topic partitions are ours from now on; must return soon, since no heartbeat is sent meanwhile."""

    async def revoked(self, partitions: set[TP]) -> None:
        """These are no longer ours once this returns."""

    async def stopping(self) -> None:
        """The worker stops."""

    def has_room(self, topic_partition: TP) -> bool:
        """True when a batch of it would be taken now."""

    async def wait_for_room(self) -> None:
        """Returns when some partition may have room again, or after a short while."""

    async def hand_over(self, batch: RecordBatch) -> None:
        """Takes a batch, in order."""

    def logical(self, topic: str) -> str:
        """A topic's name without the prefix."""


class BatchConsumer(driver.Consumer):
    """Faust's consumer, reading committed records only and handing them on in batches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.host: Host = cast("BatchTransport", self.transport).host
        self._fetching = asyncio.Lock()
        self._leases: dict[TP, int] = {}
        self._next_offsets: dict[TP, int] = {}
        self._next_lease = count(1)
        self.host.bind(self)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _ConsumerHere(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    async def lease(self, topic_partition: TP, offset: int) -> int:
        """Makes the next batch of a partition begin at `offset`; returns the number by which that and later batches are known.

        Excludes fetching, so no record fetched before can come under the new number, and none after is missed.
        """
        async with self._fetching:
            await self.seek_wait({topic_partition: offset})
            number = self._leases[topic_partition] = next(self._next_lease)
            self._next_offsets[topic_partition] = offset
            return number

    def end(self, topic_partition: TP) -> int | None:
        """Where the log ended when it was last fetched from; None before."""
        return cast("int | None", self._thread._ensure_consumer().highwater(topic_partition))

    async def remaining(self, topic_partition: TP, end: int) -> int:
        """Up to where there is something to hand over, in a log that ends at `end`: once all is fetched, where the last batch ended."""
        position = await self.position(topic_partition)
        return end if position is None or position < end else self._next_offsets.get(topic_partition, end)

    async def position(self, tp: TP) -> int | None:
        """The offset that is fetched next. None while there is none: not leased yet, or given away meanwhile.

        aiokafka would wait for the one, with `lease` waiting for whoever asks, and raise for the other.
        """
        subscription = self._thread._ensure_consumer()._subscription
        if not subscription.is_assigned(tp):
            return None
        state = subscription.subscription.assignment.state_value(tp)
        return cast(int, state.position) if state.has_valid_position else None

    def loops(self) -> list[asyncio.AbstractEventLoop]:
        """The event loops that this worker's tasks run in."""
        return [self.loop]

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Opens what is new before Faust lets records flow."""
        await self.host.assigned(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finishes or drops what is running, so that the next owner finds all of it or nothing."""
        await self.host.revoked(revoked)
        await super().on_partitions_revoked(revoked)

    async def on_stop(self) -> None:
        """Finishes what is running before the connections go."""
        await self.host.stopping()
        await super().on_stop()

    async def perform_seek(self) -> None:
        """Faust would go to the group's offsets here; a partition's state knows better, and calls `lease`."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust would warn here that no single event is acknowledged. None ever is."""

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self._hand_over()
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError as error:
            if not self.app.should_stop:  # records may have been fetched that nobody was given
                die(error, doing="fetching records")
        except Exception as error:
            die(error, doing="fetching records")

    async def _fetch(self, partitions: set[TP], timeout_s: float) -> Mapping[TP, Any]:
        """What was fetched of these partitions. Never from anywhere else than where a lease, or the batch before, says."""
        try:
            return cast("Mapping[TP, Any]", await self._getmany(partitions, timeout_s))
        except NoOffsetForPartitionError:
            return {}  # one that was given to us again and is not leased yet
        except OffsetOutOfRangeError as error:
            gone = {tp: offset for tp, offset in error.args[0].items() if offset == self._next_offsets.get(tp)}
            if gone:  # else it is the group's own offset, tried before a lease
                consumer = self._thread._ensure_consumer()
                begins, ends = await consumer.beginning_offsets(list(gone)), await consumer.end_offsets(list(gone))
                places = [(self.host.logical(tp.topic), tp.partition, offset, begins[tp], ends[tp]) for tp, offset in gone.items()]
                die(RefusalError("; ".join(out_of_range(*place) for place in places)))
            return {}

    async def _hand_over(self) -> None:
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        active = set(self._get_active_partitions())
        wanted = {tp for tp in active if self.host.has_room(tp)}
        if not wanted:
            await self.host.wait_for_room()
            return
        async with self._fetching:
            leases, begins = dict(self._leases), dict(self._next_offsets)
            fetched = await self._fetch(wanted, FULL_POLL_S if wanted != active or self.host.draining else POLL_S)
            self._next_offsets.update({tp: records[-1].offset + 1 for tp, records in fetched.items()})
            ended = await self._ended(wanted) if self.host.draining and not fetched else []
            self._next_offsets.update(ended)  # behind the last record there may be marks of a publisher's transactions
        for tp, records in fetched.items():
            whole = batch_of(self.host.logical(tp.topic), tp.partition, records, leases[tp], begins[tp])
            for batch in split(whole, self.host.settings.batch_max_records):
                await self.host.hand_over(batch)
        for tp, end in ended:
            topic = self.host.logical(tp.topic)
            await self.host.hand_over(RecordBatch(topic, tp.partition, leases[tp], begins[tp], [], end, at_end=True))

    async def _ended(self, partitions: set[TP]) -> list[tuple[TP, int]]:
        """Of partitions whose fetched records have all been handed over: those that have none left in the log, and where that is."""
        # Asked of the broker: the high watermark of the last fetch may be older than the last record.
        ends: Mapping[TP, int] = await self._thread._ensure_consumer().end_offsets(partitions)
        positions = {tp: await self.position(tp) for tp in partitions}
        return [(tp, offset) for tp, offset in positions.items() if offset is not None and offset >= ends[tp]]


class _ConsumerHere(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread without the thread, in the group with our own settings.

    Faust keeps its consumer in a second thread because an agent may block the event loop for long. A step does not, and two threads
    under one interpreter lock cost a tenth of the throughput and a wait for the lock in every fetch.
    """

    async def start(self) -> None:
        """Joins the group; raises what prevents that."""
        self._thread_started.set()
        running = self._thread_running = asyncio.get_running_loop().create_future()
        self._serving = asyncio.create_task(self._serve())
        self._serving.add_done_callback(lambda task: task.cancelled() or task.exception())  # told through `running`, or by a crash
        await running

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls it here and now."""
        result = fun(*args, **kwargs)
        return await result if isawaitable(result) else result

    async def _gather_remaining_tasks(self) -> None:
        """A thread would cancel whatever its event loop still runs; this loop is everybody's."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        host = cast(BatchTransport, transport).host
        self._assignor = assignor_of(identity.encode(host.identity))
        options = {**clients.connection(host.settings), **clients.reading(), **clients.member(host.settings)}
        return AIOKafkaConsumer(**options, partition_assignment_strategy=[self._assignor])

    async def on_thread_stop(self) -> None:
        """Leaves the group for good if the work is done. A worker that is only stopped and has a static name keeps its place."""
        host = cast(BatchTransport, self.transport).host
        if host.draining and self._consumer is not None:
            # aiokafka sends no LeaveGroup for a static member, since that usually comes back.
            self._consumer._coordinator._group_instance_id = None
        await super().on_thread_stop()


class BatchTransport(driver.Transport):
    """The transport to give a Faust app: `app.transport = BatchTransport(url, app); app.transport.host = engine`."""

    Consumer = BatchConsumer
    host: Host
