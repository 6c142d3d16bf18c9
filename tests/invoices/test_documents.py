"""Invoices as documents: everything that an invoice says stands in its HTML and its PDF, in the locale's signs, and nothing else."""

from __future__ import annotations

import json
import random
import re
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.numbers import parse_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.billing.offline import bill
from streams.errors import UserError
from streams.invoices.html import html_of
from streams.invoices.locales import figures_of
from streams.invoices.pdf import pdf_of
from streams.invoices.view import view_of
from tests.billing_laws.histories import generate
from tests.billing_oracle.dates import Calendar

LINE: dict[str, Any] = {
    "name": "Additional numbers",
    "kind": "additional",
    "quantity": "2",
    "unit_price": "6.00",
    "months": "11.74",
    "amount": "140.90",
    "period": {"from": "2024-08-08", "to": "2025-07-30"},
    "proration": {"policy": "actual-inclusive", "numerator": 364, "denominator": 31},
    "evidence": ["c-2", "c-3"],
}
USAGE: dict[str, Any] = LINE | {
    "name": "FR · marketing",
    "kind": "usage",
    "unit_price": None,
    "months": None,
    "proration": None,
    "evidence": ["2024-08-08"],
}


def invoice(*lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    section = {"name": "Users and Numbers", "amount": "140.90", "lines": list(lines) or [LINE]}
    usual = {
        "v": 1,
        "invoice_id": "x",
        "number": "acme-000002",
        "kind": "cycle",
        "account_id": "acme",
        "issued_at": "2024-08-31T06:00:00.000Z",
        "currency": "USD",
        "period": {"from": "2024-07-31", "to": "2024-08-30"},
        "sections": [section],
        "total": "140.90",
    }
    return {**usual, **fields}


class Text(HTMLParser):
    """The words of a page, without its style sheet."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] != "style" and data.strip():
            self.words.append(data.strip())


def words_of_pdf(document: bytes) -> str:
    """The texts that a page shows: ours are not compressed."""
    return " ".join(re.sub(rb"\\(.)", rb"\1", each).decode("cp1252") for each in re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", document))


def test_every_line_of_generated_invoices_stands_in_both_documents() -> None:
    seen = 0
    for seed in range(25):
        history = generate(random.Random(seed))
        for each in bill(history.commands, history.plans, history.totals, history.until)[1][:4]:
            view = view_of(each, figures_of("en_US"))
            html, pdf = " ".join(Text(html_of(view)).words), words_of_pdf(pdf_of(view))
            lines = [line for section in each["sections"] for line in section["lines"]]
            for text in [each["number"], each["account_id"], *(line["name"] for line in lines)]:
                assert text in html
            for amount in [each["total"], *(line["amount"] for line in lines)]:
                assert f"{Decimal(amount):,}" in html
                assert f"{Decimal(amount):,}" in pdf.replace("\u2013", "-")
            seen += len(lines)
    assert seen > 100


@pytest.mark.parametrize("locale", ["en_US", "fr_FR", "de_DE", "de_CH", "en_IN", "ja_JP", "pt_BR", "pl_PL", "sv_SE", "he_IL", "hi_IN"])
@pytest.mark.parametrize("text", ["140.90", "-1234567.005", "0.00", "12", "-5"])
def test_a_figure_is_printed_by_the_locale_and_no_digit_is_lost(locale: str, text: str) -> None:
    figures = figures_of(locale)
    printed = figures.decimal(text).replace("\u200e", "")  # Hebrew's mark of direction
    assert parse_decimal(printed, locale=figures.locale, numbering_system="default") == Decimal(text)


def test_figures_and_words_follow_the_locale() -> None:
    row = view_of(invoice(LINE | {"amount": "1234.50"}), figures_of("fr-FR")).sections[0].rows[0]
    assert (row.amount, row.period) == ("1\u202f234,50", "8 août 2024 – 30 juil. 2025")
    assert row.note == "11 mois entiers, et 23 des 31 jours du premier cycle"
    assert view_of(invoice(USAGE), figures_of("fr")).sections[0].name == "Consommation WhatsApp"
    assert view_of(invoice(), figures_of("nl")).words.total == "Total", "English where there are no words"


@pytest.mark.parametrize(
    ("proration", "period", "said"),
    [
        (("actual-inclusive", 29, 30), ("2025-06-11", "2025-07-09"), "29 of the 30 days of its cycle"),
        (("actual-inclusive", 1, 2), ("2025-02-15", "2025-02-28"), "14 of the 28 days of its cycle"),
        (("actual-inclusive", 1, 2), ("2025-06-16", "2025-06-30"), "15 of the 30 days of its cycle"),
        (("actual-inclusive", 364, 31), ("2024-08-08", "2025-07-30"), "11 whole months, and 23 of the 31 days of the first cycle"),
        (("actual-inclusive", 3, 2), ("2025-06-16", "2025-07-31"), "a whole month, and 15 of the 30 days of the first cycle"),
        (("fixed-30-exclusive", 1, 2), ("2025-05-15", "2025-05-30"), "15 of 30 days; the day of purchase is not counted"),
    ],
)
def test_proration_is_told_in_days_that_a_customer_can_count(proration: tuple[str, int, int], period: tuple[str, str], said: str) -> None:
    policy, numerator, denominator = proration
    line = LINE | {
        "proration": {"policy": policy, "numerator": numerator, "denominator": denominator},
        "period": {"from": period[0], "to": period[1]},
    }
    assert view_of(invoice(line)).sections[0].rows[0].note == said


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.dates(date(2023, 1, 1), date(2026, 12, 31)), st.booleans(), st.booleans(), st.integers(0, 365))
def test_the_days_that_are_told_are_those_of_the_calendar(start: date, by_month: bool, upfront: bool, offset: int) -> None:
    calendar = Calendar(start, by_month=by_month, cycles_per_term=12 if upfront else 1, upfront=upfront, inclusive=True)
    day = start + timedelta(days=offset)
    last = calendar.paid_period(day).last
    months, cycle = calendar.months(day, last), calendar.cycle(calendar.cycle_number(day))
    if months.denominator > 1:
        proration = {"policy": "actual-inclusive", "numerator": months.numerator, "denominator": months.denominator}
        line = LINE | {"proration": proration, "period": {"from": day.isoformat(), "to": last.isoformat()}}
        assert f"{(cycle.last - day).days + 1} of the {cycle.days} days" in view_of(invoice(line)).sections[0].rows[0].note


def test_usage_is_counted_in_messages_and_rests_on_days_told_as_stretches() -> None:
    days = ["2024-08-01", "2024-08-02", "2024-08-03", "2024-08-07"]
    row = view_of(invoice(USAGE | {"quantity": "1", "evidence": days}), figures_of("en_US")).sections[0].rows[0]
    assert (row.quantity, row.unit_price, row.months) == ("1 message", "", "")
    assert row.evidence == "usage of Aug 1, 2024 – Aug 3, 2024, Aug 7, 2024"


def test_names_cannot_write_html_or_markup_of_the_pdf() -> None:
    hostile = "</td><script>alert(1)</script> & <b>bold</b>"
    view = view_of(invoice(LINE | {"name": hostile}, account_id=hostile))
    page = Text(html_of(view))
    assert "script" not in page.tags
    assert hostile in page.words
    assert "<b>bold</b>" in words_of_pdf(pdf_of(view)).replace(" ", "")


def test_equal_invoices_are_equal_bytes() -> None:
    assert pdf_of(view_of(invoice())) == pdf_of(view_of(invoice()))
    assert html_of(view_of(invoice())) == html_of(view_of(invoice()))


def test_a_long_invoice_goes_over_pages_that_are_numbered_and_repeat_the_head() -> None:
    words = words_of_pdf(pdf_of(view_of(invoice(*[LINE | {"name": f"Line {n} " + "of a long name " * 12} for n in range(60)]))))
    pages = words.count("Page ")
    assert f"Page {pages} of {pages}" in words
    assert 3 < words.count("Description") <= pages
    assert words.count("Line 59") == 2, "as a line, and where its evidence stands"


@pytest.mark.parametrize("locale", ["fr_FR", "de_CH", "sv_SE", "pt_BR", "es_ES", "it_IT", "nl_NL", "nb_NO", "fi_FI"])
def test_what_western_locales_write_is_in_helvetica(locale: str) -> None:
    pdf = words_of_pdf(pdf_of(view_of(invoice(LINE | {"amount": "-1234567.50"}), figures_of(locale))))
    digits = re.sub(r"[^0-9]", "", pdf)
    assert "123456750" in digits


@pytest.mark.parametrize("word", ["x", "long name "])
def test_names_of_any_length_leave_room_for_the_amounts(word: str) -> None:
    pdf = words_of_pdf(pdf_of(view_of(invoice(LINE | {"name": word * 9000}, number=f"{word * 300}-000001", account_id=word * 300))))
    assert "140.90 USD" in pdf


def test_letters_that_helvetica_lacks_ask_for_a_font() -> None:
    view = view_of(invoice(account_id="株式会社"))
    with pytest.raises(UserError, match=r"invoice acme-000002: '株' is in no font that every PDF reader has; .*--font FILE\.ttf"):
        pdf_of(view)
    assert "株式会社".encode() in html_of(view)


def test_a_font_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "no.ttf").write_text("no font", encoding="utf-8")
    with pytest.raises(UserError, match="is no TrueType font"):
        pdf_of(view_of(invoice()), str(tmp_path / "no.ttf"))


def test_an_unknown_locale_is_said() -> None:
    with pytest.raises(UserError, match="--locale xx_YY: is no locale"):
        view_of(invoice(), figures_of("xx_YY"))


def test_nothing_of_an_invoice_is_computed_again() -> None:
    wrong = invoice(LINE | {"amount": "1.00"}, total="2.00")
    view = view_of(json.loads(json.dumps(wrong)))
    assert (view.sections[0].rows[0].amount, view.total) == ("1.00", "2.00")
