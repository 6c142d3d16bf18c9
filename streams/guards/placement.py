"""Does each key lie in the partition where everyone else looks for it?

State, totals and commands meet because publishers, workers and tools put a key in the same place: murmur2, as Kafka's Java
clients do. A key that turns up elsewhere has one of two causes. Someone added partitions: then nothing more may be taken,
and the records that showed it have not been. Or a publisher has a partitioner of its own: then it is counted and said, since one
stray record is no reason to stop, and many are found at the next start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable

import structlog

from streams.kafka.batches import RecordBatch
from streams.kafka.partitioner import partition_of
from streams.metrics import Metrics
from streams.settings import Settings
from streams.topics import is_keyed

log = structlog.get_logger(__name__)
REMEMBERED_MAX = 200_000
"""Keys of a partition that are known to lie well; then it is asked anew."""


class Placement:
    """Checks every key of the inputs once. `look_well` must end the process if the topics have changed."""

    def __init__(self, settings: Settings, metrics: Metrics, look_well: Callable[[], Awaitable[None]]) -> None:
        self._partitions = settings.partitions
        self._is_off = settings.input_partitioner == "any"
        self._metrics = metrics
        self._look_well = look_well
        self._known: defaultdict[tuple[str, int], set[bytes | None]] = defaultdict(set)
        self._told: set[str] = set()

    async def check(self, batch: RecordBatch) -> None:
        """To be called before anything of the batch is applied. Records without a key lie nowhere well."""
        if self._is_off or not is_keyed(batch.topic):
            return
        known = self._known[batch.topic, batch.partition]
        unseen = {record.key for record in batch.records} - known
        if not unseen:
            return
        strays = sum(key is None or partition_of(key, self._partitions) != batch.partition for key in unseen)
        if strays:
            await self._look_well()
            self._metrics.strayed(batch.topic, strays)
            if batch.topic not in self._told:
                self._told.add(batch.topic)
                log.warning(misplaced(batch.topic), topic=batch.topic, partition=batch.partition, keys=strays)
        if len(known) > REMEMBERED_MAX:
            known.clear()
        known |= unseen


def misplaced(topic: str) -> str:
    """What to say of keys that lie where murmur2 does not put them."""
    return (
        f"keys of {topic} lie in other partitions than murmur2 gives them: a publisher leaves keys out or uses another partitioner "
        "(librdkafka's clients need partitioner=murmur2_random); what belongs together is then rated apart"
    )
