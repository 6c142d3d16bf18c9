"""Where a catalog has no price: the messages that would go unrated with `no_rate`, told before they are sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rating.catalog.catalog import Catalog
from rating.catalog.cells import CATEGORIES, CURRENCIES
from rating.catalog.days import day_after, day_before
from rating.catalog.markets import named_on
from rating.ids import LocalDate
from rating.rulebooks import CHARGED, RULEBOOKS, rulebook_on

INTERNATIONAL = "authentication_international"


class Gap(NamedTuple):
    """Days on which a message that can be charged has no price."""

    currency: str
    market: str
    category: str
    first_day: str
    last_day: str | None
    """Inclusive; None where no end is in sight."""


class GapSummary(NamedTuple):
    """Gaps of the same days and categories, in words for a table."""

    currency: str
    days: str
    categories: str
    markets: str


def gaps(catalog: Catalog) -> list[Gap]:
    """Every gap of the currencies that have a card at all, in order; `currencies_without_cards` names the others.

    Counted are the days of a market's life on which the rulebook can charge the category at all.
    `authentication_international` is missed only in markets for which some card prints it, since most have none;
    `service` only where utility cannot stand in for it.
    """
    starts = _days_of_change(catalog)
    living = {start: named_on(catalog.markets, start) for start in starts}
    international = {row.key.market for row in catalog.cards if row.key.category == INTERNATIONAL and row.rate_nanos is not None}
    found = []
    for currency in sorted({row.key.currency for row in catalog.cards}):
        for market in sorted(set().union(*living.values())):
            for category in CATEGORIES:
                if category == INTERNATIONAL and market not in international:
                    continue
                missing = {
                    start
                    for start in starts
                    if market in living[start]
                    and can_be_charged(category, start)
                    and catalog.charge_rate(currency, market, category, start) is None
                }
                found += [Gap(currency, market, category, first, last) for first, last in _stretches(missing, starts)]
    return found


def currencies_without_cards(catalog: Catalog) -> list[str]:
    """The currencies in which the catalog prices nothing."""
    priced = {row.key.currency for row in catalog.cards}
    return [currency for currency in CURRENCIES if currency not in priced]


def summarise(found: Sequence[Gap], catalog: Catalog) -> list[GapSummary]:
    """The gaps in as few lines as say the same, by currency and days.

    `all categories` are those that the market has; a service price that lacks only because utility's does is not
    told beside it. Where most markets lack, those that do not are named.
    """
    categories: dict[tuple[str, str, str, str | None], set[str]] = defaultdict(set)
    utility = {(gap.currency, gap.market, gap.last_day): gap.first_day for gap in found if gap.category == "utility"}
    for gap in found:
        utility_lacks_since = utility.get((gap.currency, gap.market, gap.last_day))
        if gap.category != "service" or utility_lacks_since is None or utility_lacks_since > gap.first_day:
            categories[gap.currency, gap.market, gap.first_day, gap.last_day].add(gap.category)
    markets: dict[tuple[str, str, str | None, str], set[str]] = defaultdict(set)
    for (currency, market, first_day, last_day), lacking in categories.items():
        markets[currency, first_day, last_day, _categories_in_words(lacking)].add(market)
    return [
        GapSummary(currency, _days_in_words(first_day, last_day), which, _markets_in_words(lacking, named_on(catalog.markets, first_day)))
        for (currency, first_day, last_day, which), lacking in sorted(markets.items(), key=lambda item: (item[0][:2], str(item[0][2:])))
    ]


def can_be_charged(category: str, date: str) -> bool:
    """Whether the rulebook of a date charges a category in any case."""
    rulebook = rulebook_on(LocalDate(date))
    if rulebook is None:
        return False
    clause = rulebook.clauses[category]
    verdicts = (clause.inside, clause.outside, clause.beyond_allowance)
    return any(verdict is not None and verdict.outcome == CHARGED for verdict in verdicts)


def _days_of_change(catalog: Catalog) -> list[str]:
    """The days on which a price, a market or a rule can begin or end, from the first rulebook on."""
    ended = {day_after(row.valid_to) for row in catalog.markets if row.valid_to is not None}
    begun = {row.valid_from for row in catalog.markets} | {row.effective_from for row in catalog.cards}
    ruled: set[str] = {rulebook.valid_from for rulebook in RULEBOOKS}
    return sorted(day for day in begun | ended | ruled if day >= min(ruled))


def _stretches(missing: set[str], starts: Sequence[str]) -> Iterable[tuple[str, str | None]]:
    """First and last day of every run of neighbours in `starts` that are all `missing`."""
    first_day: str | None = None
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        if start not in missing:
            continue
        first_day = first_day or start
        if following not in missing:
            yield first_day, None if following is None else day_before(following)
            first_day = None


def _days_in_words(first_day: str, last_day: str | None) -> str:
    return f"from {first_day}" if last_day is None else f"{first_day} to {last_day}"


def _categories_in_words(lacking: set[str]) -> str:
    every = {"marketing", "utility", "authentication"}
    if every <= lacking:
        return "all categories"
    return ", ".join(category for category in CATEGORIES if category in lacking)


def _markets_in_words(lacking: set[str], living: set[str]) -> str:
    priced = living - lacking
    if not priced:
        return "all markets"
    if len(priced) < len(lacking):
        return f"all markets but {', '.join(sorted(priced))}"
    return ", ".join(sorted(lacking))
