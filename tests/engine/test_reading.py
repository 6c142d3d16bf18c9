"""Where a worker reads on, what it tells the group of that, and what it does when the log has a hole there."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streams.guards.fatal import Exit
from tests.engine.harness import Pipeline, until


async def group_offsets(pipeline: Pipeline) -> dict[TopicPartition, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=pipeline.settings.bootstrap)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(pipeline.settings.app_id)
    finally:
        await admin.close()
    return {partition: told.offset for partition, told in found.items()}


async def test_the_group_knows_soon_how_far_its_workers_are_and_never_more_than_was_committed(pipeline: Pipeline) -> None:
    worker = await pipeline.worker()
    await until(worker.has_opened(2), "the worker has both partitions")
    partition = TopicPartition(pipeline.settings.prefix + "toy.in", 0)
    for count in (3, 5, 7):
        await pipeline.publish("toy.in", [(0, b"k", b"x")] * (count - len(await pipeline.read("toy.out"))))

        async def is_done(count: int = count) -> bool:
            told = (await group_offsets(pipeline)).get(partition, 0)
            done = len(await pipeline.read("toy.out"))
            assert told <= done
            return done == count

        await until(is_done, "the records are processed")  # the next ones come before the group is told

    async def knows_all() -> bool:
        return (await group_offsets(pipeline)).get(partition) == 7

    await until(knows_all, "the group knows of the last record, though none follows")
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0, worker.said()


async def test_a_worker_that_stops_tells_the_group_before_it_goes(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.in", [(number % 2, b"k", b"x") for number in range(300)])
    worker = await pipeline.worker(drain=True, batch_max_records=10)
    assert await worker.ended() == 0, worker.said()
    assert set((await group_offsets(pipeline)).values()) == {150}


@pytest.mark.kafka
async def test_records_that_vanish_ahead_of_a_worker_end_it_instead_of_being_passed_over(kafka: str, tmp_path: Path) -> None:
    pipeline = Pipeline(kafka, tmp_path)
    await pipeline.create_topics()
    worker = await pipeline.worker()
    await until(worker.has_opened(2), "the worker has both partitions")
    worker.signal(signal.SIGSTOP)
    await pipeline.publish("toy.in", [(0, b"k", b"x")] * 10)  # a fetch under way may bring these
    await pipeline.publish("toy.in", [(0, b"k", b"x")] * 10)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(pipeline.settings.prefix + "toy.in", 0): RecordsToDelete(before_offset=15)})
    await admin.close()
    worker.signal(signal.SIGCONT)
    assert await worker.ended() in (Exit.UNEXPECTED, Exit.REFUSED), worker.said()
    assert len(await pipeline.read("toy.out")) <= 10
