"""A worker process of the simulation: the production engine, with a consumer that stands for Faust's transport."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from aiokafka import TopicPartition
from faust.types import TP

from streams.engine import engine as engine_module
from streams.engine import transaction
from streams.engine.engine import Engine
from streams.guards import fatal, faults
from streams.kafka import clients
from streams.kafka.batches import RecordBatch, batch_of, split
from streams.pipeline.pipeline import Pipeline
from tests.simulation.clients import Consumer, Producer
from tests.simulation.network import Network
from tests.simulation.world import EPOCH_S, Process

if TYPE_CHECKING:
    from tests.simulation.run import Run


class SimulatedEngine(Engine):
    """The engine, which also tells this transport when there is room."""

    room: asyncio.Event

    def made_room(self) -> None:
        super().made_room()
        self.room.set()


class Transport:
    """Stands for `BatchConsumer` and the agent's channel: fetches what is owned, hands it on in order, some time later."""

    def __init__(
        self, pipeline: Pipeline, engines: Sequence[SimulatedEngine], consumer: Consumer, network: Network, process: Process
    ) -> None:
        self._engine = pipeline
        self._consumer = consumer
        self._network = network
        self._process = process
        self._numbers = count(1)
        self._leases: dict[TP, int] = {}
        self._next_offsets: dict[TP, int] = {}
        self._fetching: dict[TP, asyncio.Task[None]] = {}
        self._channel: deque[RecordBatch] = deque()
        self._put = asyncio.Event()
        self._room = asyncio.Event()
        for engine in engines:
            engine.room = self._room
            engine.channel = self  # type: ignore[assignment] # of Faust's channel the engine only puts
        self._agent = process.create_task(self._hand_on())

    async def lease(self, tp: TP, offset: int) -> int:
        """Begins again at an offset."""
        number = self._leases[tp] = next(self._numbers)
        self._next_offsets[tp] = offset
        self._consumer.seek(TopicPartition(tp.topic, tp.partition), offset)
        return number

    def end(self, tp: TP) -> int | None:
        """The engine's lag metric is not looked at here."""
        return None

    async def remaining(self, tp: TP, end: int) -> int:
        """Up to where there is something to read."""
        return end

    async def put(self, batch: RecordBatch) -> None:
        """The channel's end of the transport."""
        self._channel.append(batch)
        self._put.set()

    def owns(self, partitions: set[TP]) -> None:
        """Fetches these from now on. What was fetched before is still on its way."""
        for tp in sorted(self._fetching.keys() - partitions):
            self._fetching.pop(tp).cancel()
        for tp in sorted(partitions - self._fetching.keys()):
            self._fetching[tp] = self._process.create_task(self._fetch(tp))

    async def _fetch(self, tp: TP) -> None:
        partition = TopicPartition(tp.topic, tp.partition)
        while True:
            while tp not in self._leases or not self._engine.has_room(tp):
                self._room.clear()
                await self._room.wait()
            lease, begin = self._leases[tp], self._next_offsets[tp]
            fetched = (await self._consumer.getmany(partition, timeout_ms=100 if self._engine.draining else 5000)).get(partition)
            if not fetched and self._engine.draining:
                await self._end(tp, lease, begin)
            if fetched:
                if lease == self._leases[tp]:
                    self._next_offsets[tp] = fetched[-1].offset + 1
                for batch in split(
                    batch_of(self._engine.logical(tp.topic), tp.partition, fetched, lease, begin), self._engine.settings.batch_max_records
                ):
                    await self._engine.hand_over(batch)

    async def _end(self, tp: TP, lease: int, begin: int) -> None:
        """Tells that nothing follows, if the log ends here."""
        partition = TopicPartition(tp.topic, tp.partition)
        end = (await self._consumer.end_offsets([partition]))[partition]
        position = await self._consumer.position(partition)
        if position >= end and lease == self._leases[tp]:
            self._next_offsets[tp] = position
            await self._engine.hand_over(RecordBatch(self._engine.logical(tp.topic), tp.partition, lease, begin, [], position, at_end=True))

    async def _hand_on(self) -> None:
        while True:
            if not self._channel:
                self._put.clear()
                await self._put.wait()
            if self._network.slow:
                await asyncio.sleep(self._network.delay_s())
            await self._engine.step(self._channel.popleft())


class Seam:
    """Where the engine meets the world. While it is installed, `current` is what the engine's clocks, clients and exits belong to."""

    current: Run

    @contextmanager
    def installed(self) -> Iterator[Seam]:
        """Swaps clocks, clients, crash points and exits of the engine's modules, whichever modules there are."""
        clock = SimpleNamespace(time=lambda: EPOCH_S + self.current.world.now_s, monotonic=lambda: self.current.world.now_s)
        silent = SimpleNamespace(**dict.fromkeys(("debug", "info", "warning", "error", "critical"), _nothing))
        with ExitStack() as stack:

            def swap(module: object, name: str, replacement: object) -> None:
                stack.enter_context(patch.object(module, name, replacement))

            swap(clients, "reader", lambda *args, **kwargs: self.current.reader(*args, **kwargs))
            swap(clients, "observer", lambda *args, **kwargs: self.current.observer(*args, **kwargs))
            swap(clients, "transactional_producer", lambda *args, **kwargs: self.current.transactional_producer(*args, **kwargs))
            swap(transaction, "fence", _fence)
            swap(faults, "reach", lambda point: self.current.reach(point))
            swap(fatal, "os", SimpleNamespace(_exit=self._exit))
            swap(fatal, "logging", SimpleNamespace(shutdown=_nothing))
            for name in ("Metrics", "StuckDetector"):  # the detector is a thread, and looks at real time
                if hasattr(engine_module, name):
                    swap(engine_module, name, lambda *args, **kwargs: Nothing())
            swap(fatal, "described", repr)
            for name, module in sorted(sys.modules.items()):
                if name.startswith(("streams.engine.", "streams.takeover.", "streams.pipeline.")):
                    if getattr(module, "time", None) is time:
                        swap(module, "time", clock)
                    for log in ("log", "logger"):
                        if hasattr(module, log):
                            swap(module, log, silent)
            swap(fatal, "log", SimpleNamespace(critical=self._told))
            yield self

    def _exit(self, code: int) -> None:
        self.current.world.running.exit(f"exit code {int(code)}")

    def _told(self, event: str, **facts: object) -> None:
        process = self.current.world.running
        if process.is_alive:
            self.current.world.say(f"{process.name}: {facts.get('reason')}")


async def _fence(producer: Producer, _: str) -> None:
    """The model loses no mark, so nobody asks how the last transaction ended."""
    await producer.start()


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


class Nothing:
    """Has every method, and each does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _nothing
