"""Whatever moment a worker dies at, and whoever goes on in its place, readers see every record's effect once."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from streams.guards.fatal import Exit
from streams.guards.faults import OPEN_TRANSACTION, POINTS
from tests.brokers.apache_kafka import ApacheKafka
from tests.engine.harness import Pipeline, until

KEYS = 7


def records(count: int) -> list[tuple[int, bytes, bytes]]:
    return [(number % KEYS % 2, b"k%d" % (number % KEYS), b"x") for number in range(count)]


async def assert_exact(pipeline: Pipeline, sent: list[tuple[int, bytes, bytes]]) -> None:
    """Outputs number each key's records without a gap or a double; totals and state hold the last number."""
    expected = Counter(key for _, key, _ in sent)
    numbers = defaultdict(list)
    for record in await pipeline.read("toy.out"):
        numbers[record.key].append(int(record.value.split()[0]))
    assert {key: sorted(seen) for key, seen in numbers.items()} == {key: list(range(1, count + 1)) for key, count in expected.items()}
    assert {record.key: int(record.value) for record in await pipeline.read("toy.totals")} == expected
    state = {record.key: record.value for record in await pipeline.read("wameter-toy-state")}
    assert {key: int(state[b"count|" + key]) for key in expected} == expected


async def uncommitted(pipeline: Pipeline) -> int:
    """How many outputs lie in the log that no transaction committed."""
    return len(await pipeline.read("toy.out", "read_uncommitted")) - len(await pipeline.read("toy.out"))


async def test_a_worker_killed_at_every_point_of_a_transaction_loses_nothing_and_repeats_nothing(pipeline: Pipeline) -> None:
    sent = records(700)
    await pipeline.publish("toy.in", sent)
    for point in POINTS:
        before = await uncommitted(pipeline)
        worker = await pipeline.worker(drain=True, fault=f"{point}:3", batch_max_records=20)
        assert await worker.ended() == -signal.SIGKILL, worker.said()
        if point in OPEN_TRANSACTION:
            assert await uncommitted(pipeline) > before, f"the kill at {point} hit no open transaction"
    await pipeline.drain()
    await assert_exact(pipeline, sent)


async def test_a_frozen_worker_that_thaws_after_it_was_replaced_can_commit_nothing(pipeline: Pipeline) -> None:
    sent = records(200)
    await pipeline.publish("toy.in", sent)
    zombie = await pipeline.worker(fault="before_commit:2:STOP", batch_max_records=20)

    async def has_frozen() -> bool:
        return await uncommitted(pipeline) > 0 and zombie.is_frozen

    await until(has_frozen, "the worker stands in an open transaction")
    await pipeline.drain()
    zombie.signal(signal.SIGCONT)
    assert await zombie.ended() == Exit.FENCED, zombie.said()
    await assert_exact(pipeline, sent)


async def test_partitions_move_between_workers_that_come_and_go(pipeline: Pipeline) -> None:
    sent = records(300)
    first = await pipeline.worker(name=None)
    await pipeline.publish("toy.in", sent[:100])

    await until(first.has_opened(2), "the first worker has both partitions")
    second = await pipeline.worker(name=None)

    async def shared() -> bool:
        return '"partitions": 1' in second.said() and '"kept": true' in first.said()

    await until(shared, "the second worker has one of the partitions; the first did not have to restore the other one")
    await pipeline.publish("toy.in", sent[100:200])
    second.signal(signal.SIGTERM)
    assert await second.ended() == 0, second.said()
    await pipeline.publish("toy.in", sent[200:])

    async def all_done() -> bool:
        return sum(1 for _ in await pipeline.read("toy.out")) == len(sent)

    await until(all_done, "the first worker has everything again")
    first.signal(signal.SIGTERM)
    assert await first.ended() == 0, first.said()
    await assert_exact(pipeline, sent)


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_broker_that_stops_or_dies_and_comes_back_costs_time_and_nothing_else(own_kafka: ApacheKafka, tmp_path: Path) -> None:
    pipeline = Pipeline(own_kafka.bootstrap, tmp_path, transaction_timeout_ms=30_000, step_timeout_ms=20_000)
    await pipeline.create_topics()
    sent: list[tuple[int, bytes, bytes]] = []

    async def caught_up() -> bool:
        return len(await pipeline.read("toy.out")) == len(sent)

    worker = await pipeline.worker(batch_max_records=100)
    await until(worker.has_opened(2), "the worker has both partitions")
    for outage in (own_kafka.stop, own_kafka.kill):
        batch = records(2000)
        sent += batch
        await pipeline.publish("toy.in", batch)
        await asyncio.to_thread(outage)
        await asyncio.to_thread(own_kafka.start)
        await until(caught_up, f"the worker goes on after the broker's {outage.__name__}")
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0, worker.said()
    await assert_exact(pipeline, sent)
