"""What a worker restores before it begins, and what does not wait for that."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from aiokafka import AIOKafkaProducer

from tests.engine.harness import Pipeline, until

RECORDS = 400_000


async def append_state(pipeline: Pipeline, partition: int, records: int) -> None:
    """Fills a partition's changelog as many steps would have."""
    producer = AIOKafkaProducer(bootstrap_servers=pipeline.settings.bootstrap, max_batch_size=900_000)
    topic = pipeline.settings.prefix + "wameter-toy-state"
    await producer.start()
    batch = producer.create_batch()
    for number in range(records):
        key, value = b"count|%09d" % number, b"1" * (number % 100 + 1)
        if batch.append(timestamp=None, key=key, value=value) is None:
            await (await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value)
    await (await producer.send_batch(batch, topic, partition=partition))
    await producer.stop()


@pytest.mark.kafka
async def test_a_partition_begins_as_soon_as_it_is_restored_whatever_the_others_have_to_read(kafka_pipeline: Pipeline) -> None:
    pipeline = kafka_pipeline
    await append_state(pipeline, 0, RECORDS)
    await pipeline.publish("toy.in", [(0, b"000000007", b"x"), (1, b"k", b"x")])
    worker = await pipeline.worker()

    async def both_are_done() -> bool:
        return len(await pipeline.read("toy.out")) == 2

    await until(both_are_done, "both partitions have handled their record")
    opened = {
        said["partition"]: datetime.fromisoformat(said["timestamp"]).timestamp() * 1000
        for said in map(json.loads, worker.said().splitlines())
        if said["event"] == "partition open"
    }
    put_out = {record.key: record for record in await pipeline.read("toy.out")}
    assert put_out[b"k"].timestamp < opened[0], "the small one waited for the large one"
    assert put_out[b"000000007"].value == b"11111112 none"


async def test_a_partition_waits_until_no_transaction_in_its_changelog_is_open(pipeline: Pipeline) -> None:
    state = pipeline.settings.prefix + "wameter-toy-state"
    await pipeline.publish("toy.in", [(0, b"000000007", b"x")])
    last_owner = AIOKafkaProducer(bootstrap_servers=pipeline.settings.bootstrap, transactional_id=pipeline.settings.prefix + "last-owner")
    await last_owner.start()
    await last_owner.begin_transaction()
    await last_owner.send_and_wait(state, b"41", b"count|000000007", partition=0)
    worker = await pipeline.worker()

    async def waits() -> bool:
        return "a transaction in the changelog is still open" in worker.said()

    await until(waits, "the worker has seen it")
    assert await pipeline.read("toy.out") == []
    await last_owner.commit_transaction()
    await last_owner.stop()

    async def is_done() -> bool:
        return len(await pipeline.read("toy.out")) == 1

    await until(is_done, "the worker goes on")
    assert (await pipeline.read("toy.out"))[0].value == b"42 none"


@pytest.mark.kafka
async def test_a_restore_that_takes_longer_than_allowed_ends_the_worker_with_a_sentence(kafka_pipeline: Pipeline) -> None:
    pipeline = kafka_pipeline
    for _ in range(3):
        await append_state(pipeline, 0, RECORDS)
    worker = await pipeline.worker(restore_timeout_ms=1000)
    assert await worker.ended() != 0
    assert "partition was not open within 1 s (restore_timeout_ms)" in worker.said()
