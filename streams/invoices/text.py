"""An invoice for a terminal."""

from __future__ import annotations

from typing import Any, Final

from streams.invoices.view import Row, Section, view_of

_GAP: Final = "  "

Columns = tuple[str, str, str, str]
"""Name, how the amount comes about, period, amount."""


def text_of(invoice: dict[str, Any]) -> str:
    """An invoice (`schemas.invoices.Invoice` as JSON) as lines of text, without a line end at the end."""
    view = view_of(invoice)
    day, _, moment = view.issued_at.partition("T")
    head = [f"{view.title} {view.number}", f"{view.period} · issued {day} {moment[:5]} UTC · {view.currency}"]
    rows = [row for section in view.sections for row in _section(section)]
    total: Columns = (view.words.total, "", "", view.total)
    widths = [max(len(row[column]) for row in (*rows, total)) for column in range(4)]
    rule = "─" * (sum(widths) + len(_GAP) * 3)
    return "\n".join([*head, "", *(_set(row, widths) for row in rows), rule, _set(total, widths)])


def _section(section: Section) -> list[Columns]:
    sums: list[Columns] = [("", "", "", section.subtotal)] if section.subtotal and len(section.rows) > 1 else []
    return [(section.name, "", "", ""), *((f"{_GAP}{row.name}", _how(row), row.period, row.amount) for row in section.rows), *sums]


def _how(row: Row) -> str:
    if not row.unit_price:
        return row.quantity
    return f"{row.quantity} × {row.unit_price} × {row.months}" + (f" ({row.fraction})" if row.fraction else "")


def _set(row: Columns, widths: list[int]) -> str:
    name, how, period, amount = row
    return _GAP.join([name.ljust(widths[0]), how.ljust(widths[1]), period.ljust(widths[2]), amount.rjust(widths[3])]).rstrip()
