"""An invoice as a customer reads it, in plain text."""

from __future__ import annotations

from typing import Any, Final

_KINDS: Final = {"amendment": "Amendment invoice", "cycle": "Invoice", "annual": "Annual invoice"}
_GAP: Final = "  "

Row = tuple[str, ...]
"""Name, how the amount comes about, period, amount."""


def printed(invoice: dict[str, Any]) -> str:
    """An invoice (`schemas.invoices.Invoice` as JSON) as lines of text, without a line end at the end."""
    issued_day, _, issued_time = invoice["issued_at"].partition("T")
    head = [
        f"{_KINDS[invoice['kind']]} {invoice['number']}",
        f"{_period(invoice['period'])} · issued {issued_day} {issued_time[:5]} UTC · {invoice['currency']}",
    ]
    sections = invoice["sections"]
    rows = [row for section in sections for row in _section(section, with_sum=len(sections) > 1)]
    total: Row = ("Total", "", "", invoice["total"])
    widths = [max(len(row[column]) for row in (*rows, total)) for column in range(4)]
    body = [_set(row, widths) for row in rows]
    rule = "─" * (sum(widths) + len(_GAP) * 3)
    return "\n".join([*head, "", *body, rule, _set(total, widths)])


def _section(section: dict[str, Any], *, with_sum: bool) -> list[Row]:
    lines = [_line(line) for line in section["lines"]]
    return [(section["name"], "", "", ""), *lines, *([("", "", "", section["amount"])] if with_sum and len(lines) > 1 else [])]


def _line(line: dict[str, Any]) -> Row:
    if line["unit_price"] is None:
        messages = f"{line['quantity']} message{'' if line['quantity'] in ('1', '-1') else 's'}"
        return (f"{_GAP}{line['name']}", messages, _period(line["period"]), line["amount"])
    months = line["months"]
    if line["proration"] is not None:
        months += f" ({line['proration']['numerator']}/{line['proration']['denominator']})"
    return (f"{_GAP}{line['name']}", f"{line['quantity']} × {line['unit_price']} × {months}", _period(line["period"]), line["amount"])


def _period(period: dict[str, str]) -> str:
    return f"{period['from']} … {period['to']}"


def _set(row: Row, widths: list[int]) -> str:
    name, how, period, amount = row
    return _GAP.join([name.ljust(widths[0]), how.ljust(widths[1]), period.ljust(widths[2]), amount.rjust(widths[3])]).rstrip()
