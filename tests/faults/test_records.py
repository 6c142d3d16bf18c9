"""Records of unusual sizes, and one account's past beside another's present in the same partition."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from streams import topic_reader
from streams.demo import MESSAGES
from streams.guards.faults import OPEN_TRANSACTION
from streams.results import REJECTED
from tests.faults.checks import check
from tests.faults.pipeline import Pipeline, started
from tests.faults.traffic import Sent, Traffic

MIB = 1024 * 1024
LONG = (900_001, MIB)
TOO_LONG = (MIB + 1, 3 * MIB)


@pytest.fixture
async def pipeline(broker: str, tmp_path: Path) -> AsyncIterator[Pipeline]:
    """One partition, on each broker in turn."""
    pipeline = Pipeline(broker, tmp_path, Traffic(21, 300), partitions=1, batch_max_records=15)
    await pipeline.create_topics()
    yield pipeline
    await pipeline.close()


async def test_records_of_every_size_that_a_publisher_can_send_are_rated_or_rejected_and_hold_nothing_up(pipeline: Pipeline) -> None:
    """3 MiB are more than a topic takes in one batch: it comes in compressed, or not at all."""
    ordinary = pipeline.traffic.records
    padded = [*of_sizes(ordinary, LONG + TOO_LONG)]
    await pipeline.publish(ordinary[:100])
    for compression in (None, "gzip"):
        await publish_singly(pipeline, padded, compression)
    await pipeline.publish(ordinary[100:])
    await check(pipeline, await pipeline.drain())

    async with topic_reader.connect(pipeline.settings) as reader:
        rejected = [dict(record.headers) async for record in reader.records(REJECTED)]
    lengths = sorted(int(headers["bytes"]) for headers in rejected if "bytes" in headers)
    assert lengths == [MIB + 1, MIB + 1, 3 * MIB], "once as it is, once compressed"


async def test_a_backfill_beside_live_traffic_in_one_partition_changes_nothing_for_either_though_workers_die(pipeline: Pipeline) -> None:
    records = Traffic(5, 1500).records
    backfill, live = of_phone_number(records, b"106540352242922"), moved_to_now(of_phone_number(records, b"109871120034003"))
    await pipeline.publish(backfill[: len(backfill) // 4])
    streams = asyncio.gather(pipeline.publish(backfill[len(backfill) // 4 :], per_second=2000), pipeline.publish(live, per_second=400))
    for nth, point in enumerate(OPEN_TRANSACTION, 2):
        worker = await pipeline.worker(fault=f"{point}:{nth}")
        await worker.ended()
    await streams
    checked = await check(pipeline, await pipeline.drain())
    assert checked.aborted > 0


def of_sizes(records: Iterable[Sent], sizes: Iterable[int]) -> Iterator[Sent]:
    """Legal events of so many bytes, by a field that nobody knows."""
    delivered = [record for record in records if b'"message.delivered"' in (record.value or b"")]
    for record, size in zip(delivered, sizes, strict=False):
        event = json.loads(record.value or b"")
        event.update(id=f"long-{size}", message_id=f"wamid.LONG{size}", category="marketing", padding="")
        short = json.dumps(event, separators=(",", ":")).encode()
        yield Sent(record.key, short.replace(b'"padding":""', b'"padding":"%s"' % (b"x" * (size - len(short)))))


async def publish_singly(pipeline: Pipeline, records: Iterable[Sent], compression: str | None) -> None:
    """Each in a batch of its own; those that the broker refuses are not sent."""
    producer = AIOKafkaProducer(
        bootstrap_servers=pipeline.settings.bootstrap, compression_type=compression, max_request_size=4 * MIB, max_batch_size=4 * MIB
    )
    async with started(producer):
        for record in records:
            try:
                await producer.send_and_wait(pipeline.settings.prefix + MESSAGES, record.value, record.key)
            except MessageSizeTooLargeError:
                assert compression is None
                assert len(record.value or b"") == 3 * MIB
            else:
                pipeline.sent.append(record)


def of_phone_number(records: Iterable[Sent], key: bytes) -> list[Sent]:
    """What was sent with one record key."""
    return [record for record in records if record.key == key]


def moved_to_now(records: Iterable[Sent]) -> list[Sent]:
    """The same events, later by whole days, so that the last of them happens today."""
    pattern = re.compile(rb'"time":"(\d{4}-\d\d-\d\d)(T[^"]*Z)"')
    days = [match[1] for record in records if (match := pattern.search(record.value or b"")) and not match[1].startswith(b"2099")]
    ahead = timedelta(days=(datetime.now(UTC).date() - datetime.fromisoformat(max(days).decode()).date()).days)

    def moved(match: re.Match[bytes]) -> bytes:
        day = datetime.fromisoformat(match[1].decode()).date()
        return b'"time":"%s%s"' % ((day if day.year == 2099 else day + ahead).isoformat().encode(), match[2])

    return [record._replace(value=record.value and pattern.sub(moved, record.value)) for record in records]
