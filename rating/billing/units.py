"""Users and phone numbers that come and go, and the end of a subscription.

Source: billing.md §3, §4.
"""

from __future__ import annotations

from rating.billing.calendar import ONE_DAY
from rating.billing.charges import of_deferred, of_seat, seat_addons
from rating.billing.records import USER, Deferred
from rating.billing.refusal import RefusedError
from rating.billing.request import Accepted, Request, allow
from rating.billing.start import no_price
from schemas.billing_commands import KINDS

KEEPERS = ("owner", "admin", "account_manager")
"""Who may add, remove and license units."""


def cancel(request: Request) -> Accepted:
    """Ends the subscription with its current term. A second time: the same date."""
    allow(request, "account_manager", "owner")
    contract = request.contract
    if contract.ends is None:
        contract.ends = request.terms.calendar.term_of(contract.current).last + ONE_DAY
    return Accepted(f"The subscription ends with {contract.ends - ONE_DAY}, the last day of its term.", contract.ends)


def unit_add(request: Request) -> Accepted:
    """A unit comes. Beyond the paid seats it costs one more seat, from today to the end of the paid period."""
    allow(request, *KEEPERS)
    command, contract, terms = request.command, request.contract, request.terms
    kind = command.kind
    is_charged = contract.active[kind] + 1 > contract.paid[kind]
    if is_charged:
        _check_prices(request)
    if request.book.has_unit(request.place, kind, command.unit_id):
        raise RefusedError("duplicate_unit", f"This {KINDS[kind]} exists already; each is added once.")

    request.account.units_added += 1
    request.book.add_unit(request.place, kind, command.unit_id, request.account.units_added, command.id)
    contract.active[kind] += 1
    if not is_charged:
        return Accepted(f"The {KINDS[kind]} takes a seat that is paid for.", request.day)
    contract.paid[kind] += 1
    charges = of_seat(terms, kind, request.day, command.id)
    if terms.plan.additional_units == "cycle":
        for charge in charges:
            _defer(contract.deferred, charge)
        return Accepted(f"The {KINDS[kind]} takes one more seat, charged with the next invoice.", request.day)
    invoices = request.amendment([line for charge in charges for line in of_deferred(terms, charge)])
    return Accepted(f"The {KINDS[kind]} takes one more seat, charged from today.", request.day, invoices)


def unit_remove(request: Request) -> Accepted:
    """A unit goes, and frees its licences. Its seat stays paid for."""
    allow(request, *KEEPERS)
    command, contract, book = request.command, request.contract, request.book
    kind = command.kind
    if not book.has_unit(request.place, kind, command.unit_id):
        raise unknown_unit(KINDS[kind])
    book.remove_unit(request.place, kind, command.unit_id)
    contract.active[kind] -= 1
    if kind == USER:
        for holding in contract.holdings.values():
            if book.holds_licence(holding.purchase, command.unit_id):
                book.unassign(holding.purchase, command.unit_id)
                holding.assigned -= 1
    return Accepted(f"The {KINDS[kind]} is gone; its seat stays paid for until {request.terms.paid_period.last}.", request.day)


def unknown_unit(kind: str) -> RefusedError:
    """The refusal of a unit that isn't there."""
    return RefusedError("unknown_unit", f"There is no such {kind}; add it first.")


def _check_prices(request: Request) -> None:
    terms, kind = request.terms, request.command.kind
    items = [terms.plan.additional[kind]]
    names = [(item.name, item.prices) for item in items]
    if kind == USER:
        names += [(addon.name, addon.prices) for addon, _ in seat_addons(terms)]
    for name, prices in names:
        if terms.price(prices) is None:
            raise no_price(terms, name)


def _defer(deferred: list[Deferred], charge: Deferred) -> None:
    """Joins a charge with those of its kind, add-on, date and end."""
    for held in deferred:
        if (held.addon, held.kind, held.day, held.last) == (charge.addon, charge.kind, charge.day, charge.last):
            held.quantity += charge.quantity
            held.evidence += charge.evidence
            return
    deferred.append(charge)
