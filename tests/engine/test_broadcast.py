"""What is broadcast is known before any input is handled, and what is broadcast later is known soon, everywhere."""

from __future__ import annotations

import signal

from tests.engine.harness import Pipeline, until


async def test_every_partition_knows_what_was_broadcast_before_it_handles_its_first_record(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.in", [(0, b"even", b"x"), (1, b"odd", b"x")])
    await pipeline.publish("toy.factors", [(0, b"even", b"old"), (1, b"odd", b"7"), (0, b"even", b"2")])
    await pipeline.drain()
    assert {record.key: record.value for record in await pipeline.read("toy.out")} == {b"even": b"1 2", b"odd": b"1 7"}


async def test_what_is_broadcast_to_an_idle_worker_is_in_every_state_before_the_next_record(pipeline: Pipeline) -> None:
    worker = await pipeline.worker()
    await pipeline.publish("toy.in", [(0, b"even", b"x"), (1, b"odd", b"x")])

    async def handled() -> bool:
        return len(await pipeline.read("toy.out")) == 2

    await until(handled, "the first records are out")
    await pipeline.publish("toy.factors", [(1, b"even", b"2"), (0, b"odd", b"7")])

    async def known() -> bool:
        state = [record.key for record in await pipeline.read("wameter-toy-state")]
        return state.count(b"factor|even") == state.count(b"factor|odd") == pipeline.settings.partitions

    await until(known, "both partitions know both factors")
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0, worker.said()
    await pipeline.publish("toy.in", [(0, b"even", b"x"), (1, b"odd", b"x")])
    await pipeline.drain()
    assert {record.value for record in await pipeline.read("toy.out")} == {b"1 none", b"2 2", b"2 7"}


async def test_what_every_partition_finds_out_alike_is_put_out_once(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.factors", [(1, b"k", b"odd"), (0, b"k", b"odd")])
    await pipeline.drain()
    assert [record.key for record in await pipeline.read("toy.rejected")] == [b"k", b"k"]
