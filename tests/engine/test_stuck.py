"""A worker that does not get on says where it stands, and leaves: whoever waits for it would wait for ever."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from streams.guards.fatal import Exit
from streams.guards.stuck import StuckDetector
from tests.brokers.apache_kafka import ApacheKafka
from tests.engine.harness import Pipeline, until

PLACE = ("t", 0)


def detector(timeout_s: float) -> StuckDetector:
    """One that has just seen the event loop turn."""
    found = StuckDetector(timeout_s, tuple)
    found._turned_s = time.monotonic()
    return found


def long_after(found: StuckDetector) -> StuckDetector:
    """The same, an hour after it last saw that a partition was well; the event loop turns."""
    found._well_s = {place: well_s - 3600 for place, well_s in found._well_s.items()}
    return found


def test_who_has_nothing_to_do_is_not_stuck_however_long() -> None:
    found = detector(60)
    found.at({PLACE: 5})
    found.could_be({PLACE: 5})
    assert long_after(found).problem() is None


def test_who_gets_on_is_not_stuck_however_much_there_is_to_do() -> None:
    found = detector(60)
    for position in range(3):
        found.at({PLACE: position})
        found.could_be({PLACE: 1_000_000})
        assert found.problem() is None
        long_after(found)
    found.at({PLACE: 3})
    assert found.problem() is None


def test_who_stands_still_before_work_is_stuck() -> None:
    found = detector(60)
    found.at({PLACE: 5})
    found.could_be({PLACE: 9})
    assert found.problem() is None
    found = long_after(found)
    found.at({PLACE: 5})
    assert found.problem() == "nothing was committed for 60 s (stuck_timeout_ms) though there is something to read: t partition 0 at 5 of 9"


def test_a_partition_that_was_given_up_is_not_stuck() -> None:
    found = detector(60)
    found.at({PLACE: 5})
    found.could_be({PLACE: 9})
    found = long_after(found)
    found.at({})
    assert found.problem() is None


async def test_a_stage_that_hangs_ends_the_worker_with_every_stack_and_no_value(embedded_pipeline: Pipeline) -> None:
    pipeline = embedded_pipeline
    await pipeline.publish("toy.in", [(0, b"+33612345678", b"hang")])
    worker = await pipeline.worker(stuck_timeout_ms=2000)
    assert await worker.ended() == Exit.UNEXPECTED, worker.said()
    assert "the event loop has not turned for 2 s (stuck_timeout_ms): something in it hangs" in worker.said()
    assert "time.sleep(3600)" in worker.said()
    assert "in _work" in worker.said(), "where the event loop stands"
    assert "33612345678" not in worker.said()
    assert await pipeline.read("toy.out") == []


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_broker_that_freezes_before_the_input_is_read_ends_the_worker_and_another_does_the_rest(
    own_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """The steps have more time than the detector gives them, so it is the detector that finds out."""
    pipeline = Pipeline(own_kafka.bootstrap, tmp_path)
    await pipeline.create_topics()
    await pipeline.publish("toy.in", [(0, b"k", bytes(1_000_000))] * 16)
    worker = await pipeline.worker(batch_max_records=1, pacing_ms=500, stuck_timeout_ms=3000)

    async def knows_what_there_is() -> bool:
        return len(await pipeline.read("toy.out")) > 3  # it looks about every second where the log ends

    await until(knows_what_there_is, "the worker has been at work for a while")
    own_kafka.send(signal.SIGSTOP)
    try:
        assert await worker.ended() == Exit.UNEXPECTED, worker.said()
    finally:
        own_kafka.send(signal.SIGCONT)
    assert "nothing was committed for 3 s (stuck_timeout_ms) though there is something to read: toy.in partition 0" in worker.said()
    assert "TransactionLog.commit" in worker.said()

    async def answers() -> bool:
        with suppress(KafkaError):
            return len(await pipeline.read("toy.out")) > 0
        return False

    await until(answers, "the broker that thawed answers")
    await pipeline.drain()
    assert [record.value.split()[0] for record in await pipeline.read("toy.out")] == [b"%d" % number for number in range(1, 17)]


async def test_an_idle_worker_behind_the_marks_of_a_publishers_transaction_is_not_stuck(pipeline: Pipeline) -> None:
    """The log ends behind what there is to read: a mark of a transaction has an offset, and is no record."""
    await pipeline.publish_in_transaction("toy.in", [(0, b"k", b"x")])
    worker = await pipeline.worker(stuck_timeout_ms=1000, tick_interval_ms=100)

    async def has_waited() -> bool:
        return worker.age_s() > 4

    await until(has_waited, "four times what a stuck worker is given have passed")
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0, worker.said()
    assert len(await pipeline.read("toy.out")) == 1
