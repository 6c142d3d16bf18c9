"""Reading topic partitions to their end: a changelog that is restored, broadcast topics that are caught up with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


async def committed_records(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int]
) -> AsyncIterator[tuple[TopicPartition, list[Any], int]]:
    """Every committed record from each start to the end as of now: (partition, records, next offset), in order per partition.

    Takes the consumer over: it must not be assigned to anything else meanwhile. A start that lies before the log's
    beginning begins there.
    """
    if not starts:
        return
    partitions = list(starts)
    consumer.assign(partitions)
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, max(starts[partition], begins[partition]))
    waiting = set(partitions)
    while waiting:
        for partition in list(waiting):
            if await consumer.position(partition) >= ends[partition]:
                waiting.discard(partition)
        if not waiting:
            return
        for partition, records in (await consumer.getmany(*waiting, timeout_ms=500)).items():
            yield partition, records, records[-1].offset + 1
