"""One round in the making: a fresh pipeline, its traffic, the moment at which the fault comes, and what of it was seen."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from streams.guards.faults import POINTS, Point
from tests.brokers.apache_kafka import ApacheKafka, KafkaCluster
from tests.faults.pipeline import MENDED_BY_A_NEW_START, Pipeline, Worker
from tests.faults.traffic import Profile, Sent, Traffic

STEPS = 60
"""About so many steps a round has, of both partitions together: batches are made as small as that takes."""
LATEST_STEP = 12
"""The moment comes while there is work before and behind it, also where a round has several."""
PER_SECOND = 800


class Moment(NamedTuple):
    """The `nth` time that a worker comes to a point of a transaction."""

    point: Point
    nth: int

    @property
    def kills(self) -> str:
        """`WAMETER_FAULT` for a worker that dies then."""
        return f"{self.point}:{self.nth}"

    @property
    def freezes(self) -> str:
        """`WAMETER_FAULT` for a worker that stands still then."""
        return f"{self.point}:{self.nth}:STOP"


@dataclass
class Stand:
    """What rounds are played on: a broker to connect to, and what may be done to it."""

    bootstrap: str
    broker: ApacheKafka | None = None
    cluster: KafkaCluster | None = None

    @property
    def replication(self) -> int:
        """Replicas of each topic."""
        return 1 if self.cluster is None else KafkaCluster.SIZE


@dataclass
class Play:
    """What a fault kind works with. It must leave broker and topics as a worker needs them, and everything published."""

    stand: Stand
    directory: Path
    rng: Random
    moment: Moment
    events: int
    is_short: bool = True
    """Whether outages are kept short."""
    reached: list[Point] = field(default_factory=list)
    """Crash points that a worker came to."""
    ends: list[int] = field(default_factory=list)
    """How workers ended that a fault ended."""
    pipeline: Pipeline = field(init=False)
    _rest: list[Sent] = field(default_factory=list)

    async def begin(self, *, profiles: Iterable[Profile] | None = None, share: float = 0.6, **settings: Any) -> None:
        """Makes the topics and publishes profiles and a first share of the traffic."""
        traffic = Traffic(self.rng.randrange(1 << 30), self.events)
        settings = {"batch_max_records": max(1, self.events // STEPS), "replication": self.stand.replication, **settings}
        self.pipeline = Pipeline(self.stand.bootstrap, self.directory, traffic, **settings)
        await self.pipeline.create_topics(profiles)
        cut = int(len(traffic.records) * share)
        self._rest = traffic.records[cut:]
        await self.pipeline.publish(traffic.records[:cut])

    async def publish_rest(self) -> None:
        """Publishes what is left of the traffic, all at once."""
        rest, self._rest = self._rest, []
        await self.pipeline.publish(rest)

    def publishing(self) -> asyncio.Task[None]:
        """Publishes what is left at a pace, meanwhile. Await it before the end."""
        rest, self._rest = self._rest, []
        return asyncio.create_task(self.pipeline.publish(rest, per_second=PER_SECOND))

    async def frozen(self, name: str | None = "w1", **settings: Any) -> Worker:
        """A worker that stands still at the moment."""
        worker = await self.pipeline.worker(name, fault=self.moment.freezes, **settings)
        await worker.froze()
        self.reached.append(self.moment.point)
        return worker

    async def killed(self, name: str | None = "w1", **settings: Any) -> None:
        """A worker that dies at the moment."""
        worker = await self.pipeline.worker(name, fault=self.moment.kills, **settings)
        code = await worker.ended()
        assert code == -signal.SIGKILL, f"a worker ended with {code} before it came to its crash point: {worker.said()}"
        self.reached.append(self.moment.point)

    async def start(self, broker: ApacheKafka) -> None:
        """Starts a broker again. Launched from here: a child ends with the thread that made it, and other threads end with the round."""
        broker.launch()
        await asyncio.to_thread(broker.wait_until_ready)

    async def dies(self, worker: Worker) -> None:
        """Waits for a worker that must end by itself, in a way that a new start mends."""
        code = await worker.ended()
        self.ends.append(code)
        assert code in MENDED_BY_A_NEW_START, f"a worker ended with {code}: {worker.said()}"

    async def stop(self, worker: Worker) -> None:
        """Asks a worker to stop that may have ended by itself already, in a way that a new start mends."""
        worker.signal(signal.SIGTERM)
        code = await worker.ended()
        if code:
            self.ends.append(code)
        assert code == 0 or code in MENDED_BY_A_NEW_START, f"a worker ended with {code}: {worker.said()}"


def draw_moment(rng: Random, points: tuple[Point, ...] = POINTS) -> Moment:
    """Any point, early or late."""
    return Moment(rng.choice(points), rng.randint(1, LATEST_STEP))
