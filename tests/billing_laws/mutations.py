"""Mistakes about billing, planted into the core while it runs: each must be found by the comparison with the oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from rating.billing import advance, charges, closing, machine, offline, proration, units, usage
from rating.billing.book import Book
from rating.billing.calendar import ONE_DAY, Calendar, Span, date_of
from rating.billing.closing import Closer
from rating.billing.currency import minor_digits
from rating.billing.plans import Prices
from rating.billing.records import Contract, Deferred
from rating.billing.request import Accepted
from rating.billing.usage import Usage

Plant = Callable[[pytest.MonkeyPatch], None]


class Mutation(NamedTuple):
    """One mistake, in the words of the domain, and how it is planted."""

    mistake: str
    plant: Plant


_begins, _cycle, _months, _know, _wait = Calendar.begins, Calendar.cycle, proration.months_between, Usage.know, Usage.wait
_date_of, _unit_remove, _lines = date_of, units.unit_remove, Usage.lines
_purchase, _remove, _trial = (machine._HANDLERS[f"addon.{name}"] for name in ("purchase", "remove", "trial"))


def _set(where: object, name: str, value: object) -> Plant:
    return lambda patch: patch.setattr(where, name, value)


def _handler(type_: str, does: Callable[[Any], Any]) -> Plant:
    return lambda patch: patch.setitem(machine._HANDLERS, type_, does)


def _counted_from_the_cycle_before(self: Calendar, number: int) -> date:
    """31 January, 28 February, 28 March."""
    first = _begins(self, 0)
    for each in range(1, number + 1):
        first = min(_begins(replace(self, start=first), 1), _begins(self, each))
    return first


def _half_even(amount: Fraction, currency: str) -> int:
    digits = minor_digits(currency)
    step = Decimal(1).scaleb(-digits)
    exact = Decimal(amount.numerator * 10**12 // amount.denominator).scaleb(-12)
    return int(exact.quantize(step, ROUND_HALF_EVEN).scaleb(digits))


def _frees_the_seat(request: Any) -> Any:
    accepted = _unit_remove(request)
    request.contract.paid[request.command.kind] -= 1
    return accepted


def _highest_ever(contract: Contract) -> None:
    for kind in (0, 1):
        contract.paid[kind] = max(contract.paid[kind], contract.minimum[kind], contract.active[kind])


def _by_general_price(self: Prices, term: str, currency: str, _country: str) -> Decimal | None:
    return Decimal(0) if self.general is None and not self.by_country else (self.general or {}).get((term, currency))


def _active_seats(terms: Any, addon: Any, holding: Any) -> int:
    return int(terms.contract.active[0] if addon.seats == "account" else holding.quantity)


def _due_without_grace(self: Closer, as_of: date) -> Any:
    return _due(self, as_of + timedelta(days=self._plans.grace_days))


_due = Closer._due


def _known_before_only(self: Usage, until_ms: int | None, closed_to: date | None) -> None:
    _know(self, None if until_ms is None else until_ms - 1, closed_to)


def _latest_in_the_file(self: Usage, total: Any, arrival: int) -> None:
    _wait(self, total._replace(known_ms=-(1 << 62)), arrival)


def _to_the_boundary(self: Usage, span: Span, sources: list[str], only: Any = None) -> Any:
    return _lines(self, Span(span.first, span.last + ONE_DAY), sources, only)


def _of_all_accounts(self: Usage, span: Span, _sources: list[str], only: Any = None) -> Any:
    return _lines(self, span, [each.source for _, each in self._days(span)], only)


def _cancel_with_the_cycle(request: Any) -> Any:
    contract = request.contract
    contract.ends = contract.ends or _cycle(request.terms.calendar, contract.current).last + ONE_DAY
    return Accepted("", contract.ends)


def _removes_at_once(request: Any) -> Any:
    accepted = _remove(request)
    request.contract.holdings[request.command.addon].ends = request.day
    return accepted


def _stays_removed_by_the_second(request: Any) -> Any:
    accepted = _purchase(request)
    request.contract.holdings[request.command.addon].ends = None
    return accepted


def _tried_again(request: Any) -> Any:
    request.account.trials_used = []
    return _trial(request)


def _one_by_one(deferred: list[Deferred], charge: Deferred) -> None:
    deferred.append(charge)


def _one_cycle_less(policy: Any, calendar: Calendar, day: date, last: date) -> Fraction:
    months: Fraction = _months(policy, calendar, day, last)
    return min(months, 1 + months % 1)


def _day_after(policy: Any, calendar: Calendar, day: date, last: date) -> Fraction:
    months: Fraction = _months(policy, calendar, day, last)
    return months - Fraction(1, _cycle(calendar, calendar.number_on(day)).days) if policy == "actual-inclusive" else months


def _day_of_purchase_too(policy: Any, calendar: Calendar, day: date, last: date) -> Fraction:
    months: Fraction = _months(policy, calendar, day, last)
    return months + Fraction(1, 30) if policy == "fixed-30-exclusive" else months


def _printed_months(policy: Any, calendar: Calendar, day: date, last: date) -> Fraction:
    return Fraction(round(_months(policy, calendar, day, last) * 100), 100)


def _end_of_day_in_utc(day: date, _zone: str) -> int:
    return (datetime.fromordinal(day.toordinal() + 1) - datetime(1970, 1, 1)) // timedelta(milliseconds=1) - 1  # noqa: DTZ001 - in UTC both


def _never_stops(terms: Any, cycle: int) -> date:
    return _begins(terms.calendar, cycle + 1)


def _lapsed_licences_stay(self: Book, purchase: int, unit_id: str) -> bytes:
    return b"L" + self._owner + bytes(4) + _licence(self, purchase, unit_id)[-16:]


_licence = Book._licence

MUTATIONS = (
    Mutation("cycles are counted from the cycle before", _set(Calendar, "begins", _counted_from_the_cycle_before)),
    Mutation("the day of purchase is not counted", _set(charges, "months_between", _day_after)),
    Mutation("whole cycles after the first are forgotten but one", _set(charges, "months_between", _one_cycle_less)),
    Mutation("the day of purchase is counted among the thirty", _set(charges, "months_between", _day_of_purchase_too)),
    Mutation("the printed months are multiplied, not the exact ones", _set(charges, "months_between", _printed_months)),
    Mutation("fixed amounts are rounded half to even", _set(charges, "rounded", _half_even)),
    Mutation("usage is rounded half to even", _set(usage, "rounded", _half_even)),
    Mutation("a removed unit gives its paid seat back", _handler("unit.remove", _frees_the_seat)),
    Mutation("seats once paid for are paid for in every later period", _set(advance, "pay_for_all", _highest_ever)),
    Mutation("a country's own price is not looked at", _set(Prices, "price", _by_general_price)),
    Mutation("account seats follow the active users, not the paid ones", _set(charges, "quantity_of", _active_seats)),
    Mutation("invoices are issued before the grace has passed", _set(Closer, "_due", _due_without_grace)),
    Mutation("a total does not count at the very instant from which it is known", _set(Usage, "know", _known_before_only)),
    Mutation("the last total in the file is the latest, whatever its time", _set(Usage, "wait", _latest_in_the_file)),
    Mutation("free messages are billed", _set(offline, "is_billable", lambda _total: True)),
    Mutation("usage of the boundary's own day is billed with the cycle that ended", _set(Usage, "lines", _to_the_boundary)),
    Mutation("usage of WhatsApp accounts that are not named is billed", _set(Usage, "lines", _of_all_accounts)),
    Mutation("what is billed of usage is forgotten", _set(Usage, "bill", lambda *_: None)),
    Mutation("changes of closed cycles are not adjusted", _set(Closer, "_touched", lambda _self: [])),
    Mutation("a cancelled annual subscription ends with its cycle", _handler("subscription.cancel", _cancel_with_the_cycle)),
    Mutation("a removed add-on is gone at once", _handler("addon.remove", _removes_at_once)),
    Mutation("buying more takes a removal back", _handler("addon.purchase", _stays_removed_by_the_second)),
    Mutation("an add-on may be tried again", _handler("addon.trial", _tried_again)),
    Mutation("seats added on one day are rounded one by one", _set(units, "_defer", _one_by_one)),
    Mutation("the ids of commands are forgotten", _set(Book, "see", lambda *_: None)),
    Mutation("a command's date is that of UTC", _set(machine, "date_of", lambda ms, _zone: _date_of(ms, "UTC"))),
    Mutation("--until ends the day in UTC", _set(offline, "end_of_day_ms", _end_of_day_in_utc)),
    Mutation("an annual term is one cycle", _set(Calendar, "term_of", lambda self, number: _cycle(self, number))),
    Mutation("old cycles go on after a new start", _set(closing, "_boundary", _never_stops)),
    Mutation("licences survive the removal of their add-on", _set(Book, "_licence", _lapsed_licences_stay)),
)
