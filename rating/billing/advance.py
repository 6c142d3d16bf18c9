"""Time passing: what happens at a boundary by itself.

Seats, periods and terms follow the dates of commands; what is fixed at a boundary is written down as it was then, and a `cycle.close`
issues it later.

Source: billing.md §1, §4, §5.
"""

from __future__ import annotations

from datetime import date

from rating.billing.book import Book
from rating.billing.charges import Terms, in_advance, of_deferred
from rating.billing.records import NUMBER, USER, Boundary, Contract


def advance(terms: Terms, book: Book, index: int, day: date) -> dict[int, Boundary]:
    """Brings a subscription to a day; returns what was fixed on the way, by the cycle that ended.

    Changes the contract alone: the caller keeps the boundaries if it keeps the contract.
    """
    contract = terms.contract
    fixed = {}
    while terms.calendar.begins(contract.current + 1) <= day:
        ended = contract.current
        boundary = _cross(terms, book, index)
        if boundary.annual or boundary.fixed or boundary.additional:
            fixed[ended] = boundary
    return fixed


def _cross(terms: Terms, book: Book, index: int) -> Boundary:
    contract = terms.contract
    additional = [line for charge in contract.deferred for line in of_deferred(terms, charge)]
    contract.deferred = []
    contract.current += 1
    first = terms.calendar.begins(contract.current)
    contract.holdings = {key: each for key, each in contract.holdings.items() if each.ends is None or first < each.ends}
    if terms.has_ended(first):
        return Boundary([], [], additional)
    if not contract.is_upfront:
        pay_for_all(contract)
        return Boundary([], in_advance(terms, book, index, contract.current), additional)
    if terms.calendar.begins_term(contract.current):
        pay_for_all(contract)
        return Boundary(in_advance(terms, book, index, contract.current), [], additional)
    return Boundary([], [], additional)


def pay_for_all(contract: Contract) -> None:
    """The start of a paid period: seats are paid for as many as there are, at least the minimum."""
    for kind in (USER, NUMBER):
        contract.paid[kind] = max(contract.minimum[kind], contract.active[kind])
