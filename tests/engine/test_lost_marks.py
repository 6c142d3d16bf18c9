"""A broker that dies may lose the mark of a transaction's end that its coordinator takes for written. The next owner writes it again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.kafka.last_transaction import Ended, is_committed
from tests.brokers.apache_kafka import ApacheKafka
from tests.engine.harness import Pipeline, until

STATE = TopicPartition("wameter-toy-state", 0)


@pytest.fixture(scope="module")
def unverifying_kafka() -> Iterator[ApacheKafka]:
    """One that takes records of a transaction of which its coordinator knows nothing."""
    broker = ApacheKafka({"transaction.partition.verification.enable": "false"}).start()
    yield broker
    broker.remove()


@pytest.fixture
async def pipeline(unverifying_kafka: ApacheKafka, tmp_path: Path) -> AsyncIterator[Pipeline]:
    found = Pipeline(unverifying_kafka.bootstrap, tmp_path)
    await found.create_topics()
    await found.publish("toy.in", [(0, b"000000007", b"x")])
    yield found
    await found.close()


async def owner(pipeline: Pipeline) -> AIOKafkaProducer:
    """The producer of partition 0's owner."""
    settings = pipeline.settings
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, transactional_id=f"{settings.prefix}{settings.app_id}-toy-0", transaction_timeout_ms=10_000
    )
    await producer.start()
    return producer


async def ends_without_a_mark(pipeline: Pipeline, *, commit: bool) -> None:
    """A step of an owner whose end reaches the output, and not the changelog."""
    prefix = pipeline.settings.prefix
    producer = await owner(pipeline)
    await producer.begin_transaction()
    producer._txn_manager._txn_partitions.add(TopicPartition(prefix + STATE.topic, STATE.partition))  # so the coordinator is not told
    await producer.send_and_wait(prefix + STATE.topic, b"41", b"count|000000007", STATE.partition)
    await producer.send_and_wait(prefix + "toy.out", b"41 none", b"000000007", 0)
    await (producer.commit_transaction() if commit else producer.abort_transaction())
    await producer.stop()


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("commit", "put_out"),
    [
        pytest.param(True, [b"41 none", b"42 none"], id="it was committed: so it is in the changelog"),
        pytest.param(False, [b"1 none"], id="it was aborted: so it is in the changelog"),
    ],
)
async def test_a_mark_that_was_lost_is_written_again(pipeline: Pipeline, commit: bool, put_out: list[bytes]) -> None:
    await ends_without_a_mark(pipeline, commit=commit)
    worker = await pipeline.worker()

    async def has_handled_it() -> bool:
        return [record.value for record in await pipeline.read("toy.out")] == put_out

    await until(has_handled_it, "the worker goes on from what was committed")
    assert "the brokers had lost its end, which is written again" in worker.said()


@pytest.mark.kafka
async def test_where_nobody_can_tell_how_it_ended_the_worker_ends_with_a_sentence(pipeline: Pipeline) -> None:
    await ends_without_a_mark(pipeline, commit=True)
    await (await owner(pipeline)).stop()  # its fence has overwritten what the coordinator knew
    worker = await pipeline.worker(restore_timeout_ms=5000)
    assert await worker.ended() != 0
    assert "partition was not open within 5 s (restore_timeout_ms)" in worker.said()
    assert [record.value for record in await pipeline.read("toy.out")] == [b"41 none"]


@pytest.mark.parametrize(
    ("last", "producer_id", "epoch", "committed"),
    [
        pytest.param(None, 1, 1, None, id="no transaction before"),
        pytest.param(Ended("Empty", 1, 0), 1, 1, None, id="fenced and nothing done since"),
        pytest.param(Ended("CompleteCommit", 1, 0), 1, 1, True, id="committed"),
        pytest.param(Ended("PrepareCommit", 1, 0), 1, 1, True, id="being committed"),
        pytest.param(Ended("CompleteAbort", 1, 1), 1, 2, False, id="aborted"),
        pytest.param(Ended("Ongoing", 1, 0), 1, 2, False, id="open until the fence aborted it"),
        pytest.param(Ended("Ongoing", 1, 0), 1, 1, None, id="open, and committed by another before the fence"),
        pytest.param(Ended("CompleteCommit", 1, 0), 1, 2, None, id="committed, and another one aborted by the fence"),
        pytest.param(Ended("CompleteCommit", 1, 32766), 2, 0, None, id="another producer since"),
    ],
)
def test_how_it_ended_is_known_only_if_nothing_came_between(
    last: Ended | None, producer_id: int, epoch: int, committed: bool | None
) -> None:
    assert is_committed(last, producer_id, epoch) is committed
