"""A look at Kafka from outside of the group, now and then: are the topics still what they were, and does the worker get on?

What a partition number means hangs on how many there are. If someone adds some while workers run, keys begin to move to
other partitions than those that hold their state. The group would notice in minutes; here it is looked for, and looked
again at once when a key turns up where it does not belong.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from rating.stage import Stage
from streams.guards.fatal import RefusalError, die
from streams.guards.stuck import StuckDetector
from streams.kafka import clients
from streams.settings import Settings

ENDS_EVERY_S = 5.0
"""How often the ends of the inputs are looked at, or four times before a worker counts as stuck."""
PROPAGATION_S = 1.0
"""Within this a broker knows what another one of its cluster has told a publisher."""


class Watched(Protocol):
    """What is asked of a worker's engine."""

    settings: Settings
    stage: Stage
    stage_name: str

    def positions(self) -> Mapping[tuple[str, int], int]:
        """The offset that comes next, by logical topic and number, of every partition that is open."""

    async def remaining(self, topic: str, partition: int, end: int) -> int:
        """Up to where there is something to do, in a log that ends at `end`: behind the last record there may be marks alone."""


class Watch:
    """One consumer without a group and without an assignment; it only asks."""

    def __init__(self, watched: Watched, detector: StuckDetector) -> None:
        stage, self._settings = watched.stage, watched.settings
        self._watched = watched
        self._detector = detector
        topics = (*stage.inputs, *stage.broadcast, *stage.outputs, f"wameter-{watched.stage_name}-state")
        self._names = [self._settings.prefix + topic for topic in topics]
        self._missing: set[str] = set()
        self._watching: asyncio.Task[None] | None = None
        self._consumer: AIOKafkaConsumer

    async def start(self) -> None:
        """Begins to look."""
        self._consumer = clients.reader(self._settings)
        await self._consumer.start()
        self._detector.start()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Looks no more."""
        self._detector.stop()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
            await self._consumer.stop()

    async def look_well(self) -> None:
        """Looks at the topics until whatever changed must have shown. Ends the process if they are not what they were."""
        await self._look()
        await asyncio.sleep(PROPAGATION_S)
        await self._look()

    async def _watch(self) -> None:
        looked_s = time.monotonic()
        every_s = min(ENDS_EVERY_S, self._settings.stuck_timeout_ms / 4000, self._settings.topic_check_interval_ms / 1000)
        try:
            while True:
                await asyncio.sleep(every_s)
                try:
                    await self._measure()
                    if time.monotonic() - looked_s >= self._settings.topic_check_interval_ms / 1000:
                        looked_s = time.monotonic()
                        await self._look()
                except (KafkaError, OSError, TimeoutError):
                    continue  # a broker that is away is for those to notice who need it
        except asyncio.CancelledError:
            raise
        except Exception as error:
            die(error, doing="watching the topics")

    async def _measure(self) -> None:
        """Tells the detector how far each partition is, and how far it could be."""
        positions = self._watched.positions()
        self._detector.at(positions)
        places = {place: TopicPartition(self._settings.prefix + place[0], place[1]) for place in positions}
        async with asyncio.timeout(ENDS_EVERY_S):
            ends = await self._consumer.end_offsets(list(places.values())) if places else {}
            self._detector.could_be({place: await self._watched.remaining(*place, ends[tp]) for place, tp in places.items()})

    async def _look(self) -> None:
        """Asks for all topics, not for ours by name: a broker that makes topics by itself would make those it is asked about."""
        cluster = await self._consumer._client.fetch_all_metadata()
        problems: list[str] = []
        missing: set[str] = set()
        for name in self._names:
            count = len(cluster.partitions_for_topic(name) or ())
            if not count:
                missing.add(name)
            elif count != self._settings.partitions:
                problems.append(changed(name, self._settings.partitions, count))
        # A broker that has just come back may not know all topics yet; one that is missing twice is.
        problems += [
            f"topic {name} is no longer there: restore it, or begin anew under another prefix and app_id"
            for name in missing & self._missing
        ]
        self._missing = missing
        if problems:
            die(RefusalError("; ".join(problems)))


def changed(name: str, partitions: int, now: int) -> str:
    """What to say of a topic that has another number of partitions than it had."""
    return (
        f"topic {name} has {now} partitions now, and the pipeline was started on {partitions}: keys would move away from their state. "
        "Nothing was taken from where it does not belong. Partitions cannot be taken away again: begin anew with new topics under another "
        "prefix and app_id, and let publishers write there"
    )
