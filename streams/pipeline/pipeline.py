"""The stages of one worker: an engine for each, one consumer for all of them, one end.

Every topic is an input of one stage. The group gives a worker the same partition number of every input, so the stages move together; each
has its own state, transactions and changelog, and they talk to each other through topics alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from faust.types import TP

from streams.engine.engine import Engine
from streams.kafka.batches import RecordBatch
from streams.metrics import Metrics
from streams.pipeline.rest import is_at_rest
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.kafka.transport import BatchConsumer

LOOK_EVERY_S: Final = 0.05
"""How often a worker that drains looks whether all is done."""


class Pipeline:
    """The engines of a worker, as its transport sees them: one host for the inputs of all stages."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        """At least one; they have the same settings, and all drain or none does."""
        self.engines: Final = tuple(engines)
        self.settings: Settings = engines[0].settings
        self.draining: bool = engines[0].draining
        self.finished = asyncio.Event()
        """Set when draining is done."""
        self._by_topic = {topic: engine for engine in engines for topic in engine.stage.inputs}
        self._finishing: asyncio.Task[None] | None = None
        for engine in engines:
            engine.share_room(engines[0])

    @property
    def identity(self) -> Mapping[str, str]:
        """By what the stages decide: workers that share partitions must be alike in all of it."""
        first, *others = self.engines
        return {**first.stage.identity, **{f"{each.stage_name} {name}": it for each in others for name, it in each.stage.identity.items()}}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Those of all stages."""
        return tuple(self._by_topic)

    @property
    def metrics(self) -> Metrics:
        """Those of all stages: they lie in one registry."""
        return self.engines[0].metrics

    @property
    def is_ready(self) -> bool:
        """True when every partition of every stage is open."""
        return all(engine.is_ready for engine in self.engines)

    def measure(self) -> None:
        """Brings the gauges up to date."""
        for engine in self.engines:
            engine.measure()

    async def step(self, batch: RecordBatch) -> None:
        """Takes a batch for whichever stage reads it."""
        await self._of(batch.topic).step(batch)

    # What the transport calls

    def bind(self, consumer: BatchConsumer) -> None:
        """Names the consumer that leases are asked of."""
        for engine in self.engines:
            engine.bind(consumer)

    async def assigned(self, partitions: set[TP]) -> None:
        """Opens partitions of every stage, in the background."""
        for engine, own in self._shares(partitions):
            await engine.assigned(own)
        if self.draining and self._finishing is None:
            self._finishing = asyncio.create_task(self._finish())

    async def revoked(self, partitions: set[TP]) -> None:
        """Closes them; returns when nothing of them is under way."""
        await asyncio.gather(*(engine.revoked(own) for engine, own in self._shares(partitions)))

    async def stopping(self) -> None:
        """Closes everything."""
        if self._finishing is not None:
            self._finishing.cancel()
            await asyncio.wait({self._finishing})
        await asyncio.gather(*(engine.stopping() for engine in self.engines))

    def has_room(self, topic_partition: TP) -> bool:
        """True when a batch of it would be taken now."""
        return self._of(self.logical(topic_partition.topic)).has_room(topic_partition)

    async def wait_for_room(self) -> None:
        """Returns when a partition may have room again, at the latest after a second."""
        await self.engines[0].wait_for_room()

    async def hand_over(self, batch: RecordBatch) -> None:
        """Puts a batch on the channel of its stage's agent."""
        await self._of(batch.topic).hand_over(batch)

    def logical(self, topic: str) -> str:
        """A topic's name without the prefix."""
        return topic.removeprefix(self.settings.prefix)

    def _of(self, topic: str) -> Engine:
        return self._by_topic[topic]

    def _shares(self, partitions: set[TP]) -> list[tuple[Engine, set[TP]]]:
        return [(each, {tp for tp in partitions if self._by_topic.get(self.logical(tp.topic)) is each}) for each in self.engines]

    async def _finish(self) -> None:
        """Ends the worker once it is at the end of its input; stages that feed each other are there when nothing is under way anywhere."""
        while not await self._is_done():  # noqa: ASYNC110 - where others have come to, nobody tells
            await asyncio.sleep(LOOK_EVERY_S)
        self.finished.set()

    async def _is_done(self) -> bool:
        if not all(engine.is_drained for engine in self.engines):
            return False
        if len(self.engines) == 1:
            return True
        positions = {place: offset for engine in self.engines for place, offset in engine.positions().items()}
        written = {topic for engine in self.engines for topic in engine.stage.outputs}
        between = [topic for topic in self.inputs if topic in written]
        return await is_at_rest(self.settings, between, positions) and all(engine.is_drained for engine in self.engines)
