"""Rate cards: what one message costs, by currency, market and category, from a date on.

A card is one file, `cards/NAME.csv`. Its rows for one (currency, market, category, effective_from) are that rate's
bands: counts of messages in a month, from 1 to no end, without gap or overlap. Most rates have a single band.

Rules: contract §8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NamedTuple

from rating.catalog import cells
from rating.catalog.problems import Findings, Place
from rating.catalog.table import TableRow, read_table

KNOWN_FROM = "known_from"
"""An optional column: the local date from which a row was known, empty for always. A correction has a later one."""

COLUMNS = ("effective_from", "currency", "market", "category", "tier_from", "tier_to", "rate", "source")


class RateKey(NamedTuple):
    """What a rate is for. An overlay replaces everything under one key, all dates and bands of it."""

    currency: str
    market: str
    category: str

    def __str__(self) -> str:
        return f"{self.currency}, {self.market}, {self.category}"


class CardRow(NamedTuple):
    """One row of a card, read and valid by itself."""

    file: str
    line: int
    card: str
    """The file's name without `.csv`: the card's id on rated lines."""
    effective_from: str
    """Local date from which the row holds, until a later one of its key."""
    key: RateKey
    tier_from: int
    tier_to: int | None
    """Last message of the band, inclusive; None has no end."""
    rate_nanos: int | None
    """In 10^-9 of the currency; None where the card prints no rate, which is not 0."""
    decimals: int
    """How many the card prints."""
    source: str
    known_from: str = ""
    """Local date from which the row was known; empty: always. Of two rows for the same days the one known later counts from then on."""

    @property
    def tier(self) -> str:
        """The band's bounds as rated lines print them, `1:MAX`."""
        return f"{self.tier_from}:{'MAX' if self.tier_to is None else self.tier_to}"

    def at(self, column: str) -> Place:
        """The place of one of its cells."""
        return Place(self.file, self.line, column)


def read_cards(file: str, text: str, findings: Findings) -> list[CardRow]:
    """The valid rows of one card's text, their bands checked; what is wrong goes to `findings`.

    A row that cannot be read keeps the bands beside it from being judged: a gap that a misprint makes is one mistake,
    not two.
    """
    rows: dict[tuple[str, str, RateKey], list[CardRow]] = defaultdict(list)
    unreadable = set()
    for table_row in read_table(file, text, COLUMNS, findings):
        row = _row(table_row)
        if table_row.whole:
            rows[row.effective_from, row.known_from, row.key].append(row)
        else:
            unreadable.add((row.effective_from, row.known_from, row.key))
    for group, bands in rows.items():
        if group not in unreadable:
            bands.sort(key=lambda row: (row.tier_from, row.line))
            _check_bands(bands, findings)
    return [row for bands in rows.values() for row in bands]


def _row(row: TableRow) -> CardRow:
    """The row with whatever could be read; only where `row.whole` stays true may it be used."""
    tier_from = row.read("tier_from", cells.band_start, 1)
    tier_to = row.read("tier_to", cells.band_end, None)
    if tier_to is not None and tier_to < tier_from:
        row.refuse("tier_to", f"the band {tier_from}:{tier_to} ends before it starts", f"make it end at {tier_from} or later, or nowhere")
    printed = row.read("rate", cells.rate, None)
    return CardRow(
        file=row.file,
        line=row.line,
        card=PurePosixPath(row.file).name.removesuffix(".csv"),
        effective_from=row.read("effective_from", cells.local_date, row.cells["effective_from"]),
        key=RateKey(
            row.read("currency", cells.currency, row.cells["currency"]),
            row.read("market", cells.market, ""),
            row.read("category", cells.category, row.cells["category"]),
        ),
        tier_from=tier_from,
        tier_to=tier_to,
        rate_nanos=printed[0] if printed else None,
        decimals=printed[1] if printed else 0,
        source=row.cells["source"],
        known_from=row.read(KNOWN_FROM, cells.known_from, "") if KNOWN_FROM in row.cells else "",
    )


def _check_bands(bands: Sequence[CardRow], findings: Findings) -> None:
    """Notes what is wrong with the bands of one key and date, given in the order of their starts."""
    first, last = bands[0], bands[-1]
    if first.tier_from != 1:
        findings.add(first.at("tier_from"), f"the first band {first.tier} does not start at 1", "make it start at 1")
    for previous, row in pairwise(bands):
        _check_joint(previous, row, findings)
    if last.tier_to is not None and not any(row.tier_to is None for row in bands):
        findings.add(last.at("tier_to"), f"the last band {last.tier} has an end", "leave its tier_to empty")
    if len({(row.tier_from, row.tier_to) for row in bands}) == 1:
        return
    if first.key.category not in cells.TIERED_CATEGORIES:
        mend = f"keep one; only {', '.join(cells.TIERED_CATEGORIES)} may have several"
        findings.add(bands[1].at("tier_from"), f"{first.key} from {first.effective_from} has several bands", mend)
    for row in bands:
        if row.rate_nanos is None:
            findings.add(row.at("rate"), f"the band {row.tier} lacks its rate beside other bands", "write its rate")


def _check_joint(previous: CardRow, row: CardRow, findings: Findings) -> None:
    """Notes where two neighbouring bands do not join."""
    if (row.tier_from, row.tier_to) == (previous.tier_from, previous.tier_to):
        what = f"{row.key} from {row.effective_from} already stands in line {previous.line}"
        findings.add(row.at(""), what, "delete one of the two lines")
    elif previous.tier_to is None or row.tier_from <= previous.tier_to:
        start = row.tier_from if previous.tier_to is None else previous.tier_to + 1
        mend = f"make that one end at {start - 1}" if previous.tier_to is None else f"make it start at {start}"
        findings.add(row.at("tier_from"), f"the band {row.tier} overlaps {previous.tier} of line {previous.line}", mend)
    elif row.tier_from > previous.tier_to + 1:
        mend = f"make it start at {previous.tier_to + 1}"
        findings.add(row.at("tier_from"), f"the band {row.tier} leaves a gap after {previous.tier} of line {previous.line}", mend)
