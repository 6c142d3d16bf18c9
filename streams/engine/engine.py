"""The engine of a worker: which partitions it owns, and what reaches them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from faust.types import TP

from rating.stage import Stage
from streams.engine.partition import Kept, Partition
from streams.guards.breaker import Breaker
from streams.guards.fatal import RefusalError, die, within
from streams.guards.placement import Placement
from streams.guards.stuck import StuckDetector
from streams.guards.watch import Watch, changed
from streams.kafka.batches import RecordBatch
from streams.kafka.broadcast import BroadcastReader
from streams.kafka.log_ends import LogEnds
from streams.metrics import Metrics
from streams.settings import Settings

log = structlog.get_logger(__name__)
CLOSE_MARGIN_MS = 2000
"""For what comes after the step that runs: the group is told, the connection closed. The group waits three seconds longer still."""

if TYPE_CHECKING:
    import faust

    from streams.kafka.transport import BatchConsumer


class Engine:
    """Runs one stage in one worker, on the partitions that the group gives it. Bind it to its app before that starts."""

    def __init__(
        self, stage: Stage, stage_name: str, settings: Settings, *, draining: bool = False, metrics: Metrics | None = None
    ) -> None:
        """`metrics` are those of another stage of the same worker."""
        self.stage = stage
        self.stage_name = stage_name
        self.settings = settings
        self.draining = draining
        self.metrics = Metrics(stage_name) if metrics is None else metrics.of_stage(stage_name)
        self.breaker = Breaker(settings.breaker_window, settings.breaker_ratio)
        self.channel: faust.ChannelT[RecordBatch]
        self._consumer: BatchConsumer
        self._partitions: dict[int, Partition] = {}
        self._kept: dict[int, Kept] = {}
        self._settled = False
        """False amid a rebalance: what this worker will own is not known then."""
        self._room = asyncio.Event()
        self._ends = LogEnds(settings)
        self._broadcast: BroadcastReader | None = None
        self._watch = Watch(self, StuckDetector(settings.stuck_timeout_ms / 1000, lambda: self._consumer.loops()))
        self._placement = Placement(settings, self.metrics, self._watch.look_well)

    @property
    def is_ready(self) -> bool:
        """True when every partition of this worker is open; also when it has none."""
        return self._broadcast is not None and all(partition.is_open for partition in self._partitions.values())

    @property
    def is_drained(self) -> bool:
        """True when every partition is at the end of its inputs; never amid a rebalance, which may still bring others."""
        return self._settled and all(partition.is_drained for partition in self._partitions.values())

    def share_room(self, other: Engine) -> None:
        """Lets whoever waits for room in the other engine hear of room in this one."""
        self._room = other._room

    def measure(self) -> None:
        """Brings the gauges up to date: what is open, where it is, how large its state is, what the log holds beyond it."""
        opened = [partition for partition in self._partitions.values() if partition.is_open]
        self.metrics.partitions(opening=len(self._partitions) - len(opened), running=len(opened))
        for partition in opened:
            self.metrics.state(partition.number, partition.size.records, partition.size.bytes)
            for topic, next_offset in partition.positions().items():
                end = self._consumer.end(TP(self.settings.prefix + topic, partition.number))
                self.metrics.lag(topic, partition.number, next_offset, max(0, (end or 0) - next_offset))

    async def step(self, batch: RecordBatch) -> None:
        """Takes a batch from the agent. It is processed by its partition, in order, while the next one is fetched."""
        await self._placement.check(batch)
        partition = self._partitions.get(batch.partition)
        if partition is not None:
            partition.put(batch)

    # What the transport calls

    def bind(self, consumer: BatchConsumer) -> None:
        """Names the consumer that positions are told to."""
        self._consumer = consumer

    async def assigned(self, partitions: set[TP]) -> None:
        """Opens partitions, in the background: restoring may take longer than the group waits for a heartbeat."""
        numbers = {tp.partition for tp in partitions}
        if beyond := {tp for tp in partitions if tp.partition >= self.settings.partitions}:
            die(RefusalError("; ".join(sorted({changed(tp.topic, self.settings.partitions, max(numbers) + 1) for tp in beyond}))))
        ours = {(self.logical(tp.topic), tp.partition) for tp in partitions}
        if elsewhere := sorted({(topic, number) for topic in self.stage.inputs for number in numbers} - ours):
            die(
                RefusalError(f"{elsewhere} went to another worker than the same partitions of the other inputs; run one version everywhere")
            )
        if self._broadcast is None:
            self._broadcast = BroadcastReader(self.settings, self.stage.broadcast, self._deliver)
            await self._broadcast.start()
            await self._watch.start()
        log.info("assigned", stage=self.stage_name, partitions=len(numbers))
        for number in numbers - self._partitions.keys():
            self._partitions[number] = Partition(self, number, self._kept.get(number))
        self._kept.clear()
        self._settled = True

    async def revoked(self, partitions: set[TP]) -> None:
        """Closes partitions; returns when nothing of them is under way."""
        self._settled = False
        leaving = [self._partitions.pop(number) for number in {tp.partition for tp in partitions} & self._partitions.keys()]
        for partition, kept in zip(leaving, await self._close(leaving), strict=True):
            if kept is not None:
                self._kept[partition.number] = kept

    async def stopping(self) -> None:
        """Closes everything."""
        await self._watch.stop()
        if self._broadcast is not None:
            await self._broadcast.stop()
        leaving, self._partitions = self._partitions, {}
        await self._close(list(leaving.values()))
        await self._ends.stop()

    def has_room(self, topic_partition: TP) -> bool:
        """True when a batch of it would be taken now."""
        partition = self._partitions.get(topic_partition.partition)
        return partition is not None and partition.has_room(self.logical(topic_partition.topic))

    async def wait_for_room(self) -> None:
        """Returns when a partition may have room again, at the latest after a second."""
        self._room.clear()
        try:
            async with asyncio.timeout(1.0):
                await self._room.wait()
        except TimeoutError:
            return

    async def hand_over(self, batch: RecordBatch) -> None:
        """Puts a batch on the agent's channel; waits while that is full."""
        await self.channel.put(batch)  # type: ignore[arg-type] # Faust hands through what is no event of its own

    def logical(self, topic: str) -> str:
        """A topic's name without the prefix."""
        return topic.removeprefix(self.settings.prefix)

    # What the watch calls

    def positions(self) -> dict[tuple[str, int], int]:
        """The offset that comes next, by logical topic and number, of every partition that is open."""
        return {(topic, number): offset for number, each in self._partitions.items() for topic, offset in each.positions().items()}

    async def remaining(self, topic: str, partition: int, end: int) -> int:
        """Up to where there is something to do, in a log that ends at `end`."""
        return await self._consumer.remaining(TP(self.settings.prefix + topic, partition), end)

    # What a partition calls

    async def lease(self, topic: str, partition: int, offset: int) -> int:
        """Has the transport begin again at an offset."""
        return await self._consumer.lease(TP(self.settings.prefix + topic, partition), offset)

    async def log_end(self, topic: str, partition: int) -> int:
        """Where the log of an input ends now, open transactions included."""
        return await self._ends.end(self.settings.prefix + topic, partition)

    def made_room(self) -> None:
        """Wakes the transport."""
        self._room.set()

    async def _close(self, leaving: list[Partition]) -> list[Kept | None]:
        """Closes partitions within the time that a step may take, plus a margin: others wait for them. Else the process ends."""
        try:
            async with within(self.settings.step_timeout_ms + CLOSE_MARGIN_MS, "partitions were not given up", "step_timeout_ms"):
                return await asyncio.gather(*(partition.close() for partition in leaving))
        except TimeoutError as error:
            die(error, partitions=[partition.number for partition in leaving])

    async def _deliver(self, batch: RecordBatch) -> None:
        """A broadcast batch to every partition; waits while one of them is busy with many."""
        for partition in list(self._partitions.values()):
            while not partition.has_room_for_broadcast() and self._partitions.get(partition.number) is partition:
                await self.wait_for_room()
            partition.put(batch)
