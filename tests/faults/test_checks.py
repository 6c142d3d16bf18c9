"""The checks themselves: each must find the error that is planted for it in a log that was right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.results import RATED, TOTALS
from tests.faults import raw_log
from tests.faults.checks import at_every_commit, check
from tests.faults.pipeline import STATE, Pipeline, started
from tests.faults.raw_log import Transaction
from tests.faults.traffic import Traffic
from tests.laws.watch import LawBrokenError


@pytest.fixture
async def rated(embedded_broker: str, tmp_path: Path) -> AsyncIterator[Pipeline]:
    """A pipeline that has rated its traffic, and a log to which something may be added."""
    pipeline = Pipeline(embedded_broker, tmp_path, Traffic(3, 200), partitions=1)
    await pipeline.create_topics()
    await pipeline.publish(pipeline.traffic.records)
    await pipeline.drain()
    await check(pipeline)
    yield pipeline
    await pipeline.close()


async def append(pipeline: Pipeline, topic: str, key: bytes, value: bytes | None) -> None:
    """A transaction that no worker made, by a producer of its own."""
    producer = AIOKafkaProducer(bootstrap_servers=pipeline.settings.bootstrap, transactional_id=pipeline.settings.prefix + "forger")
    async with started(producer), producer.transaction():
        await producer.send_and_wait(pipeline.settings.prefix + topic, value, key)


async def test_an_event_that_was_published_and_lost_is_missed(rated: Pipeline) -> None:
    rated.sent.append(next(record for record in rated.sent if b'"message.delivered"' in (record.value or b"")))
    with pytest.raises(LawBrokenError, match="the input's log holds what was published"):
        await check(rated)


async def test_a_state_that_differs_from_what_the_log_gives_is_found(rated: Pipeline) -> None:
    await append(rated, STATE, b"D" + bytes(16) + b"forged", b"")
    with pytest.raises(LawBrokenError, match="the state is what the log gives"):
        await check(rated)


async def test_a_transaction_that_is_left_open_is_found(rated: Pipeline) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=rated.settings.bootstrap, transactional_id=rated.settings.prefix + "forger")
    async with started(producer):
        await producer.begin_transaction()
        await producer.send_and_wait(rated.settings.prefix + STATE, b"", b"")
        with pytest.raises(LawBrokenError, match="no transaction is left open"):
            await check(rated)
        await producer.abort_transaction()


def without_the_second(lines: list[Transaction], totals: list[Transaction]) -> None:
    """A step's lines were lost, its totals were not."""
    lines[1] = lines[1]._replace(records=lines[1].records[1:])


def twice(lines: list[Transaction], totals: list[Transaction]) -> None:
    """A step was done again, lines and totals."""
    lines.insert(2, lines[1])
    totals.insert(2, totals[1])


def apart(lines: list[Transaction], totals: list[Transaction]) -> None:
    """A step's lines were committed, and its totals in another transaction."""
    totals.insert(1, totals[1]._replace(records=()))


def too_early(lines: list[Transaction], totals: list[Transaction]) -> None:
    """Right at the end, wrong in between: two steps' totals came in the wrong order."""
    totals[1], totals[2] = totals[2], totals[1]


def mispriced(lines: list[Transaction], totals: list[Transaction]) -> None:
    """A total that its lines do not add up to."""
    record = totals[0].records[0]
    value = orjson.dumps({**orjson.loads(record.value or b""), "messages": 99})
    totals[0] = totals[0]._replace(records=(record._replace(value=value), *totals[0].records[1:]))


async def test_a_planted_error_is_found_at_its_commit(rated: Pipeline) -> None:
    settings = rated.settings
    places = [TopicPartition(settings.prefix + name, 0) for name in (RATED, TOTALS, STATE)]
    async with raw_log.connect(settings.bootstrap) as consumer:
        log = await raw_log.transactions(consumer, places)
    at_every_commit(settings, log)
    for plant in (without_the_second, twice, apart, too_early, mispriced):
        planted = {place: list(transactions) for place, transactions in log.items()}
        plant(planted[places[0]], planted[places[1]])
        with pytest.raises(LawBrokenError):
            at_every_commit(settings, planted)
