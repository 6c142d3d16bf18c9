"""What a message costs in Meta's cards, and whose market its recipient is in, on a local date.

Every question has a date, the local one of the billing instant in the account's zone; dates are ISO text, which compares
as text. A catalog never changes once loaded.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from rating.catalog.cards import CardRow
from rating.catalog.cells import family_of
from rating.catalog.days import day_after
from rating.catalog.markets import OTHER, MarketRow
from rating.catalog.regions import country_of_number

if TYPE_CHECKING:
    from rating.catalog.knowledge import Knowledge

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K")


class Rate(NamedTuple):
    """What one message costs before any fee, and where that is printed."""

    rate_nanos: int
    """In 10^-9 of the card's currency. 0 is a rate: such a message is charged, at 0."""
    decimals: int
    """How many the card prints; a reader must not depend on them."""
    card: str
    """The card's id, `meta-usd-2026-01-01`."""
    tier: str
    """Bounds of the band, `1:MAX`."""

    @property
    def tier_to(self) -> int | None:
        """The last message of the band, itself included; None has no end."""
        last = self.tier.partition(":")[2]
        return None if last == "MAX" else int(last)


class MarketMatch(NamedTuple):
    """The recipient's country and market."""

    country: str | None
    """ISO 3166 code; None where the market table knows no country, or the number of a shared prefix none."""
    market: str


class _Dated(NamedTuple, Generic[T]):
    """Values that each hold from a date to the next one's, in order."""

    starts: Sequence[str]
    values: Sequence[T]

    def at(self, date: str) -> T | None:
        index = bisect_right(self.starts, date) - 1
        return self.values[index] if index >= 0 else None


class _Shared(NamedTuple):
    """A prefix of several countries in one market."""

    market: str


_UNCOVERED = MarketMatch(None, OTHER)


class Catalog:
    """Cards and market table as known at one time, ready for lookups; made by `load_catalog`."""

    __slots__ = (
        "_bands",
        "_countries",
        "_knowledge",
        "_lengths",
        "_prefixes",
        "_rates",
        "_volumes",
        "cards",
        "content_hash",
        "known_at",
        "markets",
    )

    def __init__(self, cards: Iterable[CardRow], markets: Iterable[MarketRow], *, known_at: str, knowledge: Knowledge) -> None:
        self.known_at = known_at
        """The last date up to then on which something became known; empty where all of it always was."""
        self._knowledge = knowledge
        self.cards = tuple(sorted(cards, key=lambda row: (row.key, row.effective_from, row.tier_from)))
        """Every row in force, by key, date and band."""
        self.markets = tuple(sorted(markets, key=lambda row: (row.prefix, row.valid_from, row.iso2)))
        """Every row in force, by prefix and period."""
        self.content_hash = _content_hash(self.cards, self.markets)
        """Hex. Two catalogs with the same one answer every question alike, whatever files they came in."""
        by_key = _grouped(self.cards, lambda row: row.key)
        self._rates: dict[tuple[str, str, str], _Dated[Rate | None]] = {key: _rates_of(rows) for key, rows in by_key.items()}
        bands = {key: _bands_of(rows) for key, rows in by_key.items()}
        self._bands: dict[tuple[str, str, str], _Dated[tuple[Rate, ...]]] = {key: each for key, each in bands.items() if each is not None}
        self._volumes = _grouped(self._bands, lambda key: (key[1], family_of(key[2])))
        self._prefixes = {prefix: _matches_of_prefix(rows) for prefix, rows in _grouped(self.markets, lambda row: row.prefix).items()}
        self._countries = {iso2: _matches_of_country(rows) for iso2, rows in _grouped(self.markets, lambda row: row.iso2).items()}
        self._lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)

    def as_known(self, known_at: str) -> Catalog:
        """The same catalog as it was known on a local date; the empty text is the beginning. What becomes known later is not in it."""
        return self._knowledge.at(known_at)

    @property
    def known_times(self) -> Sequence[str]:
        """When something became known, the beginning first: what `as_known` tells apart."""
        return self._knowledge.known_times

    def rate(self, currency: str, market: str, category: str, date: str) -> Rate | None:
        """The rate in force on a date: that of the latest `effective_from` up to it.

        None where there is no row yet, or the row prints no rate: the message is then unrated, `no_rate`, never free.
        Of several bands it is the first.
        """
        dated = self._rates.get((currency, market, category))
        if dated is None:
            return None
        index = bisect_right(dated.starts, date) - 1
        return dated.values[index] if index >= 0 else None

    def bands(self, currency: str, market: str, category: str, date: str) -> tuple[Rate, ...]:
        """All bands of the rate in force on a date, in order: of most rates the one that `rate` gives, or none where there is no rate."""
        dated = self._bands.get((currency, market, category))
        bands = None if dated is None else dated.at(date)
        if bands is None:
            only = self.rate(currency, market, category, date)
            return () if only is None else (only,)
        return bands

    def has_tiers(self, market: str, family: str, month: str) -> bool:
        """Whether the messages of a market and category family are counted in a month (`2026-10`): on some day of it some currency's rate
        has several bands."""
        for key in self._volumes.get((market, family), ()):
            dated = self._bands[key]
            at_its_end = bisect_right(dated.starts, f"{month}-31") - 1
            while at_its_end >= 0:
                if len(dated.values[at_its_end]) > 1:
                    return True
                if dated.starts[at_its_end] <= f"{month}-01":
                    break
                at_its_end -= 1
        return False

    def has_row(self, currency: str, market: str, category: str, date: str) -> bool:
        """Whether a row is in force on a date, be its rate empty or not."""
        dated = self._rates.get((currency, market, category))
        return dated is not None and dated.starts[0] <= date

    def charge_rate(self, currency: str, market: str, category: str, date: str) -> Rate | None:
        """What a charged message costs: `rate`, but a service message without a row of its own costs what a utility one does.

        A row counts from its `effective_from` on and until a later one of the same key. So a newer card that is silent
        about service messages does not take an older card's service rate away, and one that begins tomorrow does not
        speak today. An empty service rate is a row: it makes the message `no_rate` (contract §2, decision 5).
        """
        if category == "service" and not self.has_row(currency, market, category, date):
            return self.rate(currency, market, "utility", date)
        return self.rate(currency, market, category, date)

    def market_of_phone(self, digits: str, date: str) -> MarketMatch:
        """The market of an international number without its +: by the longest prefix valid on the date, else `Other`."""
        for length in self._lengths:
            dated = self._prefixes.get(digits[:length])
            if dated is not None:
                match = dated.at(date)
                if match is not None:
                    return match if type(match) is MarketMatch else MarketMatch(country_of_number(digits), match.market)
        return _UNCOVERED

    def prefix_of_phone(self, digits: str, date: str) -> str | None:
        """The digits by which `market_of_phone` finds the market of a number; None where no prefix covers it."""
        for length in self._lengths:
            dated = self._prefixes.get(digits[:length])
            if dated is not None and dated.at(date) is not None:
                return digits[:length]
        return None

    def market_of_country(self, iso2: str, date: str) -> MarketMatch | None:
        """The market of a recipient without a phone number; None, `no_market`, where no row of the country is valid on the date.

        Of a country with rows in several markets, which no shipped one has, the shortest prefix counts: its calling code.
        """
        dated = self._countries.get(iso2)
        return None if dated is None else dated.at(date)


def _grouped(rows: Iterable[R], key: Callable[[R], K]) -> dict[K, list[R]]:
    groups: dict[K, list[R]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _rates_of(rows: Sequence[CardRow]) -> _Dated[Rate | None]:
    """The first band of every date of one key."""
    first_bands = [row for row in rows if row.tier_from == 1]
    rates = [None if row.rate_nanos is None else Rate(row.rate_nanos, row.decimals, row.card, row.tier) for row in first_bands]
    return _Dated([row.effective_from for row in first_bands], rates)


def _bands_of(rows: Sequence[CardRow]) -> _Dated[tuple[Rate, ...]] | None:
    """All bands of every date of one key; None where no date has more than one."""
    by_date = _grouped(rows, lambda row: row.effective_from)
    if all(len(bands) == 1 for bands in by_date.values()):
        return None
    values = [
        tuple(Rate(row.rate_nanos, row.decimals, row.card, row.tier) for row in bands if row.rate_nanos is not None)
        for bands in by_date.values()
    ]
    return _Dated(list(by_date), values)


def _matches_of_prefix(rows: Sequence[MarketRow]) -> _Dated[MarketMatch | _Shared | None]:
    """Country and market of one prefix, period after period."""

    def match(valid: Sequence[MarketRow]) -> MarketMatch | _Shared | None:
        if not valid:
            return None
        return MarketMatch(valid[0].iso2, valid[0].market) if len(valid) == 1 else _Shared(valid[0].market)

    return _by_period(rows, match)


def _matches_of_country(rows: Sequence[MarketRow]) -> _Dated[MarketMatch | None]:
    """The market of one country, period after period."""

    def match(valid: Sequence[MarketRow]) -> MarketMatch | None:
        if not valid:
            return None
        calling_code = min(valid, key=lambda row: (len(row.prefix), row.prefix))
        return MarketMatch(calling_code.iso2, calling_code.market)

    return _by_period(rows, match)


def _by_period(rows: Sequence[MarketRow], value: Callable[[Sequence[MarketRow]], T]) -> _Dated[T]:
    """What the rows valid at a time amount to, from every day on which some row begins or has just ended."""
    ended = {day_after(row.valid_to) for row in rows if row.valid_to is not None}
    starts = sorted({row.valid_from for row in rows} | ended)
    return _Dated(starts, [value([row for row in rows if row.holds_on(start)]) for start in starts])


def _content_hash(cards: Sequence[CardRow], markets: Sequence[MarketRow]) -> str:
    """SHA-256 of what the rows say, in order; files, lines, sources and notes price nothing."""
    said = {
        "cards": [[*row.key, row.effective_from, row.tier, row.rate_nanos, row.decimals, row.card] for row in cards],
        "markets": [[row.prefix, row.iso2, row.market, row.valid_from, row.valid_to] for row in markets],
    }
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
