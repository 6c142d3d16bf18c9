"""A stage nobody waits for lets its records gather, so that it makes fewer transactions."""

from __future__ import annotations

import asyncio
import signal
from itertools import pairwise

import pytest

from rating.stage import gathers
from streams.settings import Settings
from streams.stages import stages_of
from tests.engine.harness import Pipeline, until

FOR_EVER_MS = 3_600_000


async def _has_handled(pipeline: Pipeline, count: int) -> None:
    async def are_there() -> bool:
        return len(await pipeline.read("toy.out")) == count

    await until(are_there, f"{count} records are handled")


async def _take_up_then_trickle(pipeline: Pipeline) -> None:
    """One record that a worker handles, then ten, one after another."""
    await pipeline.publish("toy.in", [(0, b"k", b"x")])
    await _has_handled(pipeline, 1)
    for _ in range(10):
        await pipeline.publish("toy.in", [(0, b"k", b"x")])
        await asyncio.sleep(0.02)


async def _transactions(pipeline: Pipeline) -> int:
    """How many there were: each ends with a mark that takes an offset of its own."""
    offsets: list[int] = [record.offset for record in await pipeline.read("toy.out")]
    return 1 + sum(following - offset > 1 for offset, following in pairwise(offsets))


def test_only_meter_is_waited_for() -> None:
    assert {name for name, stage in stages_of(Settings()).items() if not gathers(stage)} == {"meter"}


@pytest.mark.parametrize("does_gather", [True, False])
async def test_what_comes_shortly_after_a_transaction_is_one_more_if_it_may_gather(pipeline: Pipeline, does_gather: bool) -> None:
    await pipeline.worker(gathers=does_gather, gather_ms=5000, pacing_ms=0)
    await _take_up_then_trickle(pipeline)
    await _has_handled(pipeline, 11)
    assert (await _transactions(pipeline) == 2) is does_gather


async def test_as_many_records_as_a_step_takes_wait_no_longer(pipeline: Pipeline) -> None:
    await pipeline.worker(gathers=True, gather_ms=FOR_EVER_MS, batch_max_records=10)
    await _take_up_then_trickle(pipeline)
    await _has_handled(pipeline, 11)


async def test_a_worker_that_is_stopped_while_records_gather_leaves_them_to_the_next(pipeline: Pipeline) -> None:
    worker = await pipeline.worker(gathers=True, gather_ms=FOR_EVER_MS)
    await _take_up_then_trickle(pipeline)
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0, worker.said()
    assert len(await pipeline.read("toy.out")) == 1
    await pipeline.drain()
    assert [record.value.split()[0] for record in await pipeline.read("toy.out")] == [b"%d" % number for number in range(1, 12)]
