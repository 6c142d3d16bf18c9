"""What `wameter cards check` and `wameter cards show` tell, as data and lines; the commands only print them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from rating.catalog import Catalog, CatalogProblems
from rating.catalog.cards import CardRow
from rating.catalog.cells import CATEGORIES, CURRENCIES, local_date
from rating.catalog.days import day_before
from rating.catalog.gaps import Gap, GapSummary, currencies_without_cards, gaps, summarise
from rating.catalog.markets import named_on
from rating.catalog.problems import CellError
from streams.cards.catalog_files import load_directory, load_files
from streams.cards.published_files import is_published


class CheckReport(NamedTuple):
    """What a check of files found."""

    problems: tuple[str, ...]
    """One sentence each; empty where the files can be laid over the shipped catalog."""
    rows: int
    """Rows of the files, of cards and market tables."""
    markets: int
    """Different markets that they name."""
    gaps: tuple[GapSummary, ...]
    """Where the currencies of the files lack a price once they are in force."""

    def lines(self) -> list[str]:
        """The report as text: the problems, or `ok` and what still lacks a price."""
        if self.problems:
            return list(self.problems)
        lacking = [f"no rate: {gap.currency}, {gap.days}: {gap.categories} in {gap.markets}" for gap in self.gaps]
        return [f"ok: {_count(self.rows, 'row')}, {_count(self.markets, 'market')}", *lacking]


class GapReport(NamedTuple):
    """Where a catalog lacks a price."""

    gaps: tuple[Gap, ...]
    """Each by itself, of currencies that have a card."""
    summary: tuple[GapSummary, ...]
    """The same in few lines."""
    without_cards: tuple[str, ...]
    """Currencies in which nothing has a price."""


class ShownRate(NamedTuple):
    """One row of a card, as a person reads it."""

    currency: str
    market: str
    category: str
    tier: str
    rate: str
    """As the card prints it; empty where it prints none."""
    effective_from: str
    effective_to: str
    """Last day, inclusive; empty where a later card has not replaced it."""
    card: str


def check_files(paths: Sequence[Path]) -> CheckReport:
    """Checks cards and market tables as if they were laid over the shipped catalog; a file called `markets.csv` is a market table."""
    try:
        catalog = load_files(paths)
    except CatalogProblems as found:
        return CheckReport(tuple(not_imported(paths)) or found.problems, rows=0, markets=0, gaps=())
    files = {str(path) for path in paths}
    card_rows = [row for row in catalog.cards if row.file in files]
    market_rows = [row for row in catalog.markets if row.file in files]
    currencies = {row.key.currency for row in card_rows}
    lacking = summarise([gap for gap in gaps(catalog) if gap.currency in currencies], catalog)
    named = {row.key.market for row in card_rows} | {row.market for row in market_rows}
    return CheckReport((), len(card_rows) + len(market_rows), len(named), tuple(lacking))


def report_gaps(catalog: Path | None, *, currency: str | None = None, date: str | None = None) -> GapReport:
    """The gaps of the shipped catalog, or with a directory laid over it; of one currency, or open on one local date.

    Raises `CatalogProblems`.
    """
    problems = [*_unknown("currency", currency, CURRENCIES), *_no_date(date)]
    if problems:
        raise CatalogProblems(problems)
    loaded = load_directory(catalog)
    found = [
        gap
        for gap in gaps(loaded)
        if currency in (None, gap.currency) and (date is None or (gap.first_day <= date and (gap.last_day is None or date <= gap.last_day)))
    ]
    without = tuple(one for one in currencies_without_cards(loaded) if currency in (None, one))
    return GapReport(tuple(found), tuple(summarise(found, loaded)), without)


def show(
    catalog: Catalog, *, currency: str | None = None, market: str | None = None, category: str | None = None, date: str | None = None
) -> list[ShownRate]:
    """The rates that match every filter given, by currency, market, category and date.

    With a `date`, ISO text, only the rates in force on it, of markets that exist on it. An unknown name is a `CatalogProblems`.
    """
    known_markets = sorted({row.market for row in catalog.markets} | {row.key.market for row in catalog.cards})
    problems = [
        *_unknown("currency", currency, CURRENCIES),
        *_unknown("market", market, known_markets),
        *_unknown("category", category, CATEGORIES),
    ]
    problems += _no_date(date)
    if problems:
        raise CatalogProblems(problems)
    living = None if date is None else named_on(catalog.markets, date)
    shown = []
    for row, ends_before in zip(catalog.cards, _replaced_on(catalog.cards), strict=True):
        matches = currency in (None, row.key.currency) and market in (None, row.key.market) and category in (None, row.key.category)
        in_force = date is None or (row.effective_from <= date and (ends_before is None or date < ends_before))
        if matches and in_force and (living is None or row.key.market in living):
            shown.append(_shown(row, ends_before))
    return shown


def not_imported(paths: Sequence[Path]) -> list[str]:
    """A sentence for each file that is no card yet, because it has the layout in which Meta publishes prices."""
    return [
        f"{path} is a price list as Meta publishes it; make it a card first: wameter cards import {path} -o DIR"
        for path in paths
        if is_published(path)
    ]


def printed_rate(row: CardRow) -> str:
    """A rate with as many decimals as its card prints; "" where it prints none."""
    return "" if row.rate_nanos is None else decimal_text(row.rate_nanos, row.decimals)


def decimal_text(nanos: int, decimals: int) -> str:
    """An amount of 0 or more, given in 10^-9, with so many decimals; it must have no more."""
    units, fraction = divmod(nanos, 10**9)
    return f"{units}.{fraction:09d}"[: len(str(units)) + 1 + decimals].rstrip(".")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _replaced_on(rows: Sequence[CardRow]) -> list[str | None]:
    """For each row, in the catalog's order, the day from which a later date of its key stands; None where none does."""
    replaced: dict[tuple[object, str], str] = {}
    for row, following in pairwise(rows):
        if following.key == row.key and following.effective_from != row.effective_from:
            replaced[row.key, row.effective_from] = following.effective_from
    return [replaced.get((row.key, row.effective_from)) for row in rows]


def _shown(row: CardRow, ends_before: str | None) -> ShownRate:
    rate = printed_rate(row)
    effective_to = "" if ends_before is None else day_before(ends_before)
    return ShownRate(row.key.currency, row.key.market, row.key.category, row.tier, rate, row.effective_from, effective_to, row.card)


def _no_date(given: str | None) -> list[str]:
    """A sentence about a date that is none, or nothing."""
    try:
        local_date(given or "2025-07-01")
    except CellError as error:
        return [str(error)]
    return []


def _unknown(what: str, given: str | None, known: Sequence[str]) -> list[str]:
    """A sentence about a filter that nothing can match, or nothing."""
    if given is None or given in known:
        return []
    close = get_close_matches(given, known, n=1, cutoff=0.5) or get_close_matches(given.upper(), known, n=1)
    return [f"the catalog knows no {what} {given!r}; write {close[0] if close else 'one of ' + ', '.join(known)}"]
