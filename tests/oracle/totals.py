"""Totals: messages, cost and amount per key (contract §5)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from tests.oracle.decision import Line


class TotalKey(NamedTuple):
    """What one total is about."""

    account_id: str
    phone_number_id: str
    date: str
    country: str | None
    market: str
    category: str
    outcome: str
    currency: str


class Total(NamedTuple):
    """How many messages, at which sums."""

    messages: int
    cost: Decimal
    amount: Decimal


def totals_of(lines: Iterable[Line]) -> dict[TotalKey, Total]:
    """The total of every key that has a line."""
    totals: dict[TotalKey, Total] = {}
    for line in lines:
        key = TotalKey(
            line.account_id, line.key.phone_number_id, line.date, line.country, line.market, line.category, line.outcome, line.currency
        )
        so_far = totals.get(key, Total(0, Decimal(0), Decimal(0)))
        totals[key] = Total(so_far.messages + 1, so_far.cost + line.cost, so_far.amount + line.amount)
    return totals
