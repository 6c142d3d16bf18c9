"""Figures that many lines share, each worked out once: prices of a day are few, messages are many.

Nothing here is state: a process that has forgotten all of it decides the same, only slower. What must be remembered, the figures of
published lines, lies in the state under their name.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from rating import keys
from rating.catalog import Catalog
from rating.decision import Circumstances, Ruling, ruling_on
from rating.ids import digest_of
from rating.lines import LineText, line_text
from rating.records import Band, Figures, Version, decode_figures, encode
from rating.rulebooks import Rulebook
from rating.stage import State
from rating.tiers.tallies import Counted, counted
from rating.totals import TotalText, total_text

_REMEMBERED: Final = 100_000


class Priced(NamedTuple):
    """Figures with everything about them that need be written only once."""

    figures: Figures
    name: bytes
    """16 bytes; equal figures have one name."""
    line: LineText
    total: TotalText
    base: bytes
    """Name of the figures that were decided: its own, or where it prices a higher volume band, those of the first band."""
    counted: Counted | None
    """Where its messages are counted for volume bands."""


class Decided(NamedTuple):
    """A ruling, its figures priced. A text is why there is no price: `no_rate`."""

    category: str
    in_allowance: Priced | str
    beyond_allowance: Priced | str | None
    takes_place: bool


class Library:
    """The books of a catalog: one for each time as of which it is asked."""

    def __init__(self, catalog: Catalog, always: Rulebook | None = None) -> None:
        """`always` is the rulebook for all dates, where they are not to choose it."""
        self._catalog = catalog
        self._always = always
        self._books: dict[str, FiguresBook] = {}
        self._by_name: dict[bytes, Priced] = {}

    def as_known(self, known_at: str) -> FiguresBook:
        """The book of the catalog as it was known on a date; empty: at the beginning."""
        found = self._books.get(known_at)
        if found is None:
            found = self._books[known_at] = FiguresBook(self._catalog.as_known(known_at), self._always, self._by_name)
        return found


class FiguresBook:
    """Rulings by their circumstances, all by one catalog as known at one time; and figures by their name."""

    def __init__(self, catalog: Catalog, always: Rulebook | None, by_name: dict[bytes, Priced]) -> None:
        """`always` is the rulebook for all dates, where they are not to choose it; `by_name` is shared with other books."""
        self.catalog = catalog
        self.always: Final = always
        self._rulings: dict[Circumstances, Decided] = {}
        self._by_name = by_name
        self._in_band: dict[tuple[bytes, int], Priced] = {}

    def ruling(self, given: Circumstances, account_id: str, version: Version) -> Decided:
        """The ruling on circumstances. `account_id` and `version` belong to the profiles that these name."""
        known = self._rulings.get(given)
        if known is None:
            if len(self._rulings) >= _REMEMBERED:
                self._rulings.clear()
            known = self._rulings[given] = self._decided(ruling_on(given, account_id, version, self.catalog, self.always))
        return known

    def named(self, name: bytes, state: State) -> Priced:
        """The figures that a line was published with; `keep` must have been called for them."""
        known = self._by_name.get(name)
        if known is None:
            encoded = state.get(keys.FIGURES + name)
            if encoded is None:
                raise AssertionError("a line in force without its figures")
            known = self._priced(decode_figures(encoded))
        return known

    def in_band(self, priced: Priced, band: int) -> Priced:
        """The same decision, priced in another volume band (from 0) of its terms."""
        if priced.counted is None or priced.counted.band == band:
            return priced
        found = self._in_band.get((priced.name, band))
        if found is None:
            if len(self._in_band) >= _REMEMBERED:
                self._in_band.clear()
            found = self._in_band[priced.name, band] = self._priced(in_band(priced.figures, priced.counted.terms.bands[band]))
        return found

    def keep(self, priced: Priced, state: State) -> bool:
        """Puts figures in the state, where a line that is published with them will find them again; False if they are there."""
        key = keys.FIGURES + priced.name
        if state.get(key) is not None:
            return False
        state.put(key, encode(priced.figures))
        return True

    def _decided(self, ruling: Ruling) -> Decided:
        inside, beyond = ruling.in_allowance, ruling.beyond_allowance
        return Decided(
            ruling.category,
            inside if isinstance(inside, str) else self._priced(inside),
            beyond if beyond is None or isinstance(beyond, str) else self._priced(beyond),
            ruling.takes_place,
        )

    def _priced(self, figures: Figures) -> Priced:
        name = digest_of(encode(figures))
        known = self._by_name.get(name)
        if known is None:
            if len(self._by_name) >= _REMEMBERED:
                self._by_name.clear()
            base, total = name, total_text(figures)
            if figures.terms is not None:
                base = digest_of(encode(in_band(figures, figures.terms.bands[0])))
            known = self._by_name[name] = Priced(figures, name, line_text(figures), total, base, counted(figures, total.record_key))
        return known


def in_band(figures: Figures, band: Band) -> Figures:
    """The same figures at the prices of another volume band of their terms."""
    return msgspec.structs.replace(figures, tier=band.tier, cost_nanos=band.cost_nanos, amount_nanos=band.amount_nanos)
