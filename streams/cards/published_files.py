"""Reads the files in which Meta publishes prices, CSV or Excel workbook, whatever they are called.

The first bytes tell which it is: Meta has called a workbook `.csv`. A user's mistake goes to `findings`.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import warnings
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rating.catalog.problems import Findings, Place
from rating.catalog.published import Sheet, SheetRow
from rating.catalog.published.read import has_prices

BYTES_MAX: Final = 32 * 1024 * 1024
"""Of a file, and of what a workbook unpacks to; Meta's have well under one."""
CELLS_MAX: Final = 2_000_000
"""Of a worksheet, empty ones counted; Meta's have a few thousand."""
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_FRACTION = re.compile(r"\.([0#?]+)")


def read_sheets(path: Path, findings: Findings) -> list[Sheet]:
    """The sheets of one file: of a CSV file its one, of a workbook those with prices, or all where none has.

    Empty where the file cannot be read, which is then noted.
    """
    data = _bytes(path, findings)
    if data is None:
        return []
    if data.startswith(_ZIP):
        return _workbook(path, data, findings)
    if data.startswith(_OLD_EXCEL):
        _refuse(path, "is a workbook of Excel 97", "save it as .xlsx or as CSV in UTF-8", findings)
        return []
    return _csv(path, data, findings)


def is_published(path: Path) -> bool:
    """Whether a file has the layout in which Meta publishes prices, and so is no card of a catalog yet."""
    return any(has_prices(sheet) for sheet in read_sheets(path, Findings()))


def _bytes(path: Path, findings: Findings) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        _refuse(path, f"cannot be read ({(error.strerror or 'error').lower()})", "name a readable file", findings)
        return None
    if len(data) > BYTES_MAX:
        _refuse(path, f"has more than {BYTES_MAX // 2**20} MiB", "name a price list of Meta's", findings)
        return None
    return data


def _csv(path: Path, data: bytes, findings: Findings) -> list[Sheet]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        _refuse(path, "is UTF-16", "save it as CSV in UTF-8", findings)
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        findings.add(Place(str(path), line, ""), "a byte there is no UTF-8", "save the file as CSV in UTF-8")
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    first_line = 1
    try:
        for cells in reader:
            rows.append(SheetRow(first_line, tuple(cells)))
            first_line = reader.line_num + 1
    except csv.Error as error:
        findings.add(Place(str(path), first_line, ""), f"the line is no CSV ({error})", "close every quote, and double one inside a cell")
        return []
    return [Sheet(str(path), path.name, rows)]


def _workbook(path: Path, data: bytes, findings: Findings) -> list[Sheet]:
    import openpyxl

    file = io.BytesIO(data)
    try:
        with zipfile.ZipFile(file) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > BYTES_MAX:
            _refuse(path, f"unpacks to more than {BYTES_MAX // 2**20} MiB", "name a price list of Meta's", findings)
            return []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which price nothing
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception:  # openpyxl lets through whatever a broken file makes it stumble over
        _refuse(path, "begins like a workbook and cannot be read as one", "download it again, or save it as CSV in UTF-8", findings)
        return []
    sheets = []
    for sheet in book.worksheets:
        if sheet.sheet_state == "visible":
            named = f"{path} sheet {sheet.title}"
            rows = _rows(sheet)
            if rows is None:
                findings.add(Place(named, 0, ""), f"has more than {CELLS_MAX:,} cells", "name a price list of Meta's")
            else:
                sheets.append(Sheet(named, path.name, rows))
    return [sheet for sheet in sheets if has_prices(sheet)] or sheets[:1]


def _rows(sheet: Any) -> list[SheetRow] | None:
    """The rows of a worksheet that are not blank; None where there are too many cells to be a price list."""
    sheet.reset_dimensions()  # what a workbook says of its own size is often wrong
    rows = []
    seen = 0
    for number, cells in enumerate(sheet.rows, 1):
        seen += 1 + len(cells)
        if seen > CELLS_MAX:
            return None
        row = SheetRow(number, tuple(_text(cell) for cell in cells))
        if not row.blank:
            rows.append(row)
    return rows


def _text(cell: Any) -> str:
    """What a cell shows, a number with the decimals of its format; where it shows less than it holds, that is said: it is no rate then."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    # A workbook keeps numbers in binary; fifteen digits are what Excel itself shows and compares of them.
    exact = Decimal(f"{value:.15g}")
    decimals = max(0, -int(exact.normalize().as_tuple().exponent))
    number_format = str(cell.number_format).split(";")[0]
    if number_format == "General" or "%" in number_format or "0" not in number_format:
        return f"{exact:.{decimals}f}"
    fraction = _FRACTION.search(number_format)
    places = fraction[1] if fraction else ""
    if decimals > len(places):
        return f"{exact:.{len(places)}f}, stored as {exact:f}"
    return f"{exact:.{max(decimals, places.count('0'))}f}"


def _refuse(path: Path, what: str, mend: str, findings: Findings) -> None:
    findings.add(Place(str(path), 0, ""), what, mend)
