"""What was known when: every row that was ever printed, and the catalog as it was known at a time.

A row of a card has valid time, `effective_from`, and known time, `known_from`: a correction is printed later than the days it is for, and
does not change what was known before. Of rows for the same rate and the same day of effect the one known last counts. As known at a time,
an overlay replaces what it had rows for by then.

Rules: contract §8; architecture, rules are data with dates.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from rating.catalog.cards import CardRow, RateKey
from rating.catalog.catalog import Catalog
from rating.catalog.markets import MarketRow

BEGINNING = ""
"""The known time of what was always known. It compares as text, like every date."""


class Knowledge:
    """All rows of a catalog, shipped ones and a user's own; makes the catalog of each known time once."""

    def __init__(self, shipped: Iterable[CardRow], own: Iterable[CardRow], markets: Iterable[MarketRow]) -> None:
        self._shipped = tuple(shipped)
        self._own = tuple(own)
        self._markets = tuple(markets)
        self.known_times: Sequence[str] = sorted({BEGINNING, *(row.known_from for row in (*self._shipped, *self._own))})
        """When something became known: local dates as text, the beginning first."""
        self._catalogs: dict[str, Catalog] = {}

    def at(self, known_at: str) -> Catalog:
        """The catalog as it was known on a date; the same object for all dates between two at which something became known."""
        since = self.known_times[bisect_right(self.known_times, known_at) - 1]
        found = self._catalogs.get(since)
        if found is None:
            found = self._catalogs[since] = Catalog(self._cards(since), self._markets, known_at=since, knowledge=self)
        return found

    def latest(self) -> Catalog:
        """The catalog with everything that it knows."""
        return self.at(self.known_times[-1])

    def _cards(self, known_at: str) -> list[CardRow]:
        own = [row for row in self._own if row.known_from <= known_at]
        replaced = {row.key for row in own}
        shipped = [row for row in self._shipped if row.known_from <= known_at and row.key not in replaced]
        return _last_known([*shipped, *own])


def _last_known(rows: Sequence[CardRow]) -> list[CardRow]:
    """Of the rows for one rate from one day on, those that became known last: bands that belong together."""
    newest: dict[tuple[RateKey, str], str] = {}
    for row in rows:
        at = row.key, row.effective_from
        newest[at] = max(newest.get(at, BEGINNING), row.known_from)
    return [row for row in rows if row.known_from == newest[row.key, row.effective_from]]
