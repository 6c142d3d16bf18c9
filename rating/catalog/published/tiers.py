"""The layout of Meta's volume-tier tables: a block of columns for each category, a row for each band.

    ,,Utility,,,,,Authentication,,,,
    ,,Messages per month,,What we charge,,,Messages per month,,What we charge,,
    "Market
    (per rate card)",Currency,From,To,Rate type,Rate,vs. List rate,From,To,Rate type,Rate,vs. List rate
    Brazil,BRL,0,"250,000",List rate,0.0350,0%,0,"500,000",List rate,0.0350,0%
    ,BRL,"250,001",--,Tier rate,0.0333,-5%,"500,001",--,Tier rate,0.0333,-5%

A market is named in the first row of its bands alone. Bounds are inclusive, and the first one, printed 0, is the month's
first message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, TypeVar

from rating.catalog.cards import RateKey
from rating.catalog.cells import TIERED_CATEGORIES
from rating.catalog.problems import CellError
from rating.catalog.published import words
from rating.catalog.published.printed import Printed
from rating.catalog.published.sheet import SheetRow

T = TypeVar("T")

_FROM, _TO, _RATE = "from", "to", "rate"
_BESIDE = ("rate type", "vs. list rate")
"""Columns that say again what the rates say."""


class _Block(NamedTuple):
    """The columns of one category."""

    heading: str
    """As printed."""
    category: str
    columns: Mapping[str, int]


class _Band(NamedTuple):
    row: SheetRow
    tier_from: int
    tier_to: int | None
    rate: str


@dataclass(slots=True)
class _Reading:
    """What has been read of a table so far."""

    printed: Printed
    blocks: Sequence[_Block]
    point_is_decimal: bool
    market: str | None = None
    """Of the rows that name none; None too while the last one named is unknown."""
    named: bool = False
    """Whether a row has been read at all, and so said its market or been told to."""
    first_lines: dict[str, int] = field(default_factory=dict)
    bands: dict[tuple[str, str], list[_Band]] = field(default_factory=lambda: defaultdict(list))
    """By market and category."""
    unreadable: set[tuple[str, str]] = field(default_factory=set)
    """Where some band could not be read: whether the others join cannot be said then."""


def is_header(row: SheetRow) -> bool:
    """Whether a row is the header of this layout."""
    cells = {row.cell(index).casefold() for index in range(row.last + 1)}
    return {"currency", _FROM, _TO, _RATE} <= cells


def read(printed: Printed, header_index: int) -> None:
    """Takes down every band under the header."""
    rows = printed.sheet.rows
    header = rows[header_index]
    blocks = _blocks(printed, header_index)
    if not blocks:
        return
    currency_index = next(index for index in range(header.last + 1) if header.cell(index).casefold() == "currency")
    data = [row for row in rows[header_index + 1 :] if not row.blank]
    rates = (row.cell(block.columns[_RATE]) for row in data for block in blocks)
    reading = _Reading(printed, blocks, any(map(words.has_decimal_point, rates)))
    for row in data:
        name = row.cell(currency_index - 1) if currency_index else ""
        if row.last > header.last:
            printed.refuse(row, "", "a cell stands beyond the last column", "quote a cell that holds a comma")
        elif row.last == currency_index - 1 and name not in printed.around.markets.named:
            printed.remark_note(row, name)
        else:
            _read_row(reading, row, name, row.cell(currency_index))
    _add_joined(reading)
    if not data:
        printed.refuse(header, "", "no bands stand under the header", "name the whole table")


def _read_row(reading: _Reading, row: SheetRow, name: str, currency: str) -> None:
    printed = reading.printed
    if name:
        market = printed.market(row, name)
        if market is not None and reading.first_lines.setdefault(market, row.line) != row.line:
            printed.refuse(
                row, "Market", f"the bands of {market} already begin in line {reading.first_lines[market]}", "keep them together"
            )
            market = None
        reading.market = market
    elif not reading.named:
        printed.refuse(row, "Market", "the first row of bands names no market", "write it there")
    reading.named = True
    if currency or name:
        printed.currency(row, currency)
    for block in reading.blocks:
        _take(reading, row, block)


def _blocks(printed: Printed, header_index: int) -> list[_Block]:
    """The blocks of columns, each under the heading that names its category; empty, and mistakes noted, where they are unclear."""
    header = printed.sheet.rows[header_index]
    starts = [index for index in range(header.last + 1) if header.cell(index).casefold() == _FROM]
    blocks: list[_Block] = []
    whole = True
    for start, following in pairwise([*starts, header.last + 1]):
        names = {header.cell(index).casefold(): index for index in reversed(range(start, following))}
        heading = _heading(printed.sheet.rows[:header_index], start, following)
        missing = [name for name in (_FROM, _TO, _RATE) if name not in names]
        unknown = [name for name in names if name and name not in (_FROM, _TO, _RATE, *_BESIDE)]
        for what in [f"the column {name} is missing" for name in missing] + [f"the column {name!r} is unknown" for name in unknown]:
            printed.refuse(
                header, header.cell(start), f"{what} among those of {heading or 'a category'}", "name a whole table of volume tiers"
            )
            whole = False
        category = words.category(heading) if heading else None
        if category not in TIERED_CATEGORIES:
            what = f"no heading above the column names one of {', '.join(TIERED_CATEGORIES)}"
            printed.refuse(header, f"{header.cell(start)} {start + 1}", what, "write the category above its columns")
            whole = False
        elif any(block.category == category for block in blocks):
            printed.refuse(header, heading, "the category stands twice", "delete one of the two")
            whole = False
        elif not missing:
            blocks.append(_Block(heading, category, names))
    return blocks if whole else []


def _heading(above: Sequence[SheetRow], start: int, following: int) -> str:
    """The nearest category that is named above a block; "" where none is."""
    for row in reversed(above):
        for index in range(start, following):
            if words.category(row.cell(index)):
                return words.heading(row.cell(index))
    return ""


def _take(reading: _Reading, row: SheetRow, block: _Block) -> None:
    """Takes down one band, unless the category has none in this row."""
    texts = {name: row.cell(index) for name, index in block.columns.items()}
    if all(text.casefold() in ("", words.NONE) for text in texts.values()):
        return
    tier_from = _cell(reading, row, block, _FROM, words.band_start)
    tier_to = _cell(reading, row, block, _TO, lambda text: (words.band_end(text),))
    rate = _cell(reading, row, block, _RATE, lambda text: _rate_of_band(text, reading.point_is_decimal))
    if reading.market is None:
        return
    if tier_from is None or tier_to is None or rate is None:
        reading.unreadable.add((reading.market, block.category))
    else:
        reading.bands[reading.market, block.category].append(_Band(row, tier_from, tier_to[0], rate))


def _cell(reading: _Reading, row: SheetRow, block: _Block, name: str, reader: Callable[[str], T]) -> T | None:
    """What a cell of a block says; None, and a mistake noted, where it cannot be read."""
    try:
        return reader(row.cell(block.columns[name]))
    except CellError as error:
        reading.printed.refuse(row, f"{block.heading} {name.capitalize()}", error.what, error.mend)
        return None


def _rate_of_band(text: str, point_is_decimal: bool) -> str:
    rate = words.rate(text, point_is_decimal=point_is_decimal)
    if rate is None:
        raise CellError(f"the band has no rate: {text!r}", "write its rate")
    return rate


def _add_joined(reading: _Reading) -> None:
    """Hands on the bands that join from the first message to no end, and notes where others do not."""
    currency = reading.printed.currency_code
    headings = {block.category: block.heading for block in reading.blocks}
    for (market, category), bands in reading.bands.items():
        if (market, category) in reading.unreadable or not _join(reading.printed, headings[category], market, bands) or currency is None:
            continue
        for band in bands:
            key, bounds = RateKey(currency, market, category), (band.tier_from, band.tier_to)
            reading.printed.add(band.row, f"{headings[category]} Rate", key, bounds, band.rate, of_tiers=True)


def _join(printed: Printed, heading: str, market: str, bands: Sequence[_Band]) -> bool:
    """Whether the bands of one rate, in the order of their rows, cover every message once; what does not is noted."""
    expected: int | None = 1
    for band in bands:
        if expected is None:
            mend = f"give the one before its end, or write {words.UNLIMITED} here"
            printed.refuse(band.row, f"{heading} From", "a band follows one without an end", mend)
            return False
        if band.tier_from != expected:
            what = f"the band starts at {band.tier_from:,}, and {expected:,} comes next"
            printed.refuse(band.row, f"{heading} From", what, "make the bands join; a table that leaves some out is of no use")
            return False
        if band.tier_to is not None and band.tier_to < band.tier_from:
            printed.refuse(band.row, f"{heading} To", "the band ends before it starts", f"write {band.tier_from:,} or more")
            return False
        expected = None if band.tier_to is None else band.tier_to + 1
    if expected is not None:
        what = f"the last band of {market} ends at {expected - 1:,}"
        printed.refuse(bands[-1].row, f"{heading} To", what, f"write {words.UNLIMITED} for no end")
    return expected is None
