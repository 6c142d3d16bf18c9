"""Tells which of Meta's two layouts a sheet has, and from which day on its prices hold."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rating.catalog.problems import CellError, Place
from rating.catalog.published import list_rates, tiers, words
from rating.catalog.published.printed import Printed, PrintedRate, Surroundings
from rating.catalog.published.sheet import Sheet, SheetRow

_CONVERSATION = re.compile(r"\bper[- ]conversation\b", re.IGNORECASE)
_CURRENCY = re.compile(r"\bin ([^\s,.;:)]+)")


def has_prices(sheet: Sheet) -> bool:
    """Whether a sheet has a header of either layout; a workbook may hold other sheets."""
    return any(list_rates.is_header(row) or tiers.is_header(row) for row in sheet.rows)


def read_sheet(sheet: Sheet, around: Surroundings) -> list[PrintedRate]:
    """The rates of one sheet. What is wrong goes to `around.findings`, and the rates in question are left out.

    Whatever stands above the header is a preface: of it the day of effect is read, and nothing else is made of it
    than a check that the list prices messages, in the currency of its rows.
    """
    header = next((index for index, row in enumerate(sheet.rows) if list_rates.is_header(row) or tiers.is_header(row)), None)
    if header is None:
        _refuse_without_header(sheet, around)
        return []
    preface = sheet.rows[:header]
    effective_from = _day_of_effect(sheet, preface, around)
    if effective_from is None or _prices_conversations(sheet, preface, around):
        return []
    printed = Printed(sheet, around, effective_from)
    if list_rates.is_header(sheet.rows[header]):
        list_rates.read(printed, header)
    else:
        tiers.read(printed, header)
    _check_currency_of_preface(printed, preface)
    return printed.rates


def _refuse_without_header(sheet: Sheet, around: Surroundings) -> None:
    if not any(not row.blank for row in sheet.rows):
        around.findings.add(Place(sheet.name, 0, ""), "is empty", "name a rate card or a table of volume tiers of Meta's")
        return
    crammed = next((row for row in sheet.rows if row.last == 0 and re.match(r"market[;\t]", row.cell(0), re.IGNORECASE)), None)
    if crammed is not None:
        what = "the cells are not parted by commas"
        around.findings.add(Place(sheet.name, crammed.line, ""), what, "save it as CSV with commas, or as a workbook")
        return
    if "effective_from" in (row.cell(0) for row in sheet.rows[:1]):
        around.findings.add(Place(sheet.name, 0, ""), "is a card already", "use it as it is")
        return
    mend = (
        "name a rate card (Market, Currency, Marketing, Utility, Authentication …) or a table of volume tiers (From, To, Rate type, Rate …)"
    )
    around.findings.add(Place(sheet.name, 0, ""), "has no header of Meta's price lists", mend)


def _day_of_effect(sheet: Sheet, preface: Sequence[SheetRow], around: Surroundings) -> str | None:
    """The day that the preface or the user names; a mistake is noted where neither does, or where they differ."""
    said: dict[str, int] = {}
    for row in preface:
        try:
            for day in words.days_of_effect(row.text):
                said.setdefault(day, row.line)
        except CellError as error:
            around.findings.add(Place(sheet.name, row.line, ""), error.what, error.mend)
            return None
    given = around.effective_from
    if given is not None and (not said or given in said):
        return given
    if given is not None:
        day, line = next(iter(said.items()))
        what = f"the list is effective {day}, and --effective-from says {given}"
        around.findings.add(Place(sheet.name, line, ""), what, "leave the flag out, or name the right list")
    elif len(said) > 1:
        what = f"the list names several days of effect: {', '.join(said)}"
        around.findings.add(Place(sheet.name, max(said.values()), ""), what, "say which counts with --effective-from DATE")
    elif not said:
        mend = "say from which day on it holds with --effective-from DATE"
        around.findings.add(Place(sheet.name, 0, ""), "names no day of effect above its header", mend)
    else:
        return next(iter(said))
    return None


def _title(preface: Sequence[SheetRow]) -> Sequence[SheetRow]:
    """The first row that says anything, or none; the notes below it may speak of other times and currencies."""
    return [row for row in preface if not row.blank][:1]


def _prices_conversations(sheet: Sheet, preface: Sequence[SheetRow], around: Surroundings) -> bool:
    for row in _title(preface):
        if _CONVERSATION.search(row.text):
            what = "the list prices conversations, as WhatsApp did until 2025-06-30"
            around.findings.add(Place(sheet.name, row.line, ""), what, "name one that prices messages")
            return True
    return False


def _check_currency_of_preface(printed: Printed, preface: Sequence[SheetRow]) -> None:
    """`Cost per message in USD` above a column of euros: one of the two is wrong, and nobody can tell which."""
    for row in _title(preface):
        for word in _CURRENCY.findall(row.text):
            try:
                code = words.currency(word)
            except CellError:
                continue  # "in India", "in this table"
            if printed.currency_code not in (None, code):
                what = f"the list says that it is in {word}, and its rows are in {printed.currency_code}"
                printed.refuse(row, "", what, "name the right list, or mend the one that is wrong")
                return
