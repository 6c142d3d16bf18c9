"""What the pipeline asks of a broker, on each one it runs on. Where they differ, Apache Kafka is right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError, ProducerFenced

from streams import topics
from streams.settings import Settings
from streams.topics import DAY_MS, MAX_OUTPUT_BYTES, Topic


class Client:
    """A topic of its own on a broker, and what tests do with it."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.bootstrap = bootstrap
        self.topic = topic
        self.partition = TopicPartition(topic, 0)

    @asynccontextmanager
    async def producer(self, transactional_id: str | None = None, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=transactional_id, **options)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    @asynccontextmanager
    async def consumer(self, isolation_level: str = "read_committed", group_id: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=group_id,
            isolation_level=isolation_level,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await consumer.start()
        consumer.assign([self.partition])
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def read(self, isolation_level: str = "read_committed") -> list[Any]:
        """Everything up to the end as this isolation level sees it."""
        async with self.consumer(isolation_level) as consumer:
            end = (await consumer.end_offsets([self.partition]))[self.partition]
            records: list[Any] = []
            while await consumer.position(self.partition) < end:
                records += (await consumer.getmany(timeout_ms=200)).get(self.partition, [])
            return records

    async def values(self, isolation_level: str = "read_committed") -> list[bytes | None]:
        return [record.value for record in await self.read(isolation_level)]


@pytest.fixture
async def client(broker: str) -> Client:
    name = f"contract-{uuid4().hex[:8]}"
    await topics.create(Settings(bootstrap=broker, partitions=1), [Topic(name, "delete", DAY_MS)])
    return Client(broker, name)


async def test_records_come_back_with_their_keys_headers_and_tombstones(client: Client) -> None:
    async with client.producer() as producer:
        await producer.send_and_wait(client.topic, b"value", b"key", headers=[("reason", b"why"), ("empty", b"")])
        await producer.send_and_wait(client.topic, None, b"gone")
    whole, tombstone = await client.read()
    assert (whole.key, whole.value, tuple(whole.headers)) == (b"key", b"value", (("reason", b"why"), ("empty", b"")))
    assert (tombstone.key, tombstone.value) == (b"gone", None)


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_records_come_back(client: Client, compression: str) -> None:
    async with client.producer(compression_type=compression) as producer:
        await producer.send_and_wait(client.topic, b"value" * 1000)
    assert await client.values() == [b"value" * 1000]


async def test_a_record_as_long_as_the_topic_allows_passes_and_a_longer_one_is_refused(client: Client) -> None:
    async with client.producer(max_request_size=2 * MAX_OUTPUT_BYTES) as producer:
        await producer.send_and_wait(client.topic, bytes(MAX_OUTPUT_BYTES - 200))
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(client.topic, bytes(MAX_OUTPUT_BYTES + 1))
    assert [len(value or b"") for value in await client.values()] == [MAX_OUTPUT_BYTES - 200]


async def test_what_a_transaction_appended_is_seen_when_it_commits_and_what_another_aborted_never(client: Client) -> None:
    async with client.producer(f"tx-{client.topic}") as producer:
        async with producer.transaction():
            await producer.send_and_wait(client.topic, b"committed")
        await producer.begin_transaction()
        await producer.send_and_wait(client.topic, b"aborted")
        assert await client.values() == [b"committed"]
        assert await client.values("read_uncommitted") == [b"committed", b"aborted"]
        await producer.abort_transaction()
        assert await client.values() == [b"committed"]
        async with producer.transaction():
            await producer.send_and_wait(client.topic, b"committed too")
    assert await client.values() == [b"committed", b"committed too"]


async def test_wherever_a_reader_begins_it_sees_what_was_committed_and_nothing_that_was_aborted(client: Client) -> None:
    async with client.producer(f"tx-{client.topic}") as one, client.producer(f"other-{client.topic}") as other:
        for number in range(3):
            await one.begin_transaction()
            await one.send_and_wait(client.topic, b"aborted %d" % number)
            async with other.transaction():
                await other.send_and_wait(client.topic, b"between %d" % number)
            await one.send_and_wait(client.topic, b"aborted too %d" % number)
            await one.abort_transaction()
            async with one.transaction():
                await one.send_and_wait(client.topic, b"committed %d" % number)
    whole = await client.read()
    assert [record.value for record in whole] == [b"%s %d" % (what, number) for number in range(3) for what in (b"between", b"committed")]
    async with client.consumer() as consumer:
        end = (await consumer.end_offsets([client.partition]))[client.partition]
        for start in range(end):
            consumer.seek(client.partition, start)
            found: list[Any] = []
            while await consumer.position(client.partition) < end:
                found += (await consumer.getmany(timeout_ms=100)).get(client.partition, [])
            assert [record.offset for record in found] == [record.offset for record in whole if record.offset >= start]


async def test_a_reader_of_committed_records_reaches_the_end_of_a_log_that_ends_in_a_transaction_marker(client: Client) -> None:
    async with client.producer(f"tx-{client.topic}") as producer, producer.transaction():
        await producer.send_and_wait(client.topic, b"last")
    async with client.consumer() as consumer:
        end = 0
        async with asyncio.timeout(10):
            while end < 2 or await consumer.position(client.partition) < end:  # a commit is answered before its mark lies in the log
                await consumer.getmany(timeout_ms=100)
                end = (await consumer.end_offsets([client.partition]))[client.partition]
        assert end == 2


async def test_a_new_owner_of_a_transactional_id_aborts_the_open_transaction_and_fences_the_old_one(client: Client) -> None:
    async with client.producer(f"tx-{client.topic}") as old:
        await old.begin_transaction()
        await old.send_and_wait(client.topic, b"from the zombie")
        async with client.producer(f"tx-{client.topic}") as new, new.transaction():
            await new.send_and_wait(client.topic, b"from the new owner")
        with pytest.raises(ProducerFenced):
            await old.commit_transaction()
    assert await client.values() == [b"from the new owner"]


async def test_offsets_are_committed_with_the_transaction_or_not_at_all(client: Client) -> None:
    group = f"group-{client.topic}"

    async def committed() -> int | None:
        async with client.consumer(group_id=group) as consumer:
            offset: int | None = await consumer.committed(client.partition)
            return offset

    async with client.producer(f"tx-{client.topic}") as producer:
        await producer.begin_transaction()
        await producer.send_offsets_to_transaction({client.partition: 5}, group)
        await producer.abort_transaction()
        assert await committed() is None
        async with producer.transaction():
            await producer.send_offsets_to_transaction({client.partition: 7}, group)
    assert await committed() == 7


async def test_the_broker_stamps_the_records_of_an_input_and_leaves_those_of_others(broker: str) -> None:
    stamped, left = f"contract-{uuid4().hex[:8]}", f"contract-{uuid4().hex[:8]}"
    await topics.create(Settings(bootstrap=broker, partitions=1), [Topic(stamped, "delete", DAY_MS, is_input=True), Topic(left, "compact")])
    for name in (stamped, left):
        client = Client(broker, name)
        async with client.producer() as producer:
            await producer.send_and_wait(name, b"value", b"key", timestamp_ms=1_500_000_000_000)
    assert (await Client(broker, left).read())[0].timestamp == 1_500_000_000_000
    assert (await Client(broker, stamped).read())[0].timestamp > 1_700_000_000_000


async def test_topics_are_as_they_were_made(broker: str) -> None:
    settings = Settings(bootstrap=broker, partitions=3, prefix=f"c{uuid4().hex[:8]}.")
    made = await topics.create(settings)
    assert made == [settings.prefix + topic.name for topic in topics.WORKER]
    assert await topics.check(settings) == []
    assert await topics.create(settings) == []


async def test_a_setting_that_was_changed_is_named_with_what_it_must_be(broker: str) -> None:
    settings = Settings(bootstrap=broker, partitions=1, prefix=f"c{uuid4().hex[:8]}.")
    totals = topics.public_topic("usage.totals")
    name = settings.prefix + totals.name
    await topics.create(settings, [totals])
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        changed = {**totals.config(1), "cleanup.policy": "delete"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=changed)])

        wanted = [f"topic {name}: cleanup.policy is delete, but must be compact; set it with Kafka's tools"]
        async with asyncio.timeout(10):
            while await topics.check(settings, [totals]) != wanted:  # noqa: ASYNC110 - a broker can only be asked again
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
