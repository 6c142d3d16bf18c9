"""What changes between two sets of rates: by currency, market, category and band."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from rating.catalog.cards import CardRow, RateKey
from rating.catalog.catalog import Catalog
from rating.catalog.cells import CATEGORIES
from rating.catalog.gaps import can_be_charged
from rating.catalog.markets import named_on

SERVICE: Final = "service"
RAISED: Final = "raised"
LOWERED: Final = "lowered"
NEW: Final = "new"
GONE: Final = "gone"
SAME: Final = "same"

Rates = Mapping[tuple[RateKey, str], CardRow]
"""Rows with a rate, by key and band; at most one date of each key."""


class Change(NamedTuple):
    """One rate of either side."""

    key: RateKey
    tier: str
    old: CardRow | None
    """None where the first side has no rate, or prints none."""
    new: CardRow | None
    """None where the second has none."""

    @property
    def kind(self) -> str:
        """Raised, lowered, new, gone or the same: by value, be it printed with other decimals or not."""
        if self.difference_nanos is None:
            return NEW if self.old is None else GONE
        return SAME if self.difference_nanos == 0 else RAISED if self.difference_nanos > 0 else LOWERED

    @property
    def difference_nanos(self) -> int | None:
        """New less old, in 10^-9 of the currency; None where one of them is missing."""
        old, new = _nanos(self.old), _nanos(self.new)
        return None if old is None or new is None else new - old

    @property
    def percent_hundredths(self) -> int | None:
        """The difference in hundredths of a percent of the old rate, half away from zero; None also where the old rate is 0."""
        old, difference = _nanos(self.old), self.difference_nanos
        if difference is None or not old:
            return None
        size = (abs(difference) * 20_000 + old) // (2 * old)
        return size if difference >= 0 else -size


class Difference(NamedTuple):
    """Everything that two sets of rates say of the currencies that both have."""

    changes: tuple[Change, ...]
    """By currency, market, category and band; those that stay the same too."""
    only_old: tuple[str, ...]
    """Currencies that the second side has no rate in. They are not compared: nobody said that their rates end."""
    only_new: tuple[str, ...]


def compare(old: Rates, new: Rates) -> Difference:
    """What changes from one side to the other."""
    old_currencies, new_currencies = ({key.currency for key, _ in side} for side in (old, new))
    both = old_currencies & new_currencies
    keys = sorted(
        (one for one in old.keys() | new.keys() if one[0].currency in both),
        key=lambda one: (one[0].currency, one[0].market, CATEGORIES.index(one[0].category), int(one[1].partition(":")[0]), one[1]),
    )
    changes = tuple(Change(*one, old.get(one), new.get(one)) for one in keys)
    return Difference(changes, tuple(sorted(old_currencies - both)), tuple(sorted(new_currencies - both)))


def rates_on(catalog: Catalog, date: str) -> Rates:
    """What is in force on a local date, in markets that exist on it.

    Service messages without a rate of their own have utility's, from the day on which they can be charged: that is what they cost.
    """
    living = named_on(catalog.markets, date)
    rows = [row for row in catalog.cards if row.effective_from <= date and row.key.market in living]
    if can_be_charged(SERVICE, date):
        rows += [
            row._replace(key=row.key._replace(category=SERVICE), tier_to=None)
            for row in rows
            if row.key.category == "utility" and row.tier_from == 1 and not catalog.has_row(row.key.currency, row.key.market, SERVICE, date)
        ]
    return _latest(rows)


def rates_of(rows: Iterable[CardRow]) -> Rates:
    """What a card prints; of several dates of one rate the latest."""
    return _latest(rows)


def _latest(rows: Iterable[CardRow]) -> Rates:
    by_key: dict[RateKey, list[CardRow]] = {}
    for row in rows:
        found = by_key.setdefault(row.key, [])
        if found and found[0].effective_from < row.effective_from:
            found.clear()
        if not found or found[0].effective_from == row.effective_from:
            found.append(row)
    return {(key, row.tier): row for key, found in by_key.items() for row in found if row.rate_nanos is not None}


def _nanos(row: CardRow | None) -> int | None:
    return None if row is None else row.rate_nanos
