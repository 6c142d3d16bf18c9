"""What is shown of an invoice, in words and printed figures: terminal, HTML and PDF differ in how they set it.

Nothing is computed here but words: every amount is the text that the invoice has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from streams.invoices.figures import PLAIN, Figures
from streams.invoices.words import Words

_CYCLE_DAYS: Final = (28, 29, 30, 31)
_DATE_LENGTH: Final = len("2025-06-10")


class Row(NamedTuple):
    """A line of the invoice."""

    mark: str
    """Its number in the document: where its evidence stands."""
    name: str
    period: str
    note: str
    """How its months come about, in words; empty where they are whole."""
    quantity: str
    unit_price: str
    months: str
    fraction: str
    """The same as an exact fraction, `364/31`; empty where they are whole."""
    amount: str
    evidence: str


class Section(NamedTuple):
    """Lines under a heading."""

    name: str
    rows: tuple[Row, ...]
    subtotal: str
    """Empty where it would say what the total says."""


class View(NamedTuple):
    """A whole document."""

    language: str
    direction: str
    """`ltr` or `rtl`."""
    words: Words
    title: str
    number: str
    period: str
    facts: tuple[tuple[str, str], ...]
    """Account, date of issue, period: name and value."""
    sections: tuple[Section, ...]
    total: str
    currency: str
    issued_at: str
    """As the invoice has it."""

    @property
    def has_months(self) -> bool:
        """Whether any line is priced by month: an invoice of usage alone needs no such columns."""
        return any(row.unit_price for section in self.sections for row in section.rows)


def view_of(invoice: dict[str, Any], figures: Figures = PLAIN) -> View:
    """What is shown of an invoice (contract §6, as JSON)."""
    words, period = figures.words, figures.span(invoice["period"]["from"], invoice["period"]["to"])
    sections, marks = [], 0
    for each in invoice["sections"]:
        rows = [_row(line, str(marks + n), figures, words) for n, line in enumerate(each["lines"], 1)]
        marks += len(rows)
        needs_sum = len(invoice["sections"]) > 1
        heading = words.sections.get(each["lines"][0]["kind"], each["name"])
        sections.append(Section(heading, tuple(rows), figures.decimal(each["amount"]) if needs_sum else ""))
    return View(
        language=figures.language,
        direction=figures.direction,
        words=words,
        title={"annual": words.annual, "cycle": words.cycle, "amendment": words.amendment}[invoice["kind"]],
        number=invoice["number"],
        period=period,
        facts=(
            (words.account, invoice["account_id"]),
            (words.issued, figures.day(invoice["issued_at"][:_DATE_LENGTH])),
            (words.period, period),
            (words.currency, invoice["currency"]),
        ),
        sections=tuple(sections),
        total=figures.decimal(invoice["total"]),
        currency=invoice["currency"],
        issued_at=invoice["issued_at"],
    )


def _row(line: dict[str, Any], mark: str, figures: Figures, words: Words) -> Row:
    is_usage = line["unit_price"] is None
    quantity = figures.decimal(line["quantity"])
    if is_usage:
        quantity += f" {words.messages[line['quantity'] not in ('1', '-1')]}"
    return Row(
        mark=mark,
        name=line["name"],
        period=figures.span(line["period"]["from"], line["period"]["to"]),
        note=_in_words(line, words),
        quantity=quantity,
        unit_price="" if is_usage else figures.decimal(line["unit_price"]),
        months="" if is_usage else figures.decimal(line["months"]),
        fraction="" if line["proration"] is None else f"{line['proration']['numerator']}/{line['proration']['denominator']}",
        amount=figures.decimal(line["amount"]),
        evidence=_evidence(line, figures, words),
    )


def _in_words(line: dict[str, Any], words: Words) -> str:
    """`11 whole months, and 23 of the 31 days of the first cycle`: the exact fraction, as a customer can count it."""
    proration = line["proration"]
    if proration is None:
        return ""
    whole, rest = divmod(proration["numerator"], proration["denominator"])
    if proration["policy"] == "fixed-30-exclusive":
        of = 30
        days = rest * of // proration["denominator"]
    else:
        of = _days_of_first_cycle(line["period"], whole, rest, proration["denominator"])
        days = rest * of // proration["denominator"]
    if whole:
        text = words.one_month_and_days if whole == 1 else words.months_and_days
    else:
        text = words.thirtieths if proration["policy"] == "fixed-30-exclusive" else words.days
    said = text.format(months=whole, days=days, of=of)
    return f"{said}; {words.not_counted}" if proration["policy"] == "fixed-30-exclusive" else said


def _days_of_first_cycle(period: dict[str, str], whole: int, rest: int, denominator: int) -> int:
    """How many days the cycle has that a line begins in: the fraction is in lowest terms, the line's dates say the rest."""
    first, last = date.fromisoformat(period["from"]), date.fromisoformat(period["to"])
    possible = [days for days in _CYCLE_DAYS if days % denominator == 0]
    for of in possible:
        end = first + timedelta(days=rest * of // denominator - 1)
        if _lies_whole_cycles_before(end, last, whole):
            return of
    return possible[0]


def _lies_whole_cycles_before(end: date, last: date, whole: int) -> bool:
    """Whether whole cycles lead from the end of one cycle to the end of another: months, or thirty days each."""
    begins, final = end + timedelta(days=1), last + timedelta(days=1)
    months = (final.year - begins.year) * 12 + final.month - begins.month
    clamped = min(begins.day, final.day) >= _CYCLE_DAYS[0]
    return (last - end).days == 30 * whole or (months == whole and (begins.day == final.day or clamped))


def _evidence(line: dict[str, Any], figures: Figures, words: Words) -> str:
    if line["kind"] in ("usage", "adjustment"):
        days = ", ".join(figures.span(first, last) for first, last in _stretches(line["evidence"]))
        return words.usage_of.format(days=days)
    return words.commands[len(line["evidence"]) > 1].format(ids=", ".join(line["evidence"]))


def _stretches(days: Sequence[str]) -> list[tuple[str, str]]:
    """Days in order as stretches of consecutive ones."""
    found: list[tuple[str, str]] = []
    for day in days:
        if found and date.fromisoformat(found[-1][1]) + timedelta(days=1) == date.fromisoformat(day):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
