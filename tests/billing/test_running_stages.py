"""The billing stages on real brokers: exactly once through kills, and every command after the totals that were there before it."""

from __future__ import annotations

import asyncio
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from rating.billing.offline import bill
from schemas.totals import TOTAL_KEY
from streams.kafka.partitioner import partition_of
from tests.billing.desk import PLANS, Desk
from tests.billing.running import Billing
from tests.engine.harness import until

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def billing(broker: str, tmp_path: Path) -> AsyncIterator[Billing]:
    fresh = Billing(broker, tmp_path)
    await fresh.create_topics()
    yield fresh
    await fresh.close()


def instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def desks(count: int) -> list[Desk]:
    """Accounts whose subscription began forty days ago, one cycle ended, and used something in it."""
    found = []
    for number in range(count):
        desk = Desk(f"a{number}")
        desk.start(instant(NOW - 40 * DAY), users=1 + number % 3, minimum=(1, 1))
        desk.buy(instant(NOW - 39 * DAY), "whatsapp", 1 + number % 2)
        for amount in ("0.0859", f"{number}.5000"):
            desk.total((NOW - 20 * DAY).date().isoformat(), amount, number, country="FR" if amount == "0.0859" else "DE")
        found.append(desk)
    return found


def commands(given: list[Desk]) -> list[tuple[str, bytes]]:
    return [(desk.account, raw) for desk in given for raw in desk.commands]


def totals(given: list[Desk]) -> list[tuple[str, bytes]]:
    return [(desk.account, raw) for desk in given for raw in desk.totals]


async def assert_billed(billing: Billing, given: list[Desk]) -> None:
    """Every account has the events and invoices of the offline command, each once, in order, byte for byte."""
    raw_commands, raw_totals = [raw for _, raw in commands(given)], [raw for _, raw in totals(given)]
    events, invoices, rejected = bill(raw_commands, PLANS, raw_totals, None)
    assert rejected == []
    for topic, expected in (("billing.events", events), ("billing.invoices", invoices)):
        found: dict[bytes, list[bytes]] = defaultdict(list)
        for record in await billing.read(topic):
            found[record.key].append(record.value)
        wanted: dict[bytes, list[bytes]] = defaultdict(list)
        for each in expected:
            wanted[each["account_id"].encode()].append(orjson.dumps(each))
        assert found == wanted


async def count(billing: Billing, topic: str) -> int:
    return len(await billing.read(topic))


async def test_a_close_counts_every_total_that_was_there_before_it(billing: Billing) -> None:
    given = desks(5)
    await billing.publish("billing.commands", commands(given))
    await billing.drain("invoice")
    await billing.publish("usage.totals", totals(given))
    await billing.drain("usage")
    for desk in given:
        desk.close(instant(datetime.now(UTC)))
    await billing.publish("billing.commands", [(desk.account, desk.commands[-1]) for desk in given])
    await billing.drain("invoice")
    await assert_billed(billing, given)
    assert await count(billing, "billing.invoices") == 15


async def test_a_command_waits_for_totals_of_a_transaction_that_was_open_when_it_came(billing: Billing) -> None:
    """They have an append time before the command's, and nobody can read them yet."""
    given = desks(20)
    held = next(desk for desk in given if _place(desk) == 0)
    free = next(desk for desk in given if _place(desk) == 1)
    await billing.publish("billing.commands", commands([held, free]))
    await billing.drain("invoice")
    producer = AIOKafkaProducer(bootstrap_servers=billing.settings.bootstrap, transactional_id=f"{billing.settings.prefix}open")
    await producer.start()
    async with producer.transaction():
        for raw in held.totals:
            total = orjson.loads(raw)
            key = orjson.dumps([held.account, *(total[field] for field in TOTAL_KEY)])
            await producer.send_and_wait(f"{billing.settings.prefix}billing.usage", raw, key, 0)
        for desk in (held, free):
            desk.close(instant(datetime.now(UTC)))
        await billing.publish("billing.commands", [(held.account, held.commands[-1])])
        worker = await billing.worker("invoice")
        await billing.publish("billing.commands", [(free.account, free.commands[-1])])

        async def the_other_is_closed() -> bool:
            return await count(billing, "billing.events") == 5

        await until(the_other_is_closed, "the account without an open transaction is closed")
    await producer.stop()
    free.totals = []

    async def both_are_closed() -> bool:
        return await count(billing, "billing.events") == 6

    await until(both_are_closed, "the account whose totals were awaited is closed")
    worker.kill()
    await assert_billed(billing, [held, free])


def _place(desk: Desk) -> int:
    return partition_of(desk.account.encode(), 2)


@pytest.mark.kafka
@pytest.mark.slow
async def test_either_stage_may_be_killed_at_any_moment_while_a_thousand_accounts_close(kafka: str, tmp_path: Path) -> None:
    billing = Billing(kafka, tmp_path, batch_max_records=40, pacing_ms=5)
    await billing.create_topics()
    given = desks(1000)
    await billing.publish("usage.totals", totals(given))
    await billing.publish("billing.commands", commands(given))
    await _run_with_kills(billing, "billing.usage", 2000, kills=2)
    for desk in given:
        desk.close(instant(datetime.now(UTC)))
    await billing.publish("billing.commands", [(desk.account, desk.commands[-1]) for desk in given])
    await _run_with_kills(billing, "billing.invoices", 3000, kills=2)
    await billing.drain("usage", "invoice")
    await assert_billed(billing, given)
    await billing.close()


async def _run_with_kills(billing: Billing, topic: str, wanted: int, *, kills: int) -> None:
    """Runs both stages until a topic has so many records; on the way kills both with SIGKILL, and starts them again."""
    workers = [await billing.worker("usage"), await billing.worker("invoice")]
    begun = await count(billing, topic)
    for kill in range(1, kills + 1):
        threshold = begun + (wanted - begun) * kill // (kills + 1)

        async def has_come_so_far(threshold: int = threshold) -> bool:
            return await count(billing, topic) >= threshold

        await until(has_come_so_far, f"{threshold} records on {topic}")
        for worker in workers:
            worker.kill()
        assert await asyncio.gather(*(worker.ended() for worker in workers)) == [-signal.SIGKILL] * 2
        workers = [await billing.worker("usage"), await billing.worker("invoice")]

    async def is_done() -> bool:
        return await count(billing, topic) >= wanted

    await until(is_done, f"{wanted} records on {topic}")
    for worker in workers:
        worker.kill()
        await worker.ended()
