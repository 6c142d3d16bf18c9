"""Reads the text of one CSV file into rows of named cells, with the line numbers an editor shows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import TypeVar

from rating.catalog.problems import CellError, Findings, Place

T = TypeVar("T")


class TableRow:
    """One row of a file, of which every cell can be read and every mistake is noted."""

    __slots__ = ("_findings", "cells", "file", "line", "whole")

    def __init__(self, file: str, line: int, cells: dict[str, str], findings: Findings) -> None:
        self.file = file
        self.line = line
        """Of the row's first line, where a quoted cell holds line breaks."""
        self.cells = cells
        """Column to text, without surrounding blanks."""
        self.whole = True
        """False once a cell could not be read: the row is then no price and no market."""
        self._findings = findings

    def read(self, column: str, reader: Callable[[str], T], instead: T) -> T:
        """What `reader` makes of a cell; `instead` where it raises `CellError`, which is noted."""
        try:
            return reader(self.cells[column])
        except CellError as mistake:
            self.refuse(column, mistake.what, mistake.mend)
            return instead

    def refuse(self, column: str, what: str, mend: str) -> None:
        """Notes a mistake that only shows where several cells are looked at together."""
        self._findings.add(Place(self.file, self.line, column), what, mend)
        self.whole = False


def read_table(file: str, text: str, required: Sequence[str], findings: Findings) -> list[TableRow]:
    """The rows below the header, in the file's order; columns may stand in any order, unknown ones are kept.

    Blank lines are skipped, and a byte-order mark before the header. A row with too few or too many cells is a
    mistake of its own: a cell that slipped would silently turn one price into another.
    """
    lines = _split(file, text.removeprefix("\ufeff"), findings)
    if not lines:
        if findings.none_in(file):
            findings.add(Place(file, 1, ""), "the file is empty", f"begin it with the line {','.join(required)}")
        return []
    header_line, header = lines[0]
    header_is_whole = True
    for column in required:
        if header.count(column) != 1:
            what = "the column is missing" if column not in header else "the column stands twice"
            findings.add(Place(file, header_line, column), what, f"begin the file with the line {','.join(required)}")
            header_is_whole = False
    if not header_is_whole:
        return []
    rows = []
    for line, cells in lines[1:]:
        if len(cells) == len(header):
            rows.append(TableRow(file, line, dict(zip(header, cells, strict=True)), findings))
        else:
            what = f"{len(cells)} cells stand under {len(header)} columns"
            findings.add(Place(file, line, ""), what, "write one cell for every column and quote a cell that holds a comma")
    return rows


def _split(file: str, text: str, findings: Findings) -> list[tuple[int, list[str]]]:
    """Cells of every line that is not blank, each with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines = []
    first_line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                lines.append((first_line, stripped))
            first_line = reader.line_num + 1
    except csv.Error as error:
        findings.add(Place(file, first_line, ""), f"the line is no CSV ({error})", "close every quote, and double one inside a cell")
    return lines
