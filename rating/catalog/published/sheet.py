"""A sheet as its reader sees it: rows of cells, all of them text, whether it came as CSV or as a workbook."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_BLANKS = re.compile(r"\s+")


class SheetRow(NamedTuple):
    """One row."""

    line: int
    """As an editor or a spreadsheet numbers it, from 1; of a row with line breaks in its cells, the first."""
    cells: tuple[str, ...]

    def cell(self, index: int) -> str:
        """A cell in one line and without blanks around it; "" beyond the row's end."""
        return _BLANKS.sub(" ", self.cells[index]).strip() if index < len(self.cells) else ""

    @property
    def text(self) -> str:
        """The whole row in one line: a title that nobody quoted is parted at its commas."""
        return _BLANKS.sub(" ", ",".join(self.cells)).strip()

    @property
    def blank(self) -> bool:
        """Whether nothing stands in it."""
        return not any(cell.strip() for cell in self.cells)

    @property
    def last(self) -> int:
        """Index of the last cell that holds anything; -1 in a blank row."""
        return max((index for index, cell in enumerate(self.cells) if cell.strip()), default=-1)


class Sheet(NamedTuple):
    """A CSV file, or one sheet of a workbook."""

    name: str
    """As sentences name it: `usd.csv`, `usd.xlsx sheet Rates`."""
    file: str
    """The file's own name, without folders."""
    rows: Sequence[SheetRow]
    """In order; blank ones may be missing."""
