"""Whether stages that feed each other have come to rest: nothing that they tell each other is unread, in any worker's partitions.

A worker that leaves while another one still writes to what was its partitions would leave work behind that nobody may be there to do. So
whoever drains leaves when the topics between the stages are read to their ends, everywhere: the last one to leave has seen everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog
from aiokafka import TopicPartition

from streams.kafka import clients
from streams.settings import Settings

log = structlog.get_logger(__name__)


async def is_at_rest(settings: Settings, between: Iterable[str], own: Mapping[tuple[str, int], int]) -> bool:
    """True when every partition of the topics between the stages is read to its end.

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
        behind = {f"{place[0]}:{place[1]}": [read[place], ends[tp]] for place, tp in partitions.items() if read[place] < ends[tp]}
        log.debug("looked whether all is at rest", behind=behind)
        return not behind
    finally:
        await consumer.stop()
