"""Which market, which rate, which fee (contract §3 and §8). Money is Decimal and Fraction."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, NamedTuple

import phonenumbers

OTHER = "Other"


class Match(NamedTuple):
    """Where a recipient is."""

    country: str | None
    market: str


class Rate(NamedTuple):
    """One row of a card: the price of a message, in the card's currency."""

    rate: Decimal
    card: str
    tier: str


@dataclass(frozen=True)
class Catalog:
    """Rows of the cards, with the card's name, and of the market table; what became known after `known_at` is not asked."""

    card_rows: list[dict[str, str]]
    market_rows: list[dict[str, str]]
    known_at: str = "9999"

    def rows_in_force(self, currency: str, market: str, category: str, date: str) -> list[dict[str, str]]:
        """Of what was known: the rows with the latest `effective_from` not after the date, and of these those that became known last."""
        wanted = (currency, market, category)
        rows = [
            row
            for row in self.card_rows
            if (row["currency"], row["market"], row["category"]) == wanted
            and row["effective_from"] <= date
            and (row.get("known_from") or "") <= self.known_at
        ]
        order = [(row["effective_from"], row.get("known_from") or "") for row in rows]
        return [row for row, place in zip(rows, order, strict=True) if place == max(order)]

    def price(self, currency: str, market: str, category: str, date: str) -> Rate | None:
        """The first band's rate. A charged service message without a row of its own costs what utility does. None: `no_rate`."""
        rows = self.rows_in_force(currency, market, category, date)
        if not rows and category == "service":
            rows = self.rows_in_force(currency, market, "utility", date)
        for row in rows:
            if row["tier_from"] == "1" and row["rate"] != "":
                return self.rate_of(row)
        return None

    @staticmethod
    def rate_of(row: Mapping[str, str]) -> Rate:
        """The price that a row prints."""
        return Rate(Decimal(row["rate"]), row["card"], f"{row['tier_from']}:{row['tier_to'] or 'MAX'}")

    def match(self, recipient: str, user_country: str | None, date: str) -> Match | None:
        """By the phone's digits; without a phone by country. None: `no_market`."""
        valid = [row for row in self.market_rows if row["valid_from"] <= date and (row["valid_to"] == "" or date <= row["valid_to"])]
        if recipient.startswith("+"):
            return _match_of_phone(recipient, [row for row in valid if recipient[1:].startswith(row["prefix"])])
        country = user_country or ("" if recipient.startswith("group:") else recipient[:2])
        return next((Match(country, row["market"]) for row in valid if row["iso2"] == country), None)


def _match_of_phone(phone: str, rows: list[dict[str, str]]) -> Match:
    if not rows:
        return Match(None, OTHER)
    longest = max(len(row["prefix"]) for row in rows)
    rows = [row for row in rows if len(row["prefix"]) == longest]
    countries = {row["iso2"] for row in rows}
    return Match(countries.pop() if len(countries) == 1 else _region(phone), rows[0]["market"])


@lru_cache(maxsize=10_000)
def _region(phone: str) -> str | None:
    """What the phone-number library says of a shared prefix."""
    try:
        region: str | None = phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None
    return region if region and re.fullmatch("[A-Z]{2}", region) else None


def read_catalog(texts: Mapping[str, str]) -> Catalog:
    """A catalog of `{name: text}`: `markets.csv` and cards, whose id is the file's name without `.csv`."""
    return _read_catalog(tuple(sorted(texts.items())))


@cache
def _read_catalog(texts: tuple[tuple[str, str], ...]) -> Catalog:
    card_rows: list[dict[str, str]] = []
    market_rows: list[dict[str, str]] = []
    for name, text in texts:
        file = name.rsplit("/", 1)[-1]
        rows = [{column: (value or "").strip() for column, value in row.items() if column} for row in csv.DictReader(io.StringIO(text))]
        if file == "markets.csv":
            market_rows.extend(rows)
        elif file.endswith(".csv"):
            card_rows.extend({**row, "card": file.removesuffix(".csv")} for row in rows)
    return Catalog(card_rows, market_rows)


def amount_of(cost: Decimal, fee: dict[str, Any] | None) -> Decimal:
    """What the account pays for one message: the rate and the fee on it, the fee rounded half-up to `decimals`."""
    if fee is None:
        return cost
    decimals = int(fee.get("decimals", 4) if fee.get("decimals") is not None else 4)
    exact = Fraction(cost) * Fraction(str(fee["percent"])) / 100
    units = (exact * 10**decimals + Fraction(1, 2)).__floor__()
    return cost + Decimal(units).scaleb(-decimals)
