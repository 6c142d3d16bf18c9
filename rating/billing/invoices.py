"""Invoices: lines put under headings, numbered, added up.

Source: contract §6, billing.md §7.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rating.billing.calendar import Span
from rating.billing.charges import Terms
from rating.billing.currency import print_minor
from rating.billing.records import Account, Line
from rating.ids import digest
from schemas.instants import format_instant
from schemas.invoices import InvoiceKind

USAGE: Final = "WhatsApp usage"
ADJUSTMENTS: Final = "Adjustments"

Invoice = dict[str, Any]
"""As JSON (`schemas.invoices.Invoice`)."""


def issue(
    account: Account, terms: Terms, kind: InvoiceKind, currency: str, period: Span, lines: Iterable[Line], issued_at_ms: int
) -> list[Invoice]:
    """The next invoice of an account; none where there is no line, and no number is used up then."""
    by_section: dict[str, list[Line]] = {name: [] for name in _sections(terms)}
    for line in lines:
        by_section[line.section].append(line)
    sections = [_section(name, sorted(held, key=_rank), currency) for name, held in by_section.items() if held]
    if not sections:
        return []
    account.invoices += 1
    number = f"{account.account_id}-{account.invoices:06d}"
    invoice = {
        "v": 1,
        "invoice_id": digest("invoice", account.account_id, number).hex(),
        "number": number,
        "kind": kind,
        "account_id": account.account_id,
        "issued_at": format_instant(issued_at_ms),
        "currency": currency,
        "period": _period(period),
        "sections": sections,
        "total": print_minor(sum(line.amount_minor for held in by_section.values() for line in held), currency),
    }
    return [invoice]


def _sections(terms: Terms) -> list[str]:
    """Headings in their order: the plan's, the add-ons' as in the plans file, usage, adjustments; equal ones are one."""
    names = [terms.plan.section, *(terms.section_of(addon) for addon in terms.plans.addons.values()), USAGE, ADJUSTMENTS]
    return list(dict.fromkeys(names))


def _section(name: str, lines: list[Line], currency: str) -> dict[str, Any]:
    return {
        "name": name,
        "amount": print_minor(sum(line.amount_minor for line in lines), currency),
        "lines": [_printed(line, currency) for line in lines],
    }


def _printed(line: Line, currency: str) -> dict[str, Any]:
    proration = line.proration
    return {
        "name": line.name,
        "kind": line.kind,
        "quantity": str(line.quantity),
        "unit_price": line.unit_price,
        "months": line.months,
        "amount": print_minor(line.amount_minor, currency),
        "period": _period(Span(line.first, line.last)),
        "proration": None
        if proration is None
        else {"policy": proration.policy, "numerator": proration.numerator, "denominator": proration.denominator},
        "evidence": list(line.evidence),
    }


def _period(span: Span) -> dict[str, str]:
    return {"from": span.first.isoformat(), "to": span.last.isoformat()}


def _rank(line: Line) -> tuple[int, ...]:
    return line.rank
