"""The market table: which digits of a phone number are which country, and which country is which market, on a date.

Prefixes follow WhatsApp's own list of calling codes and network prefixes, not a phone library's regions: the island of
Guernsey is the United Kingdom by its +44. The longest prefix valid on the date decides, valid_to included. What no
prefix covers is the market `Other`. Several countries may share a prefix in one market (+1: US and CA); then the number
itself tells which, see `regions.py`.

Rules: contract §8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from rating.catalog import cells
from rating.catalog.problems import Findings, Place
from rating.catalog.table import TableRow, read_table

REQUIRED_COLUMNS = ("prefix", "iso2", "market", "valid_from", "valid_to")
"""More columns may follow; `source` and `note` are kept."""

OTHER = "Other"
"""The market of every number that no prefix covers."""


class MarketRow(NamedTuple):
    """One row of the table, read and valid by itself."""

    file: str
    line: int
    prefix: str
    iso2: str
    market: str
    valid_from: str
    """First local date on which the row holds."""
    valid_to: str | None
    """Last one, inclusive; None has no end."""
    source: str
    note: str

    def holds_on(self, date: str) -> bool:
        """Whether the row is valid on a local date."""
        return self.valid_from <= date and (self.valid_to is None or date <= self.valid_to)

    def at(self, column: str) -> Place:
        """The place of one of its cells."""
        return Place(self.file, self.line, column)


class MarketTable(NamedTuple):
    """What one text gave."""

    rows: list[MarketRow]
    named: set[str]
    """Every market that a row names, unreadable rows included: a misprinted date must not make a market unknown too."""


def read_markets(file: str, text: str, findings: Findings) -> MarketTable:
    """The valid rows of the table's text, their periods checked; what is wrong goes to `findings`."""
    rows: dict[str, list[MarketRow]] = defaultdict(list)
    named = set()
    for table_row in read_table(file, text, REQUIRED_COLUMNS, findings):
        row = _row(table_row)
        named.add(row.market)
        if table_row.whole:
            rows[row.prefix].append(row)
    for same_prefix in rows.values():
        _check_periods(same_prefix, findings)
    return MarketTable([row for same_prefix in rows.values() for row in same_prefix], named)


def _row(row: TableRow) -> MarketRow:
    """The row with whatever could be read; only where `row.whole` stays true may it be used."""
    valid_from = row.read("valid_from", cells.local_date, "")
    valid_to = row.read("valid_to", cells.open_or_local_date, None)
    if valid_to is not None and valid_to < valid_from:
        row.refuse("valid_to", f"the row ends on {valid_to}, before it begins on {valid_from}", "write a later day, or nothing for no end")
    return MarketRow(
        file=row.file,
        line=row.line,
        prefix=row.read("prefix", cells.prefix, ""),
        iso2=row.read("iso2", cells.iso2, ""),
        market=row.read("market", cells.market, ""),
        valid_from=valid_from,
        valid_to=valid_to,
        source=row.cells.get("source", ""),
        note=row.cells.get("note", ""),
    )


def _check_periods(rows: Sequence[MarketRow], findings: Findings) -> None:
    """Notes rows of one prefix that hold at the same time and cannot both be right.

    Two countries in one market may: that is a shared prefix. Days that no row covers are no mistake: a shorter prefix, or
    `Other`, has them.
    """
    for earlier, row in combinations(rows, 2):
        if not (row.holds_on(earlier.valid_from) or earlier.holds_on(row.valid_from)):
            continue
        if row.iso2 == earlier.iso2:
            what = f"prefix {row.prefix}, {row.iso2} already holds on some of these days by line {earlier.line}"
            findings.add(row.at("valid_from"), what, "let one period end the day before the other begins")
        elif row.market != earlier.market:
            what = f"prefix {row.prefix} is {row.market} here and {earlier.market} in line {earlier.line} on some days"
            findings.add(row.at("market"), what, "let countries that share a prefix share a market, or part their periods")


def named_on(rows: Iterable[MarketRow], date: str) -> set[str]:
    """The markets that exist on a local date: those that a row valid on it names, and `Other`."""
    return {row.market for row in rows if row.holds_on(date)} | {OTHER}
