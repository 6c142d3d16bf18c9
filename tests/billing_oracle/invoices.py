"""Which invoices a command issues (billing contract §7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.billing_oracle import fixed, usage
from tests.billing_oracle.dates import DAY, Period
from tests.billing_oracle.fixed import Line
from tests.billing_oracle.history import Subscription, subscriptions
from tests.billing_oracle.prices import money, months_text
from tests.billing_oracle.reading import Command, Plans, Total
from tests.billing_oracle.usage import Cycle
from tests.oracle.instants import written


@dataclass(frozen=True)
class Invoice:
    """An invoice, before it has its number."""

    kind: str
    currency: str
    period: Period
    lines: tuple[Line, ...]
    command: Command
    sub: Subscription


@dataclass(frozen=True)
class Boundary:
    """A day on which a cycle has ended."""

    day: date
    ended: Cycle


def boundaries(sub: Subscription, last: date) -> Iterator[Boundary]:
    """The boundaries of a subscription up to a day.

    Billing contract §1: "After a cancelled subscription's end its cycles go on for usage and adjustments alone. A new start after the end
    begins new
    cycles (the old ones stop the day before)".
    """
    stop = sub.cycles_stop or date.max
    for k in range(10_000):
        cycle = sub.calendar.cycle(k)
        if cycle.first >= stop:
            return
        ended = Period(cycle.first, min(cycle.last, stop - DAY))
        if ended.last + DAY > last:
            return
        yield Boundary(ended.last + DAY, Cycle(sub, ended))


def due(plans: Plans, accepted: Sequence[Command], as_of: date) -> list[Boundary]:
    """Billing contract §3: "issues every invoice due on or before `as_of`"; §7: "by `cycle.close` on or after it + `grace_days`"."""
    grace = timedelta(days=plans.settings["grace_days"])
    found = [boundary for sub in subscriptions(plans, accepted) for boundary in boundaries(sub, as_of - grace)]
    return sorted(found, key=lambda boundary: boundary.day)


def closed(plans: Plans, accepted: Sequence[Command]) -> list[Boundary]:
    """The boundaries that commands have closed so far: all that were due at one of the closes."""
    found: dict[object, Boundary] = {}
    for n, command in enumerate(accepted):
        if command.type == "cycle.close":
            found |= {each.ended.name: each for each in due(plans, accepted[:n], date.fromisoformat(command["as_of"]))}
    return list(found.values())


def issued_by(
    plans: Plans, accepted: Sequence[Command], command: Command, totals: Sequence[Total], before: Sequence[Invoice]
) -> list[Invoice]:
    """The invoices of an accepted command, in their order; `accepted` are those before it, `before` the account's invoices so far."""
    if command.type == "cycle.close":
        return _of_a_close(plans, accepted, command, totals, before)
    sub = subscriptions(plans, [*accepted, command])[-1]
    if command.type == "subscription.start":
        return list(_of_a_start(plans, accepted, sub, totals, before))
    day, lines = sub.day(command), tuple(fixed.at_once(sub, command))
    period = Period(day, sub.calendar.paid_period(day).last)
    return [Invoice("amendment", sub.start["currency"], period, lines, command, sub)] if lines else []


def _of_a_start(
    plans: Plans, accepted: Sequence[Command], sub: Subscription, totals: Sequence[Total], before: Sequence[Invoice]
) -> Iterator[Invoice]:
    """Billing contract §7: `annual`: "at start"; `cycle`: "first: at start (not annual upfront)".

    Where there was a subscription before, that first one is "the next `cycle` invoice in that currency" for what changed in its closed
    cycles.
    """
    currency, period = sub.start["currency"], sub.calendar.paid_period(sub.calendar.start)
    in_advance = tuple(fixed.in_advance(sub, period))
    if sub.calendar.upfront:
        kind, lines = "annual", in_advance
    else:
        cycles, known = [each.ended for each in closed(plans, accepted)], usage.known(totals, sub.start.time_ms)
        kind, lines = "cycle", (*in_advance, *_adjustments(cycles, known, currency, before))
        ended = subscriptions(plans, [*accepted, sub.start])[-2:-1]
        if ended and not in_advance:
            period = list(boundaries(ended[0], sub.calendar.start))[-1].ended.period
    if lines:
        yield Invoice(kind, currency, period, lines, sub.start, sub)


def _adjustments(cycles: Iterable[Cycle], known: Sequence[Total], currency: str, before: Iterable[Invoice]) -> list[Line]:
    issued = [line for invoice in before for line in invoice.lines]
    return [line for cycle in cycles for line in usage.adjustment_lines(known, cycle, currency, issued)]


def _of_a_close(
    plans: Plans, accepted: Sequence[Command], command: Command, totals: Sequence[Total], before: Sequence[Invoice]
) -> list[Invoice]:
    done = closed(plans, accepted)
    issued: list[Invoice] = []
    known = usage.known(totals, command.time_ms)
    for boundary in due(plans, accepted, date.fromisoformat(command["as_of"])):
        if boundary.ended.name not in [each.ended.name for each in done]:
            issued += _at_boundary(boundary, [each.ended for each in done], command, known, [*before, *issued])
            done.append(boundary)
    return issued


def _at_boundary(
    boundary: Boundary, closed_before: Sequence[Cycle], command: Command, known: Sequence[Total], before: Sequence[Invoice]
) -> Iterator[Invoice]:
    """Billing contract §7: "At one boundary: `annual`, then the subscription's currency, then others by code". "No invoice without a
    line"."""
    sub, day = boundary.ended.sub, boundary.day
    stood = sub.before(day)
    begins = _paid_period_that_begins(sub, day)
    in_advance = tuple(fixed.in_advance(stood, begins)) if begins else ()
    if begins and sub.calendar.upfront and in_advance:
        yield Invoice("annual", sub.start["currency"], begins, in_advance, command, sub)
    for currency in _currencies(sub, known):
        own = currency == sub.start["currency"]
        first = in_advance if own and not sub.calendar.upfront else ()
        lines = (
            *first,
            *(fixed.when_the_cycle_closes(stood, boundary.ended.period) if own else ()),
            *usage.usage_lines(known, boundary.ended, currency),
            *_adjustments(closed_before, known, currency, before),
        )
        if lines:
            yield Invoice("cycle", currency, begins if first and begins else boundary.ended.period, lines, command, sub)


def _paid_period_that_begins(sub: Subscription, day: date) -> Period | None:
    """The paid period whose first day this is, if the subscription goes on."""
    if (sub.ends and day >= sub.ends) or (sub.cycles_stop and day >= sub.cycles_stop):
        return None
    period = sub.calendar.paid_period(day)
    return period if period.first == day else None


def _currencies(sub: Subscription, known: Iterable[Total]) -> list[str]:
    own = sub.start["currency"]
    return [own, *sorted({total.currency for total in known} - {own})]


# On paper


def sections(invoice: Invoice) -> list[str]:
    """Billing contract §7: "the plan's, the add-ons' in the plans file's order (equal names joined), `WhatsApp usage`, `Adjustments`"."""
    sub = invoice.sub
    names = [sub.plan["section"], *(sub.plans.addon(name)["section"] for name in sub.plans.addons), "WhatsApp usage", "Adjustments"]
    return [name for name in dict.fromkeys(names) if any(line.section == name for line in invoice.lines)]


def document(invoice: Invoice, number: int) -> dict[str, Any]:
    """The invoice as contract §6 has it, but for its opaque id.

    Billing contract §7: "`number`: `{account_id}-{running number from 1, 6 digits}`"; "`total` = Σ sections = Σ lines"; §3: "`issued_at`
    of an
    invoice are the command's `time`".
    """
    in_sections = {name: [line for line in invoice.lines if line.section == name] for name in sections(invoice)}
    return {
        "v": 1,
        "number": f"{invoice.command.account}-{number:06d}",
        "kind": invoice.kind,
        "account_id": invoice.command.account,
        "issued_at": written(invoice.command.time_ms),
        "currency": invoice.currency,
        "period": _period(invoice.period),
        "sections": [
            {"name": name, "amount": _sum(lines, invoice.currency), "lines": [_line(line, invoice.currency) for line in lines]}
            for name, lines in in_sections.items()
        ],
        "total": _sum(invoice.lines, invoice.currency),
    }


def _sum(lines: Iterable[Line], currency: str) -> str:
    return money(sum((line.amount for line in lines), Decimal(0)), currency)


def _period(period: Period) -> dict[str, str]:
    return {"from": period.first.isoformat(), "to": period.last.isoformat()}


def _line(line: Line, currency: str) -> dict[str, Any]:
    months = line.months
    fraction = None
    if months is not None and months.denominator != 1:
        fraction = {"policy": line.policy, "numerator": months.numerator, "denominator": months.denominator}
    return {
        "name": line.name,
        "kind": line.kind,
        "quantity": str(line.quantity),
        "unit_price": None if line.unit_price is None else money(line.unit_price, currency),
        "months": None if months is None else months_text(months),
        "amount": money(line.amount, currency),
        "period": _period(line.period),
        "proration": fraction,
        "evidence": list(line.evidence),
    }
