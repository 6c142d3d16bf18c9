"""One account of a running system: its log, an invoice it was issued, the one it would be issued next."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import orjson

from rating.billing.book import Book
from rating.billing.calendar import date_of, end_of_day_ms
from rating.billing.closing import boundaries_to_close
from rating.billing.export import commands_of, totals_of
from rating.billing.machine import execute
from rating.billing.plans import Plans
from schemas.billing_commands import Command
from streams.billing.state import state_of
from streams.errors import UserError
from streams.kafka.partitioner import partition_of
from streams.kafka.reading import committed_records
from streams.topic_reader import TopicReader

INVOICES = "billing.invoices"
_SOON = timedelta(days=400)


async def log_of(reader: TopicReader, plans: Plans, account_id: str) -> tuple[list[bytes], list[bytes]]:
    """The account's commands and totals: `wameter bill` on them gives its invoices, byte for byte. Raises `UserError`."""
    state = await state_of(reader, plans, account_id)
    return list(commands_of(state, account_id)), list(totals_of(state, account_id))


async def issued(reader: TopicReader, number: str) -> dict[str, Any]:
    """An issued invoice by its number. Raises `UserError` where there is none."""
    account_id, _, running = number.rpartition("-")
    if not account_id or not running.isdigit():
        raise UserError(f"{number} is no invoice number; it is the account's id, a dash and six digits: acme-000001")
    partitions = reader.partitions_of(INVOICES)
    own = partitions[partition_of(account_id.encode(), len(partitions))]
    async for _, records, _ in committed_records(reader.consumer, {own: 0}):
        for record in records:
            if record.key == account_id.encode():
                invoice: dict[str, Any] = orjson.loads(record.value)
                if invoice["number"] == number:
                    return invoice
    raise UserError(f"there is no invoice {number}; check the number, and --prefix")


async def preview(reader: TopicReader, plans: Plans, account_id: str, as_of: date | None, now_ms: int) -> list[dict[str, Any]]:
    """The invoices that a close up to a day would issue, with what is known now; without a day, up to the next boundary.

    Nothing is issued, and their numbers are those they would have if nothing came between. Raises `UserError`.
    """
    state = await state_of(reader, plans, account_id)
    account = Book(state, account_id).account()
    if not account.contracts:
        raise UserError(f"account {account_id} has no subscription; check the id")
    zone = account.contracts[-1].timezone
    today = date_of(now_ms, zone)
    if as_of is None:
        as_of = min(day for day in boundaries_to_close(plans, account, today + _SOON) if day > today) + timedelta(days=plans.grace_days)
    command = Command(
        id=f"preview:{as_of}",
        account_id=account_id,
        time_ms=max(end_of_day_ms(as_of, zone), account.last_time_ms + 1),
        type="cycle.close",
        user_id="wameter",
        role="system",
        as_of=as_of.isoformat(),
        knows_all=True,
    )
    answer = execute(state, plans, command)
    return [] if answer is None else answer.invoices
