"""What reading a published price list yields: rates where they stand, and remarks on what was read otherwise than written."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

from rating.catalog.cards import RateKey
from rating.catalog.markets import MarketTable, named_on
from rating.catalog.problems import CellError, Findings, Place
from rating.catalog.published import words
from rating.catalog.published.sheet import Sheet, SheetRow


class PrintedRate(NamedTuple):
    """One rate of a card, or one band of a tier table."""

    place: Place
    """Of its rate."""
    source: str
    key: RateKey
    effective_from: str
    tier_from: int
    tier_to: int | None
    """Inclusive; None has no end."""
    rate: str | None
    """A decimal with the card's own decimals, without thousands commas; None where it prints `n/a`."""
    of_tiers: bool
    """Whether a tier table prints it."""


@dataclass(slots=True)
class Surroundings:
    """What a list does not say by itself, and where its mistakes go."""

    markets: MarketTable
    effective_from: str | None
    """ISO text, given by the user; None where the list itself must say it."""
    renamed: Mapping[str, str]
    """The user's own word for what a market's printed name means: `Türkiye` is `Turkey`."""
    findings: Findings
    source: str | None = None
    """The user's own word for where the lists come from."""
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Printed:
    """Collects the rates of one sheet."""

    sheet: Sheet
    around: Surroundings
    effective_from: str
    rates: list[PrintedRate] = field(default_factory=list)
    _spelled: dict[str, tuple[str, int]] = field(default_factory=dict)
    _living: Set[str] = field(default_factory=set)

    def refuse(self, row: SheetRow, column: str, what: str, mend: str) -> None:
        """Notes a mistake."""
        self.around.findings.add(Place(self.sheet.name, row.line, column), what, mend)

    def remark(self, row: SheetRow, what: str) -> None:
        """Notes what a reader of the result should know."""
        self.around.remarks.append(f"{Place(self.sheet.name, row.line, '')}: {what}")

    def remark_note(self, row: SheetRow, text: str) -> None:
        """Notes that a row was no row of prices."""
        self.remark(row, f"left out as a note: {text if len(text) <= 60 else text[:59] + '…'}")

    def add(self, row: SheetRow, column: str, key: RateKey, band: tuple[int, int | None], rate: str | None, *, of_tiers: bool) -> None:
        """Takes a rate down."""
        place = Place(self.sheet.name, row.line, column)
        source = self.around.source or f"Meta, {self.sheet.file} line {row.line}"
        self.rates.append(PrintedRate(place, source, key, self.effective_from, *band, rate, of_tiers))

    def market(self, row: SheetRow, text: str) -> str | None:
        """The market that a cell names; None, and a mistake noted, where the market table knows none of the day."""
        name = self.around.renamed.get(text, text)
        known = self.around.markets.named
        if not self._living:
            self._living = named_on(self.around.markets.rows, self.effective_from)
        if name in self._living:
            return name
        if name in known:
            what = f"{name} is no market on {self.effective_from}"
            self.refuse(row, "Market", what, "check the day of effect, or lay a market table over the shipped one with --catalog")
        else:
            close = get_close_matches(name, sorted(known), n=1)
            meant = close[0] if close else "NAME"
            self.refuse(
                row, "Market", f"{name!r} is no market that the market table names", f"say which it is with --market '{text}={meant}'"
            )
        return None

    def currency(self, row: SheetRow, text: str) -> str | None:
        """The currency that a cell names; None, and a mistake noted, where it names none, or another one than the rows before."""
        try:
            code = words.currency(text)
        except CellError as error:
            self.refuse(row, "Currency", error.what, error.mend)
            return None
        first, line = self._spelled.setdefault(code, (text, row.line))
        if first == text and line == row.line and text != code:
            self.remark(row, f"the currency {text!r} is read as {code}")
        if len(self._spelled) > 1 and code != next(iter(self._spelled)):
            other, other_line = next(iter(self._spelled.values()))
            self.refuse(
                row, "Currency", f"the currency is {text}, and {other} in line {other_line}", "keep the rates of one currency in a file"
            )
            return None
        return code

    @property
    def currency_code(self) -> str | None:
        """The currency of the rows so far."""
        return next(iter(self._spelled), None)
