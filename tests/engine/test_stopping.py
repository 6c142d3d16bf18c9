"""Who asks a worker to stop gets a worker that stops: in order if it can, at once if asked twice, and in any case soon."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from faust.types import TP

from streams.engine import engine as engine_module
from streams.engine.engine import Engine
from streams.guards.fatal import Exit
from streams.settings import Settings
from streams.worker import end_what_is_left
from tests.engine.harness import Pipeline, Worker, until
from tests.engine.toy import ToyStage

CONTAINER_WAITS_S = 10.0
CLOSE_MARGIN_MS = 100


def hangs_in(worker: Worker) -> Callable[[], Awaitable[bool]]:
    """Whether its stage has come to the record that it hangs on."""

    async def hangs() -> bool:
        return "the stage hangs" in worker.said()

    return hangs


async def test_a_worker_in_the_midst_of_its_work_stops_within_ten_seconds_and_another_goes_on_where_it_left(pipeline: Pipeline) -> None:
    sent = [(number % 2, b"k%d" % (number % 7), b"x") for number in range(3000)]
    await pipeline.publish("toy.in", sent)
    worker = await pipeline.worker(batch_max_records=10)

    async def is_at_work() -> bool:
        return len(await pipeline.read("toy.out")) > 0

    await until(is_at_work, "the worker has handled a record")
    asked_s = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0, worker.said()
    assert time.monotonic() - asked_s < CONTAINER_WAITS_S
    assert "worker stopped" in worker.said()
    done = len(await pipeline.read("toy.out"))
    assert done < len(sent), "it stopped in the midst of its work"
    assert len(await pipeline.read("toy.out", "read_uncommitted")) == done, "it left no step half-done"
    await pipeline.drain()
    assert len(await pipeline.read("toy.out")) == len(sent)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_that_is_asked_twice_stops_at_once(embedded_pipeline: Pipeline, signum: signal.Signals) -> None:
    """Even while its stage hangs, which is when people ask twice."""
    pipeline = embedded_pipeline
    await pipeline.publish("toy.in", [(0, b"k", b"hang")])
    worker = await pipeline.worker()
    await until(hangs_in(worker), "the stage hangs")
    worker.signal(signum)
    asked_s = time.monotonic()

    async def has_ended() -> bool:
        worker.signal(signum)
        return worker.has_ended

    await until(has_ended, "the worker ends")
    assert await worker.ended() == 128 + signum
    assert time.monotonic() - asked_s < CONTAINER_WAITS_S / 2


async def test_a_worker_that_cannot_stop_in_order_stops_all_the_same(embedded_pipeline: Pipeline) -> None:
    pipeline = embedded_pipeline
    await pipeline.publish("toy.in", [(0, b"k", b"hang")])
    worker = await pipeline.worker()
    await until(hangs_in(worker), "the stage hangs")
    asked_s = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == Exit.UNEXPECTED, worker.said()
    assert time.monotonic() - asked_s < CONTAINER_WAITS_S
    assert "was asked to stop, and did not within 9 s" in worker.said()


class _NeverGivesUp:
    """A partition whose step neither ends nor fails."""

    number = 0

    async def close(self) -> None:
        await asyncio.Event().wait()


def _gives_up(log: Path) -> None:
    with log.open("wb") as output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    engine_module.CLOSE_MARGIN_MS = CLOSE_MARGIN_MS
    engine = Engine(ToyStage(), "toy", Settings(step_timeout_ms=1000), draining=False)
    engine._partitions[0] = _NeverGivesUp()  # type: ignore[assignment]  # what a real one never does
    asyncio.run(engine.revoked({TP("toy.in", 0)}))


def test_a_worker_that_does_not_give_up_its_partitions_in_time_ends_so_that_others_need_not_wait(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = multiprocessing.get_context("spawn").Process(target=_gives_up, args=(log,), daemon=True)
    process.start()
    process.join(timeout=60)
    assert process.exitcode == Exit.UNEXPECTED, log.read_text()
    assert "partitions were not given up within 1.1 s (step_timeout_ms); is Kafka slow or away?" in log.read_text()


def test_a_task_that_takes_one_cancellation_for_another_does_not_keep_a_worker_from_its_end() -> None:
    cancelled: list[int] = []

    async def goes_on() -> None:
        for number in range(2):
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.append(number)

    async def worker() -> None:
        task = asyncio.create_task(goes_on())
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await end_what_is_left()
        assert task.done()

    asyncio.run(worker())
    assert cancelled == [0, 1]
