"""Totals: what an account used and owes, per phone number, day, country, market, category and outcome.

Source: contract §5.
"""

from __future__ import annotations

from typing import Final

from pydantic import ConfigDict, Field

from schemas.fields import Country, Currency, Id, Instant, LocalDate, Published, PublishedVersion, SignedMoney, Version, Wire
from schemas.rated import Category, Outcome
from schemas.reading import read_record
from schemas.rejections import Rejection

TOTAL_KEY: Final = ("account_id", "phone_number_id", "date", "country", "market", "category", "outcome", "currency")
"""The fields that name a total, in the order of its record key: a JSON array of their values."""


class TotalsRecord(Published):
    """One total, as an absolute value: the latest record of a key is the truth, zero included. Σ rated lines = totals at every commit."""

    model_config = ConfigDict(title="Totals record")

    v: PublishedVersion
    account_id: Id
    phone_number_id: Id
    date: LocalDate = Field(description="In the account's zone.")
    country: Country | None
    market: str = Field(examples=["France"])
    category: Category
    outcome: Outcome
    currency: Currency
    messages: int = Field(description="Deliveries that are charged, or free, at this date.", examples=[12])
    cost: SignedMoney = Field(description="Sum of Meta's rates.", examples=["0.3600"])
    amount: SignedMoney = Field(description="Sum of what the account pays.", examples=["0.3600"])
    time: Instant | None = Field(None, description="From when the figures are known; absent: from the beginning. Read by billing.")


class ReadTotal(Wire):
    """A total as billing reads it, from a file or a topic: what it needs, and a category that it need not know."""

    v: Version = 1
    account_id: Id
    phone_number_id: Id
    date: LocalDate
    country: Country | None = None
    market: Id
    category: Id
    outcome: Outcome
    currency: Currency
    messages: int
    amount: SignedMoney
    time: Instant | None = None

    @property
    def key(self) -> tuple[str | None, ...]:
        """The eight fields that name it."""
        return tuple(getattr(self, field) for field in TOTAL_KEY)


def decode_total(raw: bytes) -> ReadTotal | Rejection:
    """The total of one record without its line end, or every problem it has. Nothing that anyone sends raises."""
    return read_record(raw, ReadTotal, "total")
