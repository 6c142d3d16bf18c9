"""Whether stages that feed each other have come to rest: nothing that they tell each other is unread, in any worker's partitions.

A worker that leaves while another one still writes to what was its partitions would leave work behind that nobody may be there to do. So
whoever drains leaves when the topics between the stages are read to their ends, everywhere: the last one to leave has seen everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog
from aiokafka import TopicPartition

from streams.kafka import clients
from streams.kafka.reading import committed_records
from streams.settings import Settings

log = structlog.get_logger(__name__)


async def is_at_rest(settings: Settings, between: Iterable[str], own: Mapping[tuple[str, int], int]) -> bool:
    """True when nothing is left to read in any partition of the topics between the stages.

    `own` are this worker's positions by logical topic and number, all of them committed; of the others' the group's offsets are asked. Ends
    are asked after that: what was read by then had its effect by then, so nothing that it wrote is missed. They are the ends of the logs
    themselves: a transaction is committed before its mark lies in every partition, and until then its records are for no reader.
    """
    partitions = {
        (topic, number): TopicPartition(settings.prefix + topic, number) for topic in between for number in range(settings.partitions)
    }
    consumer = clients.observer(settings, settings.app_id)
    await consumer.start()
    try:
        others = [tp for place, tp in partitions.items() if place not in own]
        if others:
            consumer.assign(others)
            consumer.pause(*others)
        read = {place: own[place] if place in own else await consumer.committed(tp) or 0 for place, tp in partitions.items()}
        ends = await consumer.end_offsets(list(partitions.values()))
    finally:
        await consumer.stop()
    behind = {tp: read[place] for place, tp in partitions.items() if read[place] < ends[tp]}
    log.debug("looked whether all is at rest", behind={f"{tp.topic}:{tp.partition}": [at, ends[tp]] for tp, at in behind.items()})
    return not behind or not await _is_something_left(settings, behind, ends)


async def _is_something_left(settings: Settings, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> bool:
    """Whether a committed record lies between a start and the end, or one in a transaction that is still open.

    Often there is none: a worker that goes on commits the offset after the last record, and the mark of its transaction lies behind that.
    """
    reader = clients.reader(settings)
    await reader.start()
    try:
        stable = await reader.end_offsets(list(starts))
        if any(stable[tp] < ends[tp] for tp in starts):
            return True
        async for _ in committed_records(reader, starts):
            return True
        return False
    finally:
        await reader.stop()
