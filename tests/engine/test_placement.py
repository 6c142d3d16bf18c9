"""A key belongs to one partition. Whoever changes that while workers run stops them before anything is put elsewhere."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from streams.guards.fatal import Exit
from streams.kafka.partitioner import partition_of
from tests.engine.harness import Pipeline, until


async def publish_as_java_does(pipeline: Pipeline, keys: list[bytes]) -> None:
    """With a producer that knows of every partition there is now."""
    producer = AIOKafkaProducer(bootstrap_servers=pipeline.settings.bootstrap)
    await producer.start()
    try:
        for key in keys:
            await producer.send_and_wait(pipeline.settings.prefix + "toy.in", b"x", key)
    finally:
        await producer.stop()


async def add_partitions(pipeline: Pipeline, topic: str, count: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=pipeline.settings.bootstrap)
    await admin.start()
    try:
        await admin.create_partitions({pipeline.settings.prefix + topic: NewPartitions(count)})

        async def are_there() -> bool:
            (described,) = await admin.describe_topics([pipeline.settings.prefix + topic])
            return len(described["partitions"]) == count

        await until(are_there, "the broker tells of the new partitions")
    finally:
        await admin.close()


KEYS = [b"k%d" % number for number in range(200)]
MOVING = [key for key in KEYS if partition_of(key, 3) < 2 and partition_of(key, 3) != partition_of(key, 2)]
"""Keys that three partitions put into another one of the first two than two partitions do."""


async def test_a_key_that_moves_since_partitions_were_added_is_not_counted_where_its_state_is_not(pipeline: Pipeline) -> None:
    await publish_as_java_does(pipeline, KEYS)
    worker = await pipeline.worker(input_partitioner="murmur2")

    async def all_counted() -> bool:
        return len(await pipeline.read("toy.out")) == len(KEYS)

    await until(all_counted, "each key is counted once")
    await add_partitions(pipeline, "toy.in", 3)
    await publish_as_java_does(pipeline, MOVING[:1])
    assert await worker.ended() == Exit.REFUSED, worker.said()
    assert "toy.in has 3 partitions now, and the pipeline was started on 2" in worker.said()
    assert len(await pipeline.read("toy.out")) == len(KEYS)

    worker = await pipeline.worker()
    assert await worker.ended() == 2
    assert "toy.in has 3 partitions, but the setting partitions says 2" in worker.said()


@pytest.mark.parametrize("topic", ["toy.factors", "toy.totals"])
async def test_partitions_added_to_a_topic_without_traffic_are_found_in_time(embedded_pipeline: Pipeline, topic: str) -> None:
    pipeline = embedded_pipeline
    worker = await pipeline.worker(topic_check_interval_ms=1000)
    await until(worker.has_opened(2), "the worker has both partitions")
    await add_partitions(pipeline, topic, 4)
    assert await worker.ended() == Exit.REFUSED, worker.said()
    assert f"{topic} has 4 partitions now" in worker.said()


async def test_a_stray_key_of_a_publisher_is_counted_and_told_once_and_the_stream_goes_on(embedded_pipeline: Pipeline) -> None:
    pipeline = embedded_pipeline
    wrong = [(1 - partition_of(key, 2), key, b"x") for key in KEYS[:3]]
    right = [(partition_of(key, 2), key, b"x") for key in KEYS[3:40]]
    await pipeline.publish("toy.in", right + wrong)
    worker = await pipeline.worker(drain=True, input_partitioner="murmur2")
    assert await worker.ended() == 0, worker.said()
    told = [line for line in worker.said().splitlines() if "lie in other partitions than murmur2 gives them" in line]
    assert ["of the newest" in line for line in told] == [True, False], "a doubt before it starts, and once when it meets them"
    assert len(await pipeline.read("toy.out")) == 40
