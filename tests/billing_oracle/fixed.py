"""Fixed charges: in advance, at once, and at the end of the cycle (billing contract §4-7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.billing_oracle import history
from tests.billing_oracle.dates import DAY, Period
from tests.billing_oracle.history import Subscription
from tests.billing_oracle.prices import price, rounded
from tests.billing_oracle.reading import KINDS, Command


@dataclass(frozen=True)
class Line:
    """A line of an invoice, exact."""

    section: str
    name: str
    kind: str
    quantity: int
    amount: Decimal
    period: Period
    evidence: tuple[str, ...]
    unit_price: Decimal | None = None
    months: Fraction | None = None
    policy: str = ""
    cycle: Any = None
    """Of a usage or adjustment line: whose usage it is."""


@dataclass(frozen=True)
class Priced:
    """Something with a price: a table of the plans file, where it is listed and under which name."""

    section: str
    name: str
    kind: str
    table: Mapping[str, Any] | None


def line(sub: Subscription, what: Priced, units: int, months: Fraction, period: Period, evidence: Sequence[str]) -> Iterator[Line]:
    """The line, unless it is left out.

    Billing contract §2: "No price table at all: included", which the minimum seats print as 0.00 (their table has a name for that);
    §7: "`amount` = quantity × unit_price × exact months, rounded … once"; "Lines whose amount rounds to zero are left out,
    except the minimum seats priced at 0.00".
    """
    each = price(sub, what.table) or Decimal(0)
    amount = rounded(units * Fraction(each) * months, sub.start["currency"])
    minimum_at_zero = what.kind == "plan" and what.table is not sub.plan.get("base") and each == 0 and units > 0
    if amount != 0 or minimum_at_zero:
        policy = sub.plan["proration"]
        yield Line(what.section, what.name, what.kind, units, amount, period, tuple(evidence), each, months, policy)


def seat(sub: Subscription, kind: str) -> Priced:
    """A seat beyond the paid ones."""
    table = sub.plan.get(f"additional_{kind}") or {}
    return Priced(sub.plan["section"], table.get("name", ""), "additional", table)


def addon(sub: Subscription, name: str) -> Priced:
    """An add-on."""
    table = sub.plans.addon(name)
    return Priced(table["section"], table["name"], "addon", table)


def in_advance(sub: Subscription, period: Period) -> Iterator[Line]:
    """What a paid period costs from its first day.

    Billing contract §4: "the whole is billed in full, in advance: minimum as `Users`/`Numbers`, the excess as `Additional …`"; §5:
    add-ons "from
    the next paid period in full, in advance"; §7: `annual`: "12 months of base, seats and add-ons in advance; nothing for those removed".
    """
    plan, stood, day = sub.plan, sub.before(period.first), period.first
    months = Fraction(12 if sub.calendar.upfront else 1)
    if base := plan.get("base"):
        yield from line(sub, Priced(plan["section"], plan["name"], "plan", base), 1, months, period, [sub.start.id])
    for kind in KINDS:
        included = Priced(plan["section"], (plan.get(kind) or {}).get("name", ""), "plan", plan.get(kind))
        yield from line(sub, included, history.minimum(sub, kind), months, period, [sub.start.id])
        beyond = history.paid(stood, kind, day) - history.minimum(sub, kind)
        made_by = [command.id for _, command in history.units_and_who_added_them(stood, kind)[history.minimum(sub, kind) :]]
        yield from line(sub, seat(sub, kind), beyond, months, period, list(dict.fromkeys(made_by)))
    for name in sub.plans.addons:
        bought = [each.id for each in history.purchases(stood, name, day)]
        yield from line(sub, addon(sub, name), history.quantity(stood, name, day), months, period, bought)


def of_a_seat(sub: Subscription, add: Command) -> Iterator[tuple[Priced, Period]]:
    """What an additional seat costs from its date on, and until when.

    Billing contract §4: "bills one more seat from its date to the end of the paid period"; §5: "a seat added meanwhile pays its add-on
    charge to
    the day before the removal".
    """
    stood, day = sub.until(add), sub.day(add)
    yield seat(sub, add["kind"]), Period(day, history.last_paid_day(stood, day))
    for name in history.addons_of_a_seat(stood, add):
        yield addon(sub, name), Period(day, _last_day_of_addon(stood, name, day))


def _last_day_of_addon(sub: Subscription, name: str, day: date) -> date:
    """Until when something added to an add-on is paid.

    Billing contract §5 says of a seat, while a removal is pending: "to the day before the removal". A manager's addition "adds quantity
    and the removal
    stands": it lapses on the same day, and is read to be paid until then too.
    """
    end, gone = history.last_paid_day(sub, day), history.removal_pending(sub, name, day)
    return min(end, gone - DAY) if gone else end


def at_once(sub: Subscription, command: Command) -> Iterator[Line]:
    """What a command puts on an amendment invoice (billing contract §7: "what was bought: one line, plus the account-level add-ons it
    adds")."""
    day = sub.day(command)
    if command.type == "addon.purchase":
        name = command["addon"]
        stood = sub.until(command)
        units = history.account_seats(stood, day) if sub.plans.addon(name)["seats"] == "account" else command["quantity"]
        period = Period(day, _last_day_of_addon(stood, name, day))
        yield from line(sub, addon(sub, name), units, sub.calendar.months(day, period.last), period, [command.id])
    if command.type == "unit.add" and sub.plan["additional_units"] == "immediate" and history.needs_another_seat(sub, command):
        for what, period in of_a_seat(sub, command):
            yield from line(sub, what, 1, sub.calendar.months(day, period.last), period, [command.id])


def when_the_cycle_closes(sub: Subscription, cycle: Period) -> Iterator[Line]:
    """Seats added in a cycle, where additional units are invoiced by cycle.

    Billing contract §4: "one line per kind and addition date and, for the add-ons it adds, per add-on and date: quantities joined, then
    rounded".
    """
    if sub.plan["additional_units"] != "cycle":
        return
    joined: dict[tuple[date, date, int], tuple[Priced, list[str]]] = {}
    order = [*(f"{kind}" for kind in KINDS), *sub.plans.addons]
    for add in (each for each in sub.later if each.type == "unit.add" and sub.day(each) in cycle):
        if not history.needs_another_seat(sub, add):
            continue
        names = [add["kind"], *history.addons_of_a_seat(sub.until(add), add)]
        for name, (what, period) in zip(names, of_a_seat(sub, add), strict=True):
            place = order.index(name) if name != add["kind"] else KINDS.index(name)
            joined.setdefault((period.first, period.last, place), (what, []))[1].append(add.id)
    for (first, last, _), (what, ids) in joined.items():
        yield from line(sub, what, len(ids), sub.calendar.months(first, last), Period(first, last), ids)
