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
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from rating.catalog.cards import RateKey
from rating.catalog.cells import TIERED_CATEGORIES
from rating.catalog.problems import CellError
from rating.catalog.published import words
from rating.catalog.published.printed import Printed
from rating.catalog.published.sheet import SheetRow

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


def is_header(row: SheetRow) -> bool:
    """Whether a row is the header of this layout."""
    cells = {row.cell(index).casefold() for index in range(row.last + 1)}
    return {"currency", _FROM, _TO, _RATE} <= cells


def read(printed: Printed, header_index: int) -> None:
    """Takes down every band under the header."""
    rows = printed.sheet.rows
    header = rows[header_index]
    blocks = _blocks(printed, header_index)
    currency_index = next(index for index in range(header.last + 1) if header.cell(index).casefold() == "currency")
    if not blocks:
        return
    data = [row for row in rows[header_index + 1 :] if not row.blank]
    point_is_decimal = any(words.has_decimal_point(row.cell(block.columns[_RATE])) for row in data for block in blocks)
    bands: dict[tuple[str, str], list[_Band]] = defaultdict(list)
    unreadable: set[tuple[str, str]] = set()
    first_lines: dict[str, int] = {}
    market: str | None = None
    for row in data:
        name = row.cell(currency_index - 1) if currency_index else ""
        if row.last > header.last:
            printed.refuse(row, "", "a cell stands beyond the last column", "quote a cell that holds a comma")
            continue
        if row.last == currency_index - 1 and name not in printed.around.markets.named:
            printed.remark(row, f"left out as a note: {name if len(name) <= 60 else name[:59] + '…'}")
            continue
        if name:
            market = printed.market(row, name)
            if market is not None and first_lines.setdefault(market, row.line) != row.line:
                printed.refuse(row, "Market", f"the bands of {market} already begin in line {first_lines[market]}", "keep them together")
                market = None
        elif not first_lines and market is None and row is data[0]:
            printed.refuse(row, "Market", "the first row of bands names no market", "write it there")
        if row.cell(currency_index) or name:
            printed.currency(row, row.cell(currency_index))
        for block in blocks:
            _take(printed, row, block, market, point_is_decimal, bands, unreadable)
    _add_joined(printed, bands, unreadable, {block.category: block for block in blocks})
    if not data:
        printed.refuse(header, "", "no bands stand under the header", "name the whole table")


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


def _take(
    printed: Printed,
    row: SheetRow,
    block: _Block,
    market: str | None,
    point_is_decimal: bool,
    bands: dict[tuple[str, str], list[_Band]],
    unreadable: set[tuple[str, str]],
) -> None:
    """Takes down one band, unless the category has none in this row."""
    texts = {name: row.cell(index) for name, index in block.columns.items()}
    if all(text.casefold() in ("", words.NONE) for text in texts.values()):
        return
    whole = True
    read: dict[str, int | None] = {}
    for name, reader in ((_FROM, words.band_start), (_TO, words.band_end)):
        try:
            read[name] = reader(texts[name])
        except CellError as error:
            printed.refuse(row, f"{block.heading} {name.capitalize()}", error.what, error.mend)
            whole = False
    rate: str | None = None
    try:
        rate = words.rate(texts[_RATE], point_is_decimal=point_is_decimal)
        if rate is None:
            raise CellError(f"the band has no rate: {texts[_RATE]!r}", "write its rate")
    except CellError as error:
        printed.refuse(row, f"{block.heading} Rate", error.what, error.mend)
        whole = False
    if market is None:
        return
    if whole and rate is not None:
        bands[market, block.category].append(_Band(row, read[_FROM] or 1, read[_TO], rate))
    else:
        unreadable.add((market, block.category))


def _add_joined(
    printed: Printed,
    bands: Mapping[tuple[str, str], Sequence[_Band]],
    unreadable: set[tuple[str, str]],
    blocks: Mapping[str, _Block],
) -> None:
    """Hands on the bands that join from 1 to no end, and notes where others do not.

    A band that could not be read excuses its neighbours.
    """
    currency = printed.currency_code
    for (market, category), found in bands.items():
        heading = blocks[category].heading
        expected: int | None = 1
        joined = (market, category) not in unreadable
        for band in found if joined else ():
            if expected is None:
                printed.refuse(
                    band.row,
                    f"{heading} From",
                    "a band follows one without an end",
                    f"give the one before its end, or write {words.UNLIMITED} here",
                )
                joined = False
                break
            if band.tier_from != expected:
                what = f"the band starts at {band.tier_from:,}, and {expected:,} comes next"
                printed.refuse(band.row, f"{heading} From", what, "make the bands join; a table that leaves some out is of no use")
                joined = False
                break
            if band.tier_to is not None and band.tier_to < band.tier_from:
                printed.refuse(band.row, f"{heading} To", "the band ends before it starts", f"write {band.tier_from:,} or more")
                joined = False
                break
            expected = None if band.tier_to is None else band.tier_to + 1
        if joined and expected is not None:
            what = f"the last band of {market} ends at {expected - 1:,}"
            printed.refuse(found[-1].row, f"{heading} To", what, f"write {words.UNLIMITED} for no end")
        elif joined and currency is not None:
            for band in found:
                key = RateKey(currency, market, category)
                printed.add(band.row, f"{heading} Rate", key, (band.tier_from, band.tier_to), band.rate, of_tiers=True)
