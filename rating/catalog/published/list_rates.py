"""The layout of Meta's rate cards: a row for each market, a column for each category, under some rows of preface.

Market,Currency,Marketing,Utility,Authentication,"Authentication-
International",Service
Argentina,$US,0.0618,0.0260,0.0260,n/a,0.0260
"""

from __future__ import annotations

from rating.catalog.cards import RateKey
from rating.catalog.cells import CATEGORIES
from rating.catalog.problems import CellError
from rating.catalog.published import words
from rating.catalog.published.printed import Printed
from rating.catalog.published.sheet import SheetRow

_ALWAYS = ("marketing", "utility", "authentication")
"""Columns that no card lacks; one without them was cut."""
_WHOLE = (1, None)


def is_header(row: SheetRow) -> bool:
    """Whether a row is the header of this layout."""
    cells = [row.cell(index).casefold() for index in range(row.last + 1)]
    return any(map(words.is_market_heading, cells)) and "currency" in cells and any(map(words.category, cells))


def read(printed: Printed, header_index: int) -> None:
    """Takes down every rate under the header."""
    rows = printed.sheet.rows
    header = rows[header_index]
    columns = _columns(printed, header)
    if columns is None:
        return
    data = [row for row in rows[header_index + 1 :] if not row.blank]
    rates = [index for name, index in columns.items() if name in CATEGORIES]
    point_is_decimal = any(words.has_decimal_point(row.cell(index)) for row in data for index in rates)
    lines: dict[str, int] = {}
    read_any = False
    for row in data:
        if _is_note(printed, row, columns["market"]):
            continue
        read_any = True
        if row.last > header.last:
            printed.refuse(row, "", "a cell stands beyond the last column", "quote a cell that holds a comma")
            continue
        currency = printed.currency(row, row.cell(columns["currency"]))
        market = printed.market(row, row.cell(columns["market"]))
        if market is not None and lines.setdefault(market, row.line) != row.line:
            printed.refuse(row, "Market", f"{market} already stands in line {lines[market]}", "delete one of the two lines")
            market = None
        for category in CATEGORIES:
            if category in columns:
                _take(
                    printed,
                    row,
                    words.heading(header.cell(columns[category])),
                    (currency, market, category),
                    columns[category],
                    point_is_decimal,
                )
    if not read_any:
        printed.refuse(header, "", "no rates stand under the header", "name the whole list")


def _columns(printed: Printed, header: SheetRow) -> dict[str, int] | None:
    """Index of each column by `market`, `currency` and category; None where one is unknown, missing or there twice."""
    columns: dict[str, int] = {}
    whole = True
    for index in range(header.last + 1):
        text = header.cell(index)
        if not text:
            continue
        name = "market" if words.is_market_heading(text) else "currency" if text.casefold() == "currency" else words.category(text)
        if name is None:
            what = f"the column {text!r} is no category"
            printed.refuse(header, text, what, f"delete it, or call it one of {', '.join(CATEGORIES)}")
            whole = False
        elif name in columns:
            printed.refuse(header, text, "the column stands twice", "delete one of the two")
            whole = False
        else:
            columns[name] = index
    for name in _ALWAYS:
        if name not in columns and whole:
            printed.refuse(header, "", f"the column {name} is missing", "name the whole list")
            whole = False
    return columns if whole else None


def _is_note(printed: Printed, row: SheetRow, market_index: int) -> bool:
    """Whether a row is a footnote: text in its first cell alone, and not a market's name."""
    text = row.cell(market_index)
    if row.last != market_index or text in printed.around.markets.named or text in printed.around.renamed:
        return False
    printed.remark_note(row, text)
    return True


def _take(
    printed: Printed, row: SheetRow, column: str, key: tuple[str | None, str | None, str], index: int, point_is_decimal: bool
) -> None:
    currency, market, category = key
    try:
        rate = words.rate(row.cell(index), point_is_decimal=point_is_decimal)
    except CellError as error:
        printed.refuse(row, column, error.what, error.mend)
        return
    if currency is not None and market is not None:
        printed.add(row, column, RateKey(currency, market, category), _WHOLE, rate, of_tiers=False)
