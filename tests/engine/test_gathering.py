"""A stage nobody waits for lets its records gather, so that it makes fewer transactions."""

from __future__ import annotations

import asyncio
import signal
from itertools import pairwise

from tests.engine.harness import Pipeline, until

FOR_EVER_MS = 3_600_000


async def _has_handled(pipeline: Pipeline, count: int) -> None:
    async def are_there() -> bool:
        return len(await pipeline.read("toy.out")) == count

    await until(are_there, f"{count} records are handled")


async def _trickle(pipeline: Pipeline) -> None:
    """Ten records, one after another."""
    for _ in range(10):
        await pipeline.publish("toy.in", [(0, b"k", b"x")])
        await asyncio.sleep(0.02)


async def _transactions(pipeline: Pipeline) -> int:
    """How many there were: each ends with a mark that takes an offset of its own."""
    offsets: list[int] = [record.offset for record in await pipeline.read("toy.out")]
    return 1 + sum(following - offset > 1 for offset, following in pairwise(offsets))


async def test_what_comes_while_records_may_gather_is_one_transaction(pipeline: Pipeline) -> None:
    await pipeline.worker(gathers=True, gather_ms=5000)
    await pipeline.publish("toy.in", [(0, b"k", b"x")])
    await _has_handled(pipeline, 1)
    await _trickle(pipeline)
    await _has_handled(pipeline, 11)
    assert await _transactions(pipeline) == 2


async def test_a_stage_that_is_waited_for_takes_each_record_as_it_comes(pipeline: Pipeline) -> None:
    await pipeline.worker(gathers=False, gather_ms=FOR_EVER_MS, pacing_ms=0)
    await pipeline.publish("toy.in", [(0, b"k", b"x")])
    await _has_handled(pipeline, 1)
    await _trickle(pipeline)
    await _has_handled(pipeline, 11)
    assert await _transactions(pipeline) > 2


async def test_as_many_records_as_a_step_takes_wait_no_longer(pipeline: Pipeline) -> None:
    await pipeline.worker(gathers=True, gather_ms=FOR_EVER_MS, batch_max_records=10)
    await pipeline.publish("toy.in", [(0, b"k", b"x")])
    await _has_handled(pipeline, 1)
    await _trickle(pipeline)
    await _has_handled(pipeline, 11)


async def test_a_worker_that_is_stopped_while_records_gather_leaves_them_to_the_next(pipeline: Pipeline) -> None:
    worker = await pipeline.worker(gathers=True, gather_ms=FOR_EVER_MS)
    await pipeline.publish("toy.in", [(0, b"k", b"x")])
    await _has_handled(pipeline, 1)
    await _trickle(pipeline)
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0, worker.said()
    assert len(await pipeline.read("toy.out")) == 1
    await pipeline.drain()
    assert [record.value.split()[0] for record in await pipeline.read("toy.out")] == [b"%d" % number for number in range(1, 12)]
