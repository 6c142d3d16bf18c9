"""What a worker looks at before it joins, and what it says of it: everything at once, with the mend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams import selfcheck, topics
from streams.guards.clock import skew_ms
from streams.guards.fatal import Exit
from streams.kafka.partitioner import partition_of
from streams.settings import Settings
from tests.conftest import started_kafka
from tests.engine.harness import Pipeline, until
from tests.engine.toy import TOPICS

KEYS = [b"k%d" % number for number in range(60)]


@pytest.fixture(scope="module")
def narrow_kafka() -> Iterator[str]:
    """An Apache Kafka that allows less than others."""
    for broker in started_kafka({"transaction.max.timeout.ms": "9000", "group.max.session.timeout.ms": "6500"}):
        yield broker.bootstrap


@pytest.mark.kafka
async def test_everything_that_is_wrong_with_brokers_and_topics_is_told_at_once(narrow_kafka: str, tmp_path: Path) -> None:
    pipeline = Pipeline(narrow_kafka, tmp_path)
    await topics.create(pipeline.settings, TOPICS[1:])
    state = f"{pipeline.settings.prefix}wameter-toy-state"
    admin = AIOKafkaAdminClient(bootstrap_servers=narrow_kafka)
    await admin.start()
    try:
        wrong = {**TOPICS[-1].config(1), "delete.retention.ms": "60000", "segment.ms": "20000", "message.timestamp.type": "CreateTime"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, state, wrong)])

        async def is_known() -> bool:
            (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, state)])
            return "CreateTime" in str(answer.resources)

        await until(is_known, "the broker knows the settings")
    finally:
        await admin.close()
    worker = await pipeline.worker(session_timeout_ms=7000)
    assert await worker.ended() == 2, worker.said()
    said = worker.said()
    assert f"topic {pipeline.settings.prefix}toy.in does not exist; make it with `wameter topics create`" in said
    assert f"topic {state}: delete.retention.ms is 60000, but must be at least 86400000; set it with Kafka's tools" in said
    assert f"topic {state}: message.timestamp.type is CreateTime, but must be LogAppendTime" in said
    assert "segment.ms" not in said, "shorter than it must be is fine"
    assert "broker 1: transaction.max.timeout.ms is 9000, but the setting transaction_timeout_ms says 10000" in said
    assert "broker 1: a session may last from 1000 to 6500 ms" in said
    assert "Traceback" not in said


def test_a_cluster_that_could_lose_its_transactions_with_one_broker_is_told() -> None:
    settings = Settings(replication=3)
    config = {"transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1"}
    first, second = selfcheck._broker_problems(settings, 7, config, has_log=False)
    assert first.startswith("broker 7: transaction.state.log.replication.factor is 1, but the setting replication says 3")
    assert second.startswith("broker 7: transaction.state.log.min.isr is 1 of 1 replicas")
    good = {"transaction.state.log.replication.factor": "3", "transaction.state.log.min.isr": "2"}
    assert list(selfcheck._broker_problems(settings, 7, good, has_log=False)) == []
    assert list(selfcheck._broker_problems(settings, 7, {}, has_log=False)) == [], "what a broker does not tell is no problem"


def test_brokers_without_transactions_and_old_ones_are_told() -> None:
    (sentence,) = selfcheck._version_problems([0, 1, 22])
    assert sentence.startswith("the brokers know no transactions (no AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit)")
    (sentence,) = selfcheck._version_problems([22, 24, 25, 26, 28])
    assert sentence == "the brokers are older than Kafka 3.0; update them"
    assert selfcheck._version_problems([22, 24, 25, 26, 28, 65]) == []


async def test_a_publisher_with_another_partitioner_is_told_before_anything_is_rated(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.in", [(number % 2, key, b"x") for number, key in enumerate(KEYS)])
    worker = await pipeline.worker(drain=True, input_partitioner="murmur2")
    assert await worker.ended() == 2, worker.said()
    assert "keys of toy.in lie in other partitions than murmur2 gives them" in worker.said()
    assert "correct the publisher, or set input_partitioner to any" in worker.said()
    assert await pipeline.read("toy.out") == []
    worker = await pipeline.worker(drain=True, input_partitioner="any")
    assert await worker.ended() == 0, worker.said()


async def test_keys_where_java_clients_put_them_raise_no_doubt(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.in", [(partition_of(key, 2), key, b"x") for key in KEYS])
    worker = await pipeline.worker(drain=True, input_partitioner="murmur2")
    assert await worker.ended() == 0, worker.said()
    assert "murmur2" not in worker.said()


async def test_a_worker_whose_clock_is_behind_the_newest_record_does_not_start(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.in", [(0, b"k", b"x")])
    worker = await pipeline.worker(drain=True, clock_shift_s=-600)
    assert await worker.ended() == 2, worker.said()
    assert "s behind the brokers', and clock_skew_max_ms allows 60 s: synchronise the time of all machines" in worker.said()


async def test_a_worker_whose_clock_is_ahead_ends_with_its_first_commit(pipeline: Pipeline) -> None:
    await pipeline.publish("toy.in", [(0, b"k", b"x")])
    worker = await pipeline.worker(drain=True, clock_shift_s=600)
    assert await worker.ended() == Exit.REFUSED, worker.said()
    assert "s ahead of the brokers', and clock_skew_max_ms allows 60 s" in worker.said()


async def test_a_smaller_difference_of_clocks_is_said_once(embedded_pipeline: Pipeline) -> None:
    pipeline = embedded_pipeline
    await pipeline.publish("toy.in", [(0, b"k", b"x")] * 100)
    worker = await pipeline.worker(drain=True, clock_shift_s=20, batch_max_records=10)
    assert await worker.ended() == 0, worker.said()
    assert worker.said().count("the clocks of this machine and of the brokers differ") == 1


@pytest.mark.parametrize(
    ("sent", "stamped", "acknowledged", "skew"),
    [
        pytest.param(10, 15, 20, 0, id="stamped in between: no difference can be told"),
        pytest.param(10, 25, 20, 5, id="stamped after it was acknowledged: the broker is ahead"),
        pytest.param(10, 3, 20, -7, id="stamped before it was sent: the broker is behind"),
        pytest.param(10, -1, 20, None, id="not stamped by the broker"),
    ],
)
def test_the_difference_of_two_clocks_is_told_from_one_write(sent: int, stamped: int, acknowledged: int, skew: int | None) -> None:
    assert skew_ms(sent, stamped, acknowledged) == skew
