"""Publishing the closes that are due: one command per account and boundary, once metering has passed the boundary.

A close that is published twice has the same id, and INVOICE executes it once. Before any is published, METER must have read every event
that was appended before the boundary, and USAGE every total that METER had made of them: the close then counts them.

Source: billing.md §1.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from rating.billing.calendar import date_of, end_of_day_ms
from rating.billing.closing import boundaries_to_close
from rating.billing.plans import Plans
from rating.billing.records import Account
from schemas.instants import format_instant
from streams.billing.state import all_accounts
from streams.kafka import clients
from streams.kafka.partitioner import partition_of
from streams.kafka.reading import committed_records
from streams.settings import Settings
from streams.topic_reader import TopicReader

COMMANDS: Final = "billing.commands"
MESSAGES: Final = "whatsapp.messages"
TOTALS: Final = "usage.totals"
POLL_S: Final = 1.0
ALARM_EVERY_S: Final = 60.0
COUNTED_MAX: Final = 10_000

Say = Callable[[str], None]


class Close(NamedTuple):
    """One boundary of one account."""

    account_id: str
    boundary: date
    time_ms: int
    """Now, or just after the account's last command where that is dated ahead."""
    as_of: date
    begins_at_ms: int
    """The boundary's first instant, in the subscription's zone."""

    @property
    def command_id(self) -> str:
        """The same for the same boundary, however often it is published."""
        return f"close:{self.account_id}:{self.boundary}"


async def close(reader: TopicReader, settings: Settings, plans: Plans, as_of: date, grace_days: int, say: Say) -> list[Close]:
    """Publishes every close that is due on a day; returns them. Raises `UserError`, `UnreachableError`."""
    due = await _due(reader, plans, as_of, grace_days)
    if due:
        await _until_metered(reader, max(each.begins_at_ms for each in due), say)
        due = await _due(reader, plans, as_of, grace_days)
        await _publish(settings, due)
    return due


async def _due(reader: TopicReader, plans: Plans, as_of: date, grace_days: int) -> list[Close]:
    accounts = await all_accounts(reader, plans)
    now_ms = int(time.time() * 1000)
    return [each for account in accounts for each in due_closes(plans, account, as_of, grace_days, now_ms)]


def due_closes(plans: Plans, account: Account, as_of: date, grace_days: int, now_ms: int) -> list[Close]:
    """The boundaries of an account that are due on a day, `grace_days` (or those of the plans file, if more) after each.

    None for which it is too early in the subscription's zone: such a close would be refused, and its id used up.
    """
    grace = timedelta(days=max(grace_days, plans.grace_days))
    zone = account.contracts[-1].timezone
    time_ms = max(now_ms, account.last_time_ms + 1)
    closes = []
    for boundary in boundaries_to_close(plans, account, as_of - grace):
        due_on = boundary + timedelta(days=plans.grace_days)
        if due_on <= date_of(now_ms, zone):
            begins_at_ms = end_of_day_ms(boundary - timedelta(days=1), zone) + 1
            closes.append(Close(account.account_id, boundary, time_ms, due_on, begins_at_ms))
    return closes


async def _until_metered(reader: TopicReader, boundary_ms: int, say: Say) -> None:
    """Returns when METER has read what was appended before an instant, and USAGE what METER had published then."""
    began_s = alarmed_s = time.monotonic()
    while True:
        if unread := await _unread(reader, MESSAGES, boundary_ms):
            what = f"METER has {_named(unread)} of {MESSAGES} from before {format_instant(boundary_ms)} to read"
        elif unread := await _unread(reader, TOTALS):
            what = f"USAGE has {_named(unread)} of {TOTALS} to read"
        else:
            return
        waited_s = time.monotonic() - began_s
        if waited_s < POLL_S:
            say(f"waiting: {what}")
        elif time.monotonic() - alarmed_s >= ALARM_EVERY_S:
            alarmed_s = time.monotonic()
            say(f"ALARM: {what}, after {waited_s:.0f} s; do the workers run? No close is published before")
        await asyncio.sleep(POLL_S)


async def _unread(reader: TopicReader, topic: str, before_ms: int | None = None) -> int:
    """How many records of a topic, appended before an instant, the group has not read; no more than about `COUNTED_MAX` are counted.

    They are looked at: behind the last one a log holds the marks of its writers' transactions, and those nobody reads.
    """
    partitions = {place.partition: place for place in reader.partitions_of(topic)}
    starts = {partitions[lag.partition]: lag.end - lag.records for lag in await reader.lags(topic) if lag.records > 0}
    unread = 0
    async for _, records, _ in committed_records(reader.consumer, starts):
        unread += sum(before_ms is None or record.timestamp < before_ms for record in records)
        if unread >= COUNTED_MAX:
            break
    return unread


def _named(unread: int) -> str:
    return f"{'more than ' if unread >= COUNTED_MAX else ''}{unread:,} record{'' if unread == 1 else 's'}"


async def _publish(settings: Settings, due: Sequence[Close]) -> None:
    producer = AIOKafkaProducer(**clients.connection(settings), acks="all", enable_idempotence=True, linger_ms=5)
    await producer.start()
    try:
        topic = settings.prefix + COMMANDS
        sent = []
        for each in due:
            key = each.account_id.encode()
            sent.append(await producer.send(topic, _command(each), key, partition_of(key, settings.partitions)))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def _command(each: Close) -> bytes:
    return orjson.dumps(
        {
            "v": 1,
            "id": each.command_id,
            "account_id": each.account_id,
            "time": format_instant(each.time_ms),
            "type": "cycle.close",
            "actor": {"user_id": "wameter", "role": "system"},
            "as_of": each.as_of.isoformat(),
        }
    )
