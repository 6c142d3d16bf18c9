"""One owned partition of a stage, from fencing to its last commit: the loop that turns batches into transactions."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import NamedTuple, Protocol

import structlog
from aiokafka import TopicPartition

from rating.stage import Stage, Tick, gathers, waits_of
from streams.engine.holding import Holding
from streams.engine.steps import Steps
from streams.engine.transaction import of_partition
from streams.guards.breaker import Breaker
from streams.guards.fatal import die, within
from streams.kafka.batches import RecordBatch
from streams.kafka.inbox import Inbox
from streams.metrics import Metrics
from streams.settings import Settings
from streams.state.positions import position
from streams.state.sizes import StateSize
from streams.state.store import Store
from streams.takeover.opening import catch_up, take_over

log = structlog.get_logger(__name__)
BROADCAST_BATCHES = 64
"""How many batches may queue while broadcast topics are read."""
KEPT_S = 3600


class Owner(Protocol):
    """What a partition asks of its engine."""

    settings: Settings
    stage: Stage
    stage_name: str
    breaker: Breaker
    metrics: Metrics

    async def lease(self, topic: str, partition: int, offset: int) -> int:
        """The transport's next batch of this topic partition begins at `offset`; returns the number it is known by."""

    async def log_end(self, topic: str, partition: int) -> int:
        """Where the log of an input ends now, open transactions included."""

    async def remaining(self, topic: str, partition: int, end: int) -> int:
        """Up to where there is something to read, in a log that ends at `end`."""

    def made_room(self) -> None:
        """A partition takes batches again."""


class Kept(NamedTuple):
    """The state of a partition that was given up, in case it comes back, as most do in a rebalance: then little is to be restored."""

    store: Store
    changelog_offset: int
    """From here on the changelog may hold what the store does not know."""
    at_s: float
    """When it was given up. Not to be used after `KEPT_S`: a changelog forgets after a day which keys were removed."""


class Partition:
    """Partition `number` of all inputs of a stage, and its state. Nothing else in the cluster writes what it writes."""

    def __init__(self, owner: Owner, number: int, kept: Kept | None = None) -> None:
        settings = owner.settings
        self.number = number
        self.is_open = False
        self.is_drained = False
        """True at the end of all inputs, once every wait is over and the group was told; until another record comes."""
        self._owner = owner
        self._settings = settings
        self._log = of_partition(settings, owner.stage_name, number)
        store = Store()
        self._is_kept = kept is not None and time.time() - kept.at_s < KEPT_S
        if kept is not None and self._is_kept:
            store, self._log.changelog_offset = kept.store, kept.changelog_offset
        self._steps = Steps(store, owner.stage, settings, number, self._log, owner.breaker, owner.metrics)
        self._inbox = Inbox(number, owner.stage.inputs, settings.batch_max_records)
        self._gather_s = settings.gather_ms / 1000 if gathers(owner.stage) else 0.0
        self._holding = Holding(waits_of(owner.stage), number, self._inbox, owner, settings.batch_max_records)
        self._ended: set[str] = set()
        self._unfinished = True  # until a first step says otherwise: the last owner may have left work
        self._closing = False
        self._ticked_s = time.monotonic()
        self._fencing = asyncio.create_task(self._log.open())
        self._living = asyncio.create_task(self._live())

    def has_room(self, topic: str) -> bool:
        """True while batches of an input are taken: open, and no more than one step's records waiting."""
        return self.is_open and not self._closing and not self._holding.is_full(topic)

    def has_room_for_broadcast(self) -> bool:
        """True while broadcast batches may queue; also before it is open."""
        return len(self._inbox) < BROADCAST_BATCHES

    def positions(self) -> dict[str, int]:
        """The offset that comes next, by input; empty until it is open."""
        if not self.is_open:
            return {}
        return {topic: position(self._steps.store, topic, self.number) or 0 for topic in self._owner.stage.inputs}

    @property
    def size(self) -> StateSize:
        """How large its state is."""
        return self._steps.size

    def put(self, batch: RecordBatch) -> None:
        """Queues a batch. One that follows an older seek is void and dropped; the others must meet without a hole."""
        self._holding.put(batch)

    async def close(self) -> Kept | None:
        """Ends after the step that is running; returns the state, if it was open.

        What is queued is dropped: it was never committed, so it is read again.
        """
        began_s = time.monotonic()
        self._closing = True
        await self._holding.close()
        self._inbox.arrived.set()
        if not self.is_open:
            # Fencing is not cancelled: its request could reach the broker after the next owner's, and fence that one.
            await asyncio.wait({self._fencing})
            self._living.cancel()
        await asyncio.wait({self._living})
        await self._log.close()
        metrics, took_s = self._owner.metrics, time.monotonic() - began_s
        metrics.phase("close", took_s)
        metrics.forget(self.number, self._owner.stage.inputs)
        log.info(
            "partition closed",
            stage=self._owner.stage_name,
            partition=self.number,
            positions=self.positions(),
            keys=self._steps.size.records,
            took_s=round(took_s, 3),
        )
        return Kept(self._steps.store, self._log.changelog_offset, time.time()) if self.is_open else None

    async def _live(self) -> None:
        try:
            await self._open()
            while not self._closing:
                await self._work()
            await self._tell_group()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            die(error, stage=self._owner.stage_name, partition=self.number)

    async def _open(self) -> None:
        began_s = time.monotonic()
        async with within(self._settings.restore_timeout_ms, "partition was not open", "restore_timeout_ms"):
            await asyncio.shield(self._fencing)
            self._owner.metrics.phase("fence", time.monotonic() - began_s)
            log.info("partition fenced", stage=self._owner.stage_name, partition=self.number, took_s=round(time.monotonic() - began_s, 3))
            starts = await take_over(self._owner.stage, self._settings, self._steps, self._log, self._owner.metrics)
            for topic, offset in starts.items():
                self._inbox.expect(topic, await self._owner.lease(topic, self.number, offset), offset)
        self.is_open = True
        self._owner.made_room()
        took_s = round(time.monotonic() - began_s, 3)
        log.info(
            "partition open",
            stage=self._owner.stage_name,
            partition=self.number,
            kept=self._is_kept,
            keys=len(self._steps.store),
            starts=starts,
            took_s=took_s,
        )

    async def _work(self) -> None:
        """One turn: waits for batches, for the time to tick, or not at all if the stage left work; then one step."""
        await self._wait()
        batches = self._inbox.take()
        self._owner.made_room()
        if self._closing:
            return
        tick = self._tick(batches)
        if not batches and not tick and not self._unfinished:
            await self._tell_group()
            return
        if any(batch.records for batch in batches):
            self.is_drained = False
        effects = await self._steps.run(batches, tick)
        self._unfinished = effects.unfinished
        for batch in batches:
            if batch.topic in self._owner.stage.inputs:
                (self._ended.add if batch.at_end else self._ended.discard)(batch.topic)
        if self._ended == set(self._owner.stage.inputs) and not self._waiting() and not self._unfinished and not self.is_drained:
            await self._end()

    def _waiting(self) -> int:
        return len(self._inbox) + len(self._holding)

    async def _wait(self) -> None:
        if not self._inbox and not self._unfinished:
            self._inbox.arrived.clear()
            try:
                async with asyncio.timeout(min(self._until_tick_s(), max(0, self._log.until_told_s()))):
                    await self._inbox.arrived.wait()
            except TimeoutError:
                return
        pause_s = self._steps.transaction_s + self._settings.pacing_ms / 1000 - time.monotonic()
        if pause_s > 0 and not self._closing:
            await asyncio.sleep(pause_s)
        if self._gather_s and not self._unfinished:
            await self._gather()

    async def _gather(self) -> None:
        """Waits for more to come, no longer than is allowed after the last transaction, nor when as much waits as a step takes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._steps.transaction_s + self._gather_s - time.monotonic()):
                while not self._closing and not self._inbox.is_full:
                    self._inbox.arrived.clear()
                    await self._inbox.arrived.wait()

    def _tick(self, batches: list[RecordBatch]) -> Tick | None:
        """The time, if it is due: that of the log while records come, so that a backlog is not overtaken; the clock's where none do."""
        if self._until_tick_s() > 0:
            return None
        self._ticked_s = time.monotonic()
        now_ms = int(time.time() * 1000)
        appended = [at_ms for batch in batches if batch.records and (at_ms := batch.records[-1].appended_at_ms) is not None]
        return Tick(min([now_ms, *appended]))

    def _until_tick_s(self) -> float:
        return max(0.0, self._ticked_s + self._settings.tick_interval_ms / 1000 - time.monotonic())

    async def _end(self) -> None:
        """The end of all inputs, while draining: every wait ends, whatever that brings is worked off."""
        await catch_up(self._owner.stage, self._settings, self._steps, self._owner.metrics)
        effects = await self._steps.run([], Tick(int(time.time() * 1000), end_of_input=True))
        while effects.unfinished:
            effects = await self._steps.run([])
        # Also what it was told before: whoever waits for the group to be at rest must not wait for offsets that have expired.
        self._log.tell_later({TopicPartition(self._settings.prefix + topic, self.number): at for topic, at in self.positions().items()})
        await self._tell_group()
        self.is_drained = True

    async def _tell_group(self) -> None:
        async with within(self._settings.step_timeout_ms, "the group was not told its offsets", "step_timeout_ms"):
            await self._log.tell_group()
