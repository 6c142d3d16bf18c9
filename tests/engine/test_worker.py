"""How a worker starts, shows itself and ends."""

from __future__ import annotations

import asyncio
import re
import signal
import urllib.error
import urllib.request

from prometheus_client import generate_latest

from streams.guards.fatal import Exit
from streams.metrics import Metrics
from streams.state.sizes import StateSize
from streams.state.store import Store
from tests.engine.harness import Pipeline, until
from tests.engine.toy import TOPICS


async def page(address: str) -> tuple[int, str]:
    def get() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own worker
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(get)


async def test_a_worker_shows_that_it_lives_is_ready_and_what_it_counted_and_stops_when_asked(embedded_pipeline: Pipeline) -> None:
    pipeline = embedded_pipeline
    await pipeline.publish("toy.in", [(0, b"k", b"x"), (1, b"k", b"bad"), (1, b"k", b"x")])
    worker = await pipeline.worker()

    async def has_pages() -> bool:
        return re.search(r'"pages": "([^"]+)"', worker.said()) is not None

    await until(has_pages, "the worker says where its pages are")
    address = re.findall(r'"pages": "([^"]+)"', worker.said())[0]
    assert (await page(f"{address}/healthz"))[0] == 200

    async def is_ready() -> bool:
        return (await page(f"{address}/readyz"))[0] == 200

    await until(is_ready, "the worker is ready")

    async def has_counted() -> bool:
        return "wameter_records_total 3.0" in (await page(f"{address}/metrics"))[1]

    await until(has_counted, "three records are counted")
    _, metrics = await page(f"{address}/metrics")
    assert 'wameter_effects_total{what="rejected"} 1.0' in metrics
    assert 'wameter_outputs_total{topic="toy.out"} 2.0' in metrics
    assert f'wameter_lag_records{{partition="0",topic="{TOPICS[0].name}"}} 0.0' in metrics

    for phase in ("fence", "restore", "catch_up"):
        assert f'wameter_phase_seconds_count{{phase="{phase}"}} 2.0' in metrics
        assert f'"phase": "{phase}"' in worker.said() or phase == "fence"
    assert 'wameter_partitions{phase="running",stage="toy"} 2.0' in metrics
    assert f'wameter_position_offset{{partition="1",topic="{TOPICS[0].name}"}} 2.0' in metrics
    for gauge in ("wameter_state_records", "wameter_state_bytes", "wameter_last_commit_timestamp_seconds"):
        assert float(re.findall(rf'{gauge}{{partition="1",stage="toy"}} (\S+)', metrics)[0]) > 0
    assert "wameter_clock_skew_seconds 0.0" in metrics
    assert "process_resident_memory_bytes" in metrics

    worker.signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await worker.ended() == 0, worker.said()
    assert worker.said().count('"event": "partition closed"') == 2


def test_a_partition_that_was_given_up_is_shown_no_longer() -> None:
    metrics = Metrics()
    for partition in (0, 1):
        metrics.state(partition, 5, 50)
        metrics.lag("t", partition, 7, 3)
        metrics.committed_at(partition, 1.0)
    metrics.forget(0, ["t"])
    metrics.forget(2, ["t"])
    shown = generate_latest(metrics.registry).decode()
    assert 'partition="0"' not in shown
    assert 'wameter_position_offset{partition="1",topic="t"} 7.0' in shown


def test_the_size_of_a_state_is_counted_once_and_carried_on() -> None:
    store = Store()
    store.begin()
    store.put(b"k" * 17, b"v" * 83)
    store.commit()
    size = StateSize(store)
    size.count()
    assert (size.records, size.bytes) == (1, 100)
    store.begin()
    store.put(b"l" * 17, b"v" * 33)
    size.wrote(store.commit())
    assert (size.records, size.bytes) == (2, 150)


async def test_a_worker_that_has_drained_its_input_leaves_its_partitions_to_others_at_once(pipeline: Pipeline) -> None:
    """A static name would keep them until the session timeout, and on the embedded broker for ever."""
    await pipeline.publish("toy.in", [(0, b"k", b"x"), (1, b"k", b"x")])
    for name in ("w1", "w2"):
        worker = await pipeline.worker(drain=True, name=name, session_timeout_ms=60_000)
        assert await worker.ended() == 0, worker.said()
    assert len(await pipeline.read("toy.out")) == 2


async def test_a_worker_without_its_topics_says_so_and_does_not_start(embedded_pipeline: Pipeline) -> None:
    worker = await embedded_pipeline.worker(drain=True, prefix="elsewhere.")
    assert await worker.ended() == 2
    assert "topic elsewhere.toy.in does not exist; make it with `wameter topics create`" in worker.said()
    assert "Traceback" not in worker.said()


async def test_a_worker_with_another_number_of_partitions_says_so_and_does_not_start(embedded_pipeline: Pipeline) -> None:
    worker = await embedded_pipeline.worker(drain=True, partitions=3)
    assert await worker.ended() == 2
    assert "has 2 partitions, but the setting partitions says 3" in worker.said()


async def test_a_worker_without_a_broker_says_so(embedded_pipeline: Pipeline) -> None:
    worker = await embedded_pipeline.worker(drain=True, bootstrap="127.0.0.1:1")
    assert await worker.ended() == 3
    assert "Kafka at 127.0.0.1:1 does not answer" in worker.said()
    assert "Traceback" not in worker.said()


async def test_a_worker_whose_state_was_lost_refuses_to_count_anew(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.in", [(0, b"k", b"x")])
    await pipeline.drain()
    await pipeline.make_anew("wameter-toy-state")
    worker = await pipeline.worker(drain=True)
    assert await worker.ended() == Exit.REFUSED, worker.said()
    assert "the group has committed offset 1, but the state knows it up to 0" in worker.said()
