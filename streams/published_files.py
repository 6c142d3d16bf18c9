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
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_FRACTION = re.compile(r"\.(0+)")


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
        _refuse(path, "the file is a workbook of Excel 97", "save it as .xlsx or as CSV in UTF-8", findings)
        return []
    return _csv(path, data, findings)


def _bytes(path: Path, findings: Findings) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        _refuse(path, f"the file cannot be read ({(error.strerror or 'error').lower()})", "name a readable file", findings)
        return None
    if len(data) > BYTES_MAX:
        _refuse(path, f"the file has more than {BYTES_MAX // 2**20} MiB", "name a price list of Meta's", findings)
        return None
    return data


def _csv(path: Path, data: bytes, findings: Findings) -> list[Sheet]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        _refuse(path, "the file is UTF-16", "save it as CSV in UTF-8", findings)
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
            _refuse(path, f"the workbook unpacks to more than {BYTES_MAX // 2**20} MiB", "name a price list of Meta's", findings)
            return []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which price nothing
            book = openpyxl.load_workbook(file, data_only=True)
    except Exception:  # openpyxl lets through whatever a broken file makes it stumble over
        _refuse(
            path, "the file begins like a workbook and cannot be read as one", "download it again, or save it as CSV in UTF-8", findings
        )
        return []
    sheets = [
        Sheet(
            f"{path} sheet {sheet.title}", path.name, [SheetRow(number, tuple(map(_text, row))) for number, row in enumerate(sheet.rows, 1)]
        )
        for sheet in book.worksheets
        if sheet.sheet_state == "visible"
    ]
    return [sheet for sheet in sheets if has_prices(sheet)] or sheets[:1]


def _text(cell: Any) -> str:
    """What a cell shows: a number with the decimals of its format, and never fewer than it has."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    # A workbook keeps numbers in binary; fifteen digits are what Excel itself shows and compares of them.
    exact = Decimal(f"{value:.15g}")
    fraction = _FRACTION.search(str(cell.number_format).split(";")[0])
    decimals = max(len(fraction[1]) if fraction else 0, -int(exact.normalize().as_tuple().exponent))
    return f"{exact:.{decimals}f}"


def _refuse(path: Path, what: str, mend: str, findings: Findings) -> None:
    findings.add(Place(str(path), 1, ""), what, mend)
