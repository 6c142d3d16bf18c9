"""What `wameter cards diff` compares: a card, a catalog directory, or the shipped catalog on a day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from rating.catalog import CatalogProblems
from rating.catalog.cards import CardRow, read_cards
from rating.catalog.cells import local_date
from rating.catalog.diff import Change, Difference, Rates, compare, rates_of, rates_on
from rating.catalog.problems import CellError, Findings
from streams.cards.catalog_files import CARDS_FOLDER, load_directory, read_text
from streams.cards.report import decimal_text, not_imported, printed_rate

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HUNDRED: Final = 100


class Side(NamedTuple):
    """One of the two."""

    named: str
    """What it is, for a heading: `usd.csv`, `the shipped catalog on 2026-10-01`."""
    rates: Rates


def diff(old: str, new: str, *, date: str | None = None) -> tuple[Side, Side, Difference]:
    """Compares two sides, each the name of a card's file, of a catalog directory, or a day of the shipped catalog.

    A directory is taken as `--catalog` takes it, laid over the shipped catalog, on `date`; without one on the other side's day, else
    on the latest day from which one of the directories' own rates holds. Raises `CatalogProblems`.
    """
    problems: list[str] = []
    for given in (old, new, *([date] if date is not None else [])):
        if _DATE.fullmatch(given):
            try:
                local_date(given)
            except CellError as error:
                problems.append(str(error))
        elif given is date:
            problems.append(f"--date {given} is no date; write it as 2026-01-01")
        elif not Path(given).exists():
            problems.append(
                f"{given} does not exist; name a card, a catalog directory, or a day of the shipped catalog, such as 2026-10-01"
            )
    if problems:
        raise CatalogProblems(problems)
    day = date or next((given for given in (new, old) if _DATE.fullmatch(given)), None) or _latest_day([old, new])
    sides, problems = [], []
    for given in (old, new):
        try:
            sides.append(_side(given, day))
        except CatalogProblems as found:
            problems += [problem for problem in found.problems if problem not in problems]
    if problems:
        raise CatalogProblems(problems)
    first, second = sides
    return first, second, compare(first.rates, second.rates)


def record(change: Change) -> dict[str, Any]:
    """One change as JSON: rates as their cards print them, null where there is none."""
    difference = change.difference_nanos
    return {
        "currency": change.key.currency,
        "market": change.key.market,
        "category": change.key.category,
        "tier": change.tier,
        "change": change.kind,
        "old": None if change.old is None else printed_rate(change.old),
        "new": None if change.new is None else printed_rate(change.new),
        "difference": None if difference is None else difference_text(change),
        "percent": None if change.percent_hundredths is None else percent_text(change.percent_hundredths),
        "old_card": None if change.old is None else change.old.card,
        "new_card": None if change.new is None else change.new.card,
    }


def difference_text(change: Change) -> str:
    """The difference with a sign, and with the decimals of the card that prints more."""
    decimals = max(row.decimals for row in (change.old, change.new) if row is not None)
    difference = change.difference_nanos or 0
    sign = "-" if difference < 0 else "+" if difference else ""
    return f"{sign}{decimal_text(abs(difference), decimals)}"


def percent_text(hundredths: int) -> str:
    """Percent with two decimals and a sign: `+15.05`."""
    whole, rest = divmod(abs(hundredths), _HUNDRED)
    return f"{'-' if hundredths < 0 else '+' if hundredths else ''}{whole}.{rest:02d}"


def _side(given: str, day: str | None) -> Side:
    if _DATE.fullmatch(given):
        return Side(f"the shipped catalog on {given}", rates_on(load_directory(None), given))
    path = Path(given)
    if path.is_dir():
        catalog = load_directory(path)
        on = day or max(row.effective_from for row in catalog.cards)
        return Side(f"{given} over the shipped catalog on {on}", rates_on(catalog, on))
    return Side(given, rates_of(_rows(path)))


def _rows(path: Path) -> list[CardRow]:
    findings = Findings()
    try:
        rows = read_cards(str(path), read_text(str(path), path), findings)
    except CatalogProblems as found:
        raise CatalogProblems(not_imported([path]) or found.problems) from None
    if problems := findings.sentences():
        raise CatalogProblems(not_imported([path]) or problems)
    return rows


def _latest_day(names: Sequence[str]) -> str | None:
    """The latest day from which a rate of one of the directories holds; None where there is no directory with cards."""
    directories = [Path(name) / CARDS_FOLDER for name in names if Path(name).is_dir()]
    days = []
    for path in (path for directory in directories for path in sorted(directory.glob("*.csv"))):
        try:
            days += [row.effective_from for row in read_cards(str(path), read_text(str(path), path), Findings())]
        except CatalogProblems:
            continue  # told where the directory is loaded
    return max(days, default=None)
