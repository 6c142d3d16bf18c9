"""Price lists that are Excel workbooks: what a cell shows is what the list says."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from streams.cards import published_files
from tests.catalog.published import bands, card, imported, problems

PREFACE: list[Sequence[Any]] = [["Cost per message in GBP, effective October 1, 2026"], [], ["Note: n/a where there is none"]]
HEADER = ["Market", "Currency", "Marketing", "Utility", "Authentication", "Authentication-\nInternational", "Service"]


def workbook(*sheets: tuple[str, Sequence[Sequence[Any]]], number_format: str = "General", hidden: str = "") -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        for cells in sheet.iter_rows():
            for cell in cells:
                if isinstance(cell.value, int | float):
                    cell.number_format = number_format
        if title == hidden:
            sheet.sheet_state = "hidden"
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def prices(*rows: Sequence[Any], **arguments: str) -> bytes:
    return workbook(("Rates", [*PREFACE, HEADER, *rows]), **arguments)


def france(*figures: Any) -> list[Any]:
    return ["France", "GBD", *figures]


def test_a_workbook_that_is_called_csv_is_read_as_what_it_is(tmp_path: Path) -> None:
    made = card(tmp_path, prices(france(0.0640, 0.0220, "0.0220", "n/a", 0.022), number_format="0.0000"))
    assert made.name == "meta-gbp-2026-10-01"
    assert [rate for *_, rate in bands(made)] == ["0.0640", "0.0220", "0.0220", None, "0.0220"]
    assert made.rates[0].source == "Meta, 0.csv line 5"


@pytest.mark.parametrize(
    ("value", "number_format", "rate"),
    [
        pytest.param(0.03, "0.0000", "0.0300", id="the decimals of its format"),
        pytest.param(0.03, "General", "0.03", id="its own, where the format says nothing"),
        pytest.param(0.03, '"£"0.0000', "0.0300", id="a currency in the format"),
        pytest.param(1940.13, "#,##0.00", "1940.13", id="thousands"),
        pytest.param(0.0225, "0.00##", "0.0225", id="decimals that show when needed"),
        pytest.param(3, "0.00", "3.00", id="a whole number"),
        pytest.param(0, "0.0000", "0.0000", id="zero"),
        pytest.param(1e-05, "General", "0.00001", id="a small one"),
    ],
)
def test_a_figure_has_the_decimals_that_its_cell_shows(tmp_path: Path, value: float, number_format: str, rate: str) -> None:
    made = card(tmp_path, prices(france(value, "0.1", "0.1", "n/a", "0.1"), number_format=number_format))
    assert made.rates[0].rate == rate


def test_the_tail_that_binary_leaves_on_a_number_is_not_printed(tmp_path: Path) -> None:
    data, again = io.BytesIO(prices(france(0.3, "0.1", "0.1", "n/a", "0.1"))), io.BytesIO()
    with zipfile.ZipFile(data) as parts, zipfile.ZipFile(again, "w") as copied:
        for name in parts.namelist():
            # Excel writes all 17 digits, where openpyxl writes fewer.
            copied.writestr(name, parts.read(name).replace(b"<v>0.3</v>", b"<v>0.30000000000000004</v>"))
    assert card(tmp_path, again.getvalue()).rates[0].rate == "0.3"


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        pytest.param(0.03164, "0.0000", "'0.0316, stored as 0.03164'", id="rounded by its format"),
        pytest.param(0.03, "0", "'0, stored as 0.03'", id="rounded to nothing"),
        pytest.param(True, "General", "'True'", id="a truth value"),
        pytest.param(datetime.datetime(2026, 10, 1), "yyyy-mm-dd", "'2026-10-01'", id="a date"),  # noqa: DTZ001 - a cell has no zone
        pytest.param("#N/A", "General", "'#N/A'", id="an error"),
    ],
)
def test_a_figure_that_shows_less_than_it_holds_or_is_none_is_refused(tmp_path: Path, value: Any, number_format: str, shown: str) -> None:
    [problem] = problems(tmp_path, prices(france(value, "0.1", "0.1", "n/a", "0.1"), number_format=number_format))
    assert problem.startswith(f"0.csv sheet Rates line 5, column Marketing: {shown} is no rate")


def test_a_formula_that_nobody_computed_is_no_rate(tmp_path: Path) -> None:
    found = problems(tmp_path, prices(france("=0.1*2", "0.1", "0.1", "n/a", "0.1")))
    assert found == ["0.csv sheet Rates line 5, column Marketing: the rate is empty; write it, or n/a for no rate"]


def test_a_day_of_effect_may_be_a_date_cell(tmp_path: Path) -> None:
    rows: list[Sequence[Any]] = [["Rates", "effective", datetime.date(2026, 10, 1)], HEADER, france("0.1", "0.1", "0.1", "n/a", "0.1")]
    assert card(tmp_path, workbook(("Rates", rows))).effective_from == "2026-10-01"


def test_the_sheets_with_prices_are_read_and_the_others_are_not(tmp_path: Path) -> None:
    tiers: list[Sequence[Any]] = [
        ["Volume tiers in GBP, effective October 1, 2026"],
        [None, None, "Utility"],
        ["Market\n(per rate card)", "Currency", "From", "To", "Rate type", "Rate", "vs. List rate"],
        ["France", "GBP", 0, 100_000, "List rate", 0.0220, 0],
        [None, "GBP", 100_001, "--", "Tier rate", 0.0209, -0.05],
    ]
    rates: list[Sequence[Any]] = [*PREFACE, HEADER, france(0.0640, 0.0220, 0.0220, "n/a", 0.0220)]
    data = workbook(("Read me", [["Hello"]]), ("Rates", rates), ("Tiers", tiers), ("Draft", rates), hidden="Draft")
    made = card(tmp_path, data)
    assert [(category, tier, rate) for _, category, tier, rate in bands(made)][:3] == [
        ("marketing", "1:MAX", "0.064"),
        ("utility", "1:100000", "0.022"),
        ("utility", "100001:MAX", "0.0209"),
    ]


def test_cells_that_were_merged_speak_for_the_row(tmp_path: Path) -> None:
    tiers: list[Sequence[Any]] = [
        ["effective October 1, 2026"],
        [None, None, "Utility"],
        ["Market", "Currency", "From", "To", "Rate type", "Rate", "vs. List rate"],
        ["France", "GBP", 0, 100, "List rate", 0.2, 0],
        [None, None, 101, "--", "Tier rate", 0.1, 0],
    ]
    assert [tier for _, _, tier, _ in bands(card(tmp_path, workbook(("Tiers", tiers))))] == ["1:100", "101:MAX"]


def test_a_workbook_without_prices_is_told(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, workbook(("Notes", [["Hello"]]), ("More", [["World"]])))
    assert problem.startswith("0.csv sheet Notes: has no header of Meta's price lists")


def test_mistakes_name_the_sheet(tmp_path: Path) -> None:
    found = problems(tmp_path, prices(["Atlantis", "GBP", 0.1, 0.1, 0.1, "n/a", 0.1]))
    assert [problem.partition(":")[0] for problem in found] == ["0.csv sheet Rates line 5, column Market"]


def test_a_workbook_that_unpacks_to_too_much_is_refused_unread(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", b" " * (published_files.BYTES_MAX + 1))
    assert problems(tmp_path, data.getvalue()) == ["0.csv: unpacks to more than 32 MiB; name a price list of Meta's"]


def test_a_sheet_with_a_cell_at_its_far_end_is_refused_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_files, "CELLS_MAX", 1_000)
    rows: list[Sequence[Any]] = [*PREFACE, HEADER, france("0.1", "0.1", "0.1", "n/a", "0.1"), [*[None] * 2_000, "far"]]
    assert problems(tmp_path, workbook(("Rates", rows))) == ["0.csv sheet Rates: has more than 1,000 cells; name a price list of Meta's"]


def test_remarks_name_the_sheet_too(tmp_path: Path) -> None:
    made = imported(tmp_path, prices(france("0.1", "0.1", "0.1", "n/a", "0.1")))
    assert [remark.removeprefix(f"{tmp_path}/") for remark in made.remarks] == [
        "0.csv sheet Rates line 5: the currency 'GBD' is read as GBP"
    ]
