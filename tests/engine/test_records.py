"""Records that are unlike the others: too long, broken, in bulk, or waiting for time to pass."""

from __future__ import annotations

from streams.guards.fatal import Exit
from streams.topics import MAX_EVENT_BYTES, MAX_MESSAGE_BYTES
from tests.engine.harness import Pipeline, until


async def test_a_record_as_long_as_inputs_allow_passes_through_whole_with_everything_around_it(pipeline: Pipeline) -> None:
    legal, too_long = b"echo" + bytes(MAX_EVENT_BYTES - 4), b"echo" + bytes(MAX_MESSAGE_BYTES - 16 * 1024)
    await pipeline.publish("toy.in", [(0, b"k", b"x"), (0, b"k", legal), (0, b"k", too_long), (0, b"k", legal), (1, b"k", b"x")])
    await pipeline.drain()
    assert [len(record.value) for record in await pipeline.read("toy.rejected")] == [len(legal), len(too_long), len(legal)]
    assert len(await pipeline.read("toy.out")) == 2


async def test_a_rejected_record_keeps_its_bytes_and_says_where_it_was(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.in", [(0, b"k", b"x"), (0, b"k", b"bad"), (0, b"k", b"x")])
    await pipeline.drain()
    (rejected,) = await pipeline.read("toy.rejected")
    assert (rejected.key, rejected.value, tuple(rejected.headers)) == (b"k", b"bad", (("reason", b"bad"), ("offset", b"1")))
    assert len(await pipeline.read("toy.out")) == 2


async def test_a_record_that_brings_a_bug_to_light_ends_the_worker_with_nothing_of_its_batch_kept(embedded_pipeline: Pipeline) -> None:
    pipeline = embedded_pipeline
    await pipeline.publish("toy.in", [(0, b"k", b"x"), (0, b"+33612345678", b"poison"), (0, b"k", b"x")])
    worker = await pipeline.worker(drain=True)
    assert await worker.ended() == Exit.UNEXPECTED
    assert '"partition": 0' in worker.said()
    assert "RuntimeError" in worker.said()
    assert "33612345678" not in worker.said()
    assert await pipeline.read("toy.out") == []


async def test_when_most_records_are_rejected_the_worker_stops_before_it_rejects_them(embedded_pipeline: Pipeline) -> None:
    pipeline = embedded_pipeline
    await pipeline.publish("toy.in", [(0, b"k", b"x")] * 40 + [(0, b"k", b"bad")] * 60)
    worker = await pipeline.worker(drain=True)
    assert await worker.ended() == Exit.BREAKER, worker.said()
    assert "60 of the last 100 records were rejected" in worker.said()
    assert await pipeline.read("toy.rejected") == []


async def test_what_waits_for_time_to_pass_ends_with_the_input_however_many_steps_that_takes(embedded_pipeline: Pipeline) -> None:
    pipeline = embedded_pipeline
    await pipeline.publish("toy.in", [(0, b"k", b"later")] * 7)
    await pipeline.drain()
    assert [record.value.split()[0] for record in await pipeline.read("toy.out")] == [b"%d" % number for number in range(1, 8)]


async def test_a_partition_without_records_is_told_the_time(embedded_pipeline: Pipeline) -> None:
    pipeline = embedded_pipeline
    await pipeline.publish("toy.in", [(0, b"k", b"later")])
    await pipeline.worker(tick_interval_ms=100)

    async def released() -> bool:
        return len(await pipeline.read("toy.out")) == 1

    await until(released, "a tick released what waited")
