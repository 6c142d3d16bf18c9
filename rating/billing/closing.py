"""Closing a cycle: the invoices of a boundary, with usage and adjustments.

Source: billing.md §7.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from rating.billing.book import Book
from rating.billing.calendar import ONE_DAY, Span
from rating.billing.charges import Terms, terms_of
from rating.billing.invoices import ADJUSTMENTS, USAGE, Invoice, issue
from rating.billing.plans import Plans
from rating.billing.records import Account, Boundary, Line, LineKind
from rating.billing.usage import Figures, Usage, UsageLine, Use

_USAGE_RANK = 9


class _Due(NamedTuple):
    """A cycle to be closed."""

    day: date
    """First day after the cycle."""
    contract: int
    cycle: int


class Closer:
    """Issues what is due of one account; for one command."""

    def __init__(self, plans: Plans, account: Account, book: Book, usage: Usage, issued_at_ms: int, known_until_ms: int | None) -> None:
        self._plans = plans
        self._account = account
        self._book = book
        self._usage = usage
        self._issued_at_ms = issued_at_ms
        self._known_until_ms = known_until_ms
        self._terms = [terms_of(plans, contract) for contract in account.contracts]

    def close(self, as_of: date) -> list[Invoice]:
        """Closes every cycle whose boundary is due on or before a date; returns their invoices, oldest boundary first."""
        due = self._due(as_of)
        if due:
            self._know()
        return [invoice for each in due for invoice in self._close(each)]

    def first_cycle(self, fixed: list[Line], period: Span) -> list[Invoice]:
        """The first `cycle` invoice of a new subscription; of one after another, also what changed meanwhile in that currency."""
        terms = self._terms[-1]
        currency = terms.contract.currency
        if len(self._terms) > 1:
            self._know()
        adjustments = self._adjustments(currency).get(currency, [])
        self._usage.settle(currency)
        if adjustments and not fixed:
            period = self._ended_before()
        return issue(self._account, terms, "cycle", currency, period, [*fixed, *adjustments], self._issued_at_ms)

    def _ended_before(self) -> Span:
        """The last cycle of the subscription before."""
        calendar, stops = self._terms[-2].calendar, self._terms[-1].contract.start
        return self._span(len(self._terms) - 2, calendar.number_on(stops - ONE_DAY))

    def _know(self) -> None:
        self._usage.know(self._known_until_ms, max(map(last_closed, self._terms)))

    def _boundary(self, index: int, cycle: int) -> date:
        return _boundary(self._terms[index], cycle)

    def _span(self, index: int, cycle: int) -> Span:
        return Span(self._terms[index].calendar.begins(cycle), self._boundary(index, cycle) - ONE_DAY)

    def _used(self, index: int, span: Span) -> Span:
        """The days of a cycle whose usage is billed here: not those of the subscription before, if zones made the two meet."""
        stopped = self._terms[index - 1].contract.stops if index else None
        return span if stopped is None else Span(max(span.first, stopped), span.last)

    def _due(self, as_of: date) -> list[_Due]:
        return _due_cycles(self._terms, as_of - timedelta(days=self._plans.grace_days))

    def _close(self, due: _Due) -> list[Invoice]:
        """All invoices of one boundary: the annual one, then the subscription's currency, then others by code."""
        terms = self._terms[due.contract]
        contract = terms.contract
        boundary = self._book.take_boundary(due.contract, due.cycle)
        ended = self._span(due.contract, due.cycle)
        by_currency = self._adjustments()
        self._usage.settle()
        for line in self._usage.lines(self._used(due.contract, ended), contract.whatsapp_accounts):
            if line.figures.amount_minor:
                self._usage.bill(due.contract, due.cycle, line.use, line.figures)
                by_currency.setdefault(line.use.currency, []).append(_usage_line(USAGE, "usage", line, line.figures, ended))
        contract.closed = due.cycle + 1
        own = [*boundary.additional, *boundary.fixed, *by_currency.pop(contract.currency, [])]
        period = terms.calendar.cycle(due.cycle + 1) if boundary.fixed else ended
        invoices = self._annual(terms, due, boundary)
        invoices += issue(self._account, terms, "cycle", contract.currency, period, own, self._issued_at_ms)
        for currency, lines in sorted(by_currency.items()):
            invoices += issue(self._account, terms, "cycle", currency, ended, lines, self._issued_at_ms)
        return invoices

    def _annual(self, terms: Terms, due: _Due, boundary: Boundary) -> list[Invoice]:
        term = terms.calendar.term_of(due.cycle + 1)
        return issue(self._account, terms, "annual", terms.contract.currency, term, boundary.annual, self._issued_at_ms)

    def _adjustments(self, currency: str | None = None) -> dict[str, list[Line]]:
        """What changed for cycles that are closed, by currency: what their lines would be now, less what was billed for them so far."""
        found: dict[str, list[Line]] = {}
        touched = {each for each in self._touched() if currency in (None, each[2].currency)}
        for index, cycle, use in sorted(touched, key=_oldest_first):
            span = self._span(index, cycle)
            billed = self._usage.billed(index, cycle, use)
            for line in self._usage.lines(self._used(index, span), self._terms[index].contract.whatsapp_accounts, use):
                now = line.figures
                change = Figures(now.messages - billed.messages, now.amount_minor - billed.amount_minor)
                if change.amount_minor:
                    self._usage.bill(index, cycle, use, now)
                    found.setdefault(use.currency, []).append(_usage_line(ADJUSTMENTS, "adjustment", line, change, span))
        return found

    def _touched(self) -> list[tuple[int, int, Use]]:
        """Contract, cycle and line of everything that changed in a cycle that is closed."""
        touched = []
        for day, source, use in self._usage.changed():
            for index, terms in enumerate(self._terms):
                contract = terms.contract
                cycle = terms.calendar.number_on(day)
                if source in contract.whatsapp_accounts and 0 <= cycle < contract.closed:
                    used = self._used(index, self._span(index, cycle))
                    if used.first <= day <= used.last:
                        touched.append((index, cycle, use))
        return touched


def boundaries_to_close(plans: Plans, account: Account, until: date) -> list[date]:
    """The boundaries of an account up to a day that nobody has closed, each once, oldest first."""
    due = _due_cycles([terms_of(plans, contract) for contract in account.contracts], until)
    return sorted({each.day for each in due})


def _due_cycles(all_terms: list[Terms], until: date) -> list[_Due]:
    """Every cycle that is not closed, and whose boundary is not after a day; oldest boundary first."""
    found = []
    for index, terms in enumerate(all_terms):
        cycle = terms.contract.closed
        while terms.contract.stops is None or terms.calendar.begins(cycle) < terms.contract.stops:
            day = _boundary(terms, cycle)
            if day > until:
                break
            found.append(_Due(day, index, cycle))
            cycle += 1
    return sorted(found)


def last_closed(terms: Terms) -> date:
    """The last boundary that was closed, or the subscription's first day."""
    return _boundary(terms, terms.contract.closed - 1)


def _boundary(terms: Terms, cycle: int) -> date:
    """First day after a cycle: the next one's, or that of the subscription that followed."""
    following = terms.calendar.begins(cycle + 1)
    return following if terms.contract.stops is None else min(following, terms.contract.stops)


def _oldest_first(touched: tuple[int, int, Use]) -> tuple[int, int, str, bool, str, str]:
    index, cycle, use = touched
    return index, cycle, use.currency, use.country is None, use.country or "", use.category


def _usage_line(section: str, kind: LineKind, line: UsageLine, figures: Figures, span: Span) -> Line:
    use = line.use
    return Line(
        section=section,
        rank=(_USAGE_RANK,),
        name=use.name,
        kind=kind,
        quantity=figures.messages,
        unit_price=None,
        months=None,
        amount_minor=figures.amount_minor,
        first=span.first,
        last=span.last,
        proration=None,
        evidence=line.dates,
    )
