"""Records that were deleted before they were read: a person decides, and nothing is skipped in silence."""

from __future__ import annotations

import re

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from streams.guards.fatal import Exit
from tests.engine.harness import Pipeline, until


async def delete_before(pipeline: Pipeline, topic: str, partition: int, offset: int) -> None:
    """What retention does, at once."""
    admin = AIOKafkaAdminClient(bootstrap_servers=pipeline.settings.bootstrap)
    await admin.start()
    try:
        place = TopicPartition(pipeline.settings.prefix + topic, partition)
        await admin.delete_records({place: RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def test_a_worker_goes_over_no_gap_until_a_person_gives_those_records_up(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.in", [(0, b"k", b"x")] * 3)
    await pipeline.drain()
    await pipeline.publish("toy.in", [(0, b"k", b"x")] * 5)
    await delete_before(pipeline, "toy.in", 0, 7)

    for accepted in (None, "toy.in:0:6", "toy.in:1:7", "toy.out:0:7"):
        worker = await pipeline.worker(drain=True, accept_lost_records=accepted)
        assert await worker.ended() == Exit.REFUSED, worker.said()
        assert "toy.in partition 0: offsets 3 to 6 are gone (at most 4 records)" in worker.said()
        assert "--accept-lost-records toy.in:0:7" in worker.said()
    assert len(await pipeline.read("toy.out")) == 3

    worker = await pipeline.worker(drain=True, accept_lost_records="toy.in:0:7")
    assert await worker.ended() == 0, worker.said()
    assert '"first": 3, "next": 7' in worker.said()
    assert [record.value.split()[0] for record in await pipeline.read("toy.out")] == [b"1", b"2", b"3", b"4"]


@pytest.mark.kafka
async def test_a_log_that_is_cut_before_a_running_worker_ends_it_as_well(kafka_pipeline: Pipeline) -> None:
    """It holds a few of these records at a time, and takes one each half second: it cannot have read to the end of them.

    The embedded broker sends all of them at once.
    """
    pipeline = kafka_pipeline
    await pipeline.publish("toy.in", [(0, b"k", bytes(1_000_000))] * 24)
    worker = await pipeline.worker(batch_max_records=1, pacing_ms=500)

    async def is_at_work() -> bool:
        return len(await pipeline.read("toy.out")) > 0

    await until(is_at_work, "the worker has handled a record")
    await delete_before(pipeline, "toy.in", 0, 24)
    assert await worker.ended() == Exit.REFUSED, worker.said()
    assert re.search(r"toy\.in partition 0: offsets \d+ to 23 are gone .* --accept-lost-records toy\.in:0:24", worker.said())
    assert 0 < len(await pipeline.read("toy.out")) < 24


async def test_a_broadcast_topic_that_was_made_anew_is_told_and_not_waited_for(pipeline: Pipeline) -> None:
    """Its offsets begin again: what is broadcast now would be taken for what was known long ago."""
    await pipeline.publish("toy.factors", [(1, b"k", b"2")] * 3)
    await pipeline.drain()
    await pipeline.make_anew("toy.factors")
    await pipeline.publish("toy.factors", [(1, b"k", b"3")])
    worker = await pipeline.worker(drain=True)
    assert await worker.ended() == Exit.REFUSED, worker.said()
    assert "toy.factors partition 1: the state knows it up to offset 3, but the log ends at 1" in worker.said()
