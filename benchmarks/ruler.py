"""Measures a contender from outside, with one rule for all of them.

The clock starts when the group coordinator calls the contender's group stable: partitions are assigned. It stops at the last moment
at which something new became visible to a read_committed reader of the contender's output (the last stable offset moved). Whoever joins
no group says by itself when its first record came.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from benchmarks import processes
from benchmarks.broker import admin

LOOK_EVERY_S = 0.02
QUIET_S = 0.4
"""So long nothing new must have come after the group has told that it read everything."""
EARLY_SHARE = 0.02
"""More of the work must not be done before the clock starts; that much may be, between two looks."""
SILENT_S = 12.0
"""So long nothing new must have come from one whose group tells nothing: longer than any commit interval here."""


class RunFailedError(Exception):
    """A contender ended by itself, stood still, or was rebalanced amid the measurement."""


@dataclass(frozen=True)
class Target:
    """What to watch."""

    group: str
    members: int
    """Of the group, when it is complete; 0 for a contender that joins none."""
    input: str
    watched: str
    """The topic whose last stable offset tells of progress."""
    partitions: int
    events: int
    """After so many outputs it is over."""
    is_answers: bool
    """Whether it has one record per event."""
    is_whole: bool
    """Whether `events` are all that the input holds: then it is over when the group has told that it read them."""


@dataclass
class Measured:
    """One run of one contender."""

    events: int
    wall_s: float
    client_cpu_s: float
    broker_cpu_s: float
    others_cpu_s: float
    """Of everything else on the machine, the ruler itself included. Where it is much, `wall_s` says nothing about the contender."""
    to_first_commit_s: float
    """Part of `wall_s` before anything became visible."""
    start_s: float
    """From the start of the processes to the clock's."""
    peak_rss_bytes: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def events_per_s(self) -> float:
        """Throughput."""
        return self.events / self.wall_s

    @property
    def client_us(self) -> float:
        """CPU of the contender per event, in microseconds."""
        return self.client_cpu_s / self.events * 1e6

    @property
    def broker_us(self) -> float:
        """CPU of the broker per event, in microseconds."""
        return self.broker_cpu_s / self.events * 1e6

    @property
    def others_cores(self) -> float:
        """How many cores everything else kept busy."""
        return self.others_cpu_s / self.wall_s


class Ruler:
    """Watches one broker."""

    def __init__(self, bootstrap: str, broker_pid: int, timeout_s: float) -> None:
        self._bootstrap = bootstrap
        self._broker_pid = broker_pid
        self._timeout_s = timeout_s

    async def measure(self, target: Target, running: Sequence[subprocess.Popen[bytes]], log: Path) -> Measured:
        """Follows a contender that was started just now to the end of its work; it still runs then."""
        started_s = time.time()
        async with asyncio.timeout(self._timeout_s), admin(self._bootstrap) as client:
            consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, isolation_level="read_committed")
            await consumer.start()
            try:
                watch = _Watch(target, running, log, client, consumer, self._broker_pid)
                began_s = await watch.until_assigned()
                measured = await watch.until_done(began_s)
                measured.start_s = began_s - started_s
                return measured
            finally:
                await consumer.stop()


class _Watch:
    def __init__(
        self,
        target: Target,
        running: Sequence[subprocess.Popen[bytes]],
        log: Path,
        client: AIOKafkaAdminClient,
        consumer: AIOKafkaConsumer,
        broker_pid: int,
    ) -> None:
        self._target = target
        self._running = running
        self._log = log
        self._client = client
        self._consumer = consumer
        self._broker_pid = broker_pid
        self._pids = [process.pid for process in running]
        self._outputs = [TopicPartition(target.watched, number) for number in range(target.partitions)]
        self._coordinator: int | None = None

    async def until_assigned(self) -> float:
        """Returns the instant, in seconds since the epoch, at which all members had their partitions."""
        while True:
            self._still_running()
            if self._target.members:
                if await self._members() == self._target.members:
                    return time.time()
            elif said := [line for line in self._log.read_text(errors="replace").splitlines() if line.startswith("began ")]:
                return float(said[0].split()[1])
            await asyncio.sleep(LOOK_EVERY_S)

    async def until_done(self, began_s: float) -> Measured:
        """Looks at the output until nothing more comes; what counts is when the last of it came."""
        before = self._cpu()
        seen = await self._visible()
        early = seen if self._target.members else 0
        if early > self._target.events * EARLY_SHARE:
            raise RunFailedError(f"it had put out {early:,} records before its group was seen complete: the machine is too busy")
        first_s = last_s = 0.0
        spent = [0.0, 0.0, 0.0]
        while not await self._is_over(seen, last_s or began_s):
            await asyncio.sleep(LOOK_EVERY_S)
            visible = await self._visible()
            if visible != seen:
                seen, last_s = visible, time.time()
                first_s = first_s or last_s
                spent = [now - earlier for now, earlier in zip(self._cpu(), before, strict=True)]
            self._still_running()
        if not seen:
            raise RunFailedError("nothing came out")
        # Of METER's state no count of events can be taken; what was early there is in its favour.
        done = self._target.events if self._target.is_whole else seen
        events = done - (early if self._target.is_answers else 0)
        client_s, broker_s, others_s = spent
        measured = Measured(events, last_s - began_s, client_s, broker_s, others_s, to_first_commit_s=first_s - began_s, start_s=0.0)
        measured.peak_rss_bytes = sum(processes.peak_rss_bytes(pid) for pid in self._pids)
        if self._target.members and (members := await self._members()) != self._target.members:
            raise RunFailedError(f"its group had {members} members at the end, not {self._target.members}: it was rebalanced")
        return measured

    async def _is_over(self, visible: int, last_s: float) -> bool:
        target = self._target
        if not target.is_whole or not target.members:
            return visible >= target.events
        quiet_s = time.time() - last_s
        if quiet_s < QUIET_S:
            return False
        if await self._committed() >= target.events:
            return True
        if quiet_s > SILENT_S:
            raise RunFailedError(f"nothing new for {SILENT_S:.0f} s, and its group has not read everything")
        return False

    async def _visible(self) -> int:
        """Offsets that a read_committed reader may pass: each output is one, each transaction's end too."""
        return sum((await self._consumer.end_offsets(self._outputs)).values())

    async def _members(self) -> int:
        """Of the group, if it is stable; else 0."""
        if self._coordinator is None:
            try:
                self._coordinator = await self._client.find_coordinator(self._target.group)
            except KafkaError:
                return 0
        [response] = await self._client.describe_consumer_groups([self._target.group], group_coordinator_id=self._coordinator)
        _, _, state, _, _, members, *_ = response.groups[0]
        return len(members) if state == "Stable" else 0

    async def _committed(self) -> int:
        offsets = await self._client.list_consumer_group_offsets(self._target.group, group_coordinator_id=self._coordinator)
        return sum(position.offset for tp, position in offsets.items() if tp.topic == self._target.input)

    def _cpu(self) -> tuple[float, float, float]:
        """Of the contender, of the broker and of everything else."""
        client_s, broker_s = processes.cpu_s(self._pids), processes.cpu_s([self._broker_pid])
        return client_s, broker_s, processes.machine_cpu_s() - client_s - broker_s

    def _still_running(self) -> None:
        for process in self._running:
            if process.poll() is not None:
                tail = self._log.read_text(errors="replace").splitlines()[-15:]
                raise RunFailedError("\n".join([f"it ended by itself with code {process.returncode}; its last lines:", *tail]))
