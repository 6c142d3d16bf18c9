"""Fixed charges: what seats and add-ons cost for a whole period, or for the part of one that is left.

Source: billing.md §4 to §7.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from rating.billing.book import Book
from rating.billing.calendar import CYCLES_OF_A_YEAR, ONE_DAY, Calendar, Span
from rating.billing.currency import print_price, rounded
from rating.billing.plans import FREE, Addon, Item, Plan, PlanInUseError, Plans, Prices
from rating.billing.proration import months_between, print_months
from rating.billing.records import NUMBER, USER, Contract, Deferred, Holding, Line, LineKind, Proration

_BASE, _MINIMUM, _ADDITIONAL, _ADDON = range(4)
"""Order of lines in a section."""


class Terms(NamedTuple):
    """A subscription with everything that its charges depend on."""

    plans: Plans
    plan: Plan
    contract: Contract
    calendar: Calendar

    @property
    def paid_period(self) -> Span:
        """The period that seats are paid for now: the term where it is paid upfront, else the cycle."""
        return self.period_of(self.contract.current)

    def period_of(self, cycle: int) -> Span:
        """The paid period that a cycle lies in."""
        return self.calendar.term_of(cycle) if self.contract.is_upfront else self.calendar.cycle(cycle)

    def price(self, prices: Prices) -> Decimal | None:
        """What a unit costs this subscription per month; None where the plans file doesn't say."""
        return prices.price(self.contract.term, self.contract.currency, self.contract.country)

    def addon(self, key: str) -> Addon:
        """An add-on of the plans file."""
        return self.plans.addons[key]

    def section_of(self, addon: Addon) -> str:
        """Where an add-on's lines stand."""
        return addon.section or self.plan.section

    def has_ended(self, day: date) -> bool:
        """Whether the subscription is over on a day."""
        return self.contract.ends is not None and day >= self.contract.ends


def terms_of(plans: Plans, contract: Contract) -> Terms:
    """A subscription's terms. Raises `PlanInUseError` where the plans file lacks its plan or one of its add-ons."""
    plan = plans.plans.get(contract.plan)
    lacks = [] if plan is not None else [f'plan "{contract.plan}"']
    lacks += [f'add-on "{key}"' for key in sorted(contract.holdings.keys() - plans.addons.keys())]
    if plan is None or lacks:
        raise PlanInUseError(f"the plans file lacks {', '.join(lacks)}, which an account has; put back what is in use")
    return Terms(plans, plan, contract, Calendar(contract.start, plan.cycle, CYCLES_OF_A_YEAR if contract.term == "annual" else 1))


class _Thing(NamedTuple):
    """What a line charges."""

    section: str
    rank: tuple[int, ...]
    item: Item
    kind: LineKind


def in_advance(terms: Terms, book: Book, index: int, cycle: int) -> list[Line]:
    """Everything that is fixed, for the paid period that begins with a cycle: base, minimum, excess, add-ons. Whole, never prorated."""
    contract = terms.contract
    span = terms.period_of(cycle)
    months = Fraction(terms.calendar.cycles_per_term if contract.is_upfront else 1)
    start = (contract.command_id,)
    lines = []
    if terms.plan.base is not None:
        base = _Thing(terms.plan.section, (_BASE,), Item(terms.plan.name, terms.plan.base), "plan")
        lines.append(_line(terms, base, 1, months, span, start))
    for kind in (USER, NUMBER):
        minimum = contract.minimum[kind]
        lines.append(_line(terms, _minimum(terms, kind), minimum, months, span, start))
        excess = max(0, contract.active[kind] - minimum)
        evidence = book.newest_units(index, kind, excess) if excess else ()
        lines.append(_line(terms, _additional(terms, kind), excess, months, span, evidence))
    for key, holding in contract.holdings.items():
        addon = terms.addon(key)
        lines.append(_line(terms, _bought(terms, addon), quantity_of(terms, addon, holding), months, span, tuple(holding.evidence)))
    return [line for line in lines if line is not None]


def quantity_of(terms: Terms, addon: Addon, holding: Holding) -> int:
    """How many of an add-on are paid for: what was bought, or as many as there are paid users."""
    if addon.seats != "account":
        return holding.quantity
    return terms.contract.minimum[USER] if terms.plan.additional_user_includes_addons else terms.contract.paid[USER]


def of_purchase(terms: Terms, addon: Addon, holding: Holding, quantity: int, day: date, command_id: str) -> list[Line]:
    """The line for what was bought of an add-on, from its date to the end of the paid period, or to the day before its removal."""
    return _rest(terms, _bought(terms, addon), quantity, day, _until(terms, holding), (command_id,))


def seat_addons(terms: Terms) -> Iterator[tuple[Addon, Holding]]:
    """The add-ons that a user's seat brings with it when it is added: they are charged beside it."""
    if terms.plan.additional_user_includes_addons:
        return
    for key, holding in terms.contract.holdings.items():
        addon = terms.addon(key)
        if addon.seats == "account":
            yield addon, holding


def of_seat(terms: Terms, kind: int, day: date, command_id: str) -> list[Deferred]:
    """What one more paid seat costs: itself, and the add-ons it brings."""
    charges = [Deferred("", kind, day, terms.paid_period.last, 1, [command_id])]
    if kind == USER:
        charges += [Deferred(addon.key, kind, day, _until(terms, holding), 1, [command_id]) for addon, holding in seat_addons(terms)]
    return charges


def of_deferred(terms: Terms, charge: Deferred) -> list[Line]:
    """The line for seats, or for the add-on they brought, from their date on."""
    if charge.addon:
        addon = terms.addon(charge.addon)
        return _rest(terms, _bought(terms, addon), charge.quantity, charge.day, charge.last, tuple(charge.evidence))
    return _rest(terms, _additional(terms, charge.kind), charge.quantity, charge.day, charge.last, tuple(charge.evidence))


def _until(terms: Terms, holding: Holding) -> date:
    last = terms.paid_period.last
    return last if holding.ends is None else min(last, holding.ends - ONE_DAY)


def _minimum(terms: Terms, kind: int) -> _Thing:
    return _Thing(terms.plan.section, (_MINIMUM, kind), terms.plan.minimum[kind], "plan")


def _additional(terms: Terms, kind: int) -> _Thing:
    return _Thing(terms.plan.section, (_ADDITIONAL, kind), terms.plan.additional[kind], "additional")


def _bought(terms: Terms, addon: Addon) -> _Thing:
    return _Thing(terms.section_of(addon), (_ADDON, addon.place), Item(addon.name, addon.prices), "addon")


def _rest(terms: Terms, thing: _Thing, quantity: int, day: date, last: date, evidence: tuple[str, ...]) -> list[Line]:
    months = months_between(terms.plan.proration, terms.calendar, day, last)
    dated = thing._replace(rank=(*thing.rank, day.toordinal(), last.toordinal()))
    line = _line(terms, dated, quantity, months, Span(day, last), evidence)
    return [] if line is None else [line]


def _line(terms: Terms, thing: _Thing, quantity: int, months: Fraction, span: Span, evidence: tuple[str, ...]) -> Line | None:
    """A fixed line; None where it comes to nothing. Minimum seats priced at 0 stay: a customer counts them.

    What has no price is never charged: whoever would is refused with `no_price` before.
    """
    if not quantity:
        return None
    contract = terms.contract
    price = terms.price(thing.item.prices) or FREE
    amount_minor = rounded(quantity * (_exactly(price) * months), contract.currency)
    counted_for_nothing = price == 0 and thing.rank[0] == _MINIMUM
    if amount_minor == 0 and not counted_for_nothing:
        return None
    whole = months.denominator == 1
    return Line(
        section=thing.section,
        rank=thing.rank,
        name=thing.item.name,
        kind=thing.kind,
        quantity=quantity,
        unit_price=print_price(price, contract.currency),
        months=print_months(months),
        amount_minor=amount_minor,
        first=span.first,
        last=span.last,
        proration=None if whole else Proration(terms.plan.proration, months.numerator, months.denominator),
        evidence=evidence,
    )


@lru_cache(maxsize=4096)
def _exactly(price: Decimal) -> Fraction:
    return Fraction(price)
