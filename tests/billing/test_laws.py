"""Laws of billing, whatever the anchor, the zone, the plan and the order of what happens."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rating.billing.book import Book
from rating.billing.calendar import CYCLES_OF_A_YEAR, ONE_DAY, Calendar, CycleKind
from rating.billing.currency import minor_digits, print_minor, rounded
from rating.billing.machine import execute
from rating.billing.memory import Memory
from rating.billing.plans_file import read_plans
from rating.billing.proration import months_between
from schemas.billing_commands import Command, decode_command
from tests.billing.desk import PLANS, Desk, Ran

LAW = settings(deadline=None, suppress_health_check=list(HealthCheck))
"""A machine that is busy with something else breaks no law."""

DATES = st.dates(date(2009, 1, 1), date(2095, 12, 31))
KINDS: st.SearchStrategy[CycleKind] = st.sampled_from(["month", "30-days"])
CALENDARS = st.builds(Calendar, DATES, KINDS, st.sampled_from([1, CYCLES_OF_A_YEAR]))


@settings(LAW)
@given(calendar=CALENDARS, number=st.integers(0, 60))
def test_no_cycle_has_a_gap_or_an_overlap(calendar: Calendar, number: int) -> None:
    cycle, following = calendar.cycle(number), calendar.cycle(number + 1)
    assert following.first == cycle.last + ONE_DAY
    assert 28 <= cycle.days <= 31
    assert calendar.number_on(cycle.first) == calendar.number_on(cycle.last) == number
    term = calendar.term_of(number)
    assert term.first <= cycle.first
    assert cycle.last <= term.last


@settings(LAW)
@given(calendar=CALENDARS, offset=st.integers(0, 1500))
def test_every_day_lies_in_exactly_one_cycle(calendar: Calendar, offset: int) -> None:
    day = calendar.start + timedelta(days=offset)
    cycle = calendar.cycle(calendar.number_on(day))
    assert cycle.first <= day <= cycle.last


@settings(LAW)
@given(calendar=CALENDARS, offset=st.integers(0, 700), split=st.integers(1, 700))
def test_the_parts_of_a_split_period_sum_to_the_whole_and_a_full_period_is_whole(calendar: Calendar, offset: int, split: int) -> None:
    """By `actual-inclusive`, where the second part begins the day after the first one ends: the first part ends within a cycle too."""
    first_day = calendar.start + timedelta(days=offset)
    last = calendar.term_of(calendar.number_on(first_day)).last
    middle = first_day + timedelta(days=split)
    whole = months_between("actual-inclusive", calendar, first_day, last)
    if middle <= last:
        rest = months_between("actual-inclusive", calendar, middle, last)
        assert whole - rest == _days_by_hand(calendar, first_day, middle)
    term = calendar.term_of(calendar.number_on(first_day))
    assert months_between("actual-inclusive", calendar, term.first, term.last) == calendar.cycles_per_term


def _days_by_hand(calendar: Calendar, first: date, end: date) -> Fraction:
    """Each day is worth one over the days of its cycle."""
    total = Fraction(0)
    day = first
    while day < end:
        total += Fraction(1, calendar.cycle(calendar.number_on(day)).days)
        day += ONE_DAY
    return total


@settings(LAW)
@given(amount=st.fractions(-(10**6), 10**6), currency=st.sampled_from(["USD", "JPY", "KWD"]))
def test_rounding_moves_by_half_a_minor_unit_at_most_and_is_symmetrical(amount: Fraction, currency: str) -> None:
    units = rounded(amount, currency)
    assert abs(amount * 10 ** minor_digits(currency) - units) <= Fraction(1, 2)
    assert rounded(-amount, currency) == -units
    assert Decimal(print_minor(units, currency)) * 10 ** minor_digits(currency) == units


# Whole stories

USERS = [f"u{n}" for n in range(4)]
ROLES = st.sampled_from(["owner", "owner", "admin", "account_manager", "account_manager", "supervisor", "system"])
ADDONS = st.sampled_from(["whatsapp", "analytics", "storage", "tracking", "support", "assist"])
ACTIONS = st.one_of(
    st.tuples(st.just("unit.add"), st.fixed_dictionaries({"kind": st.sampled_from(["user", "number"]), "unit_id": st.sampled_from(USERS)})),
    st.tuples(
        st.just("unit.remove"), st.fixed_dictionaries({"kind": st.sampled_from(["user", "number"]), "unit_id": st.sampled_from(USERS)})
    ),
    st.tuples(st.just("addon.purchase"), st.fixed_dictionaries({"addon": ADDONS, "quantity": st.integers(0, 3)})),
    st.tuples(st.sampled_from(["addon.trial", "addon.remove"]), st.fixed_dictionaries({"addon": ADDONS})),
    st.tuples(
        st.sampled_from(["addon.assign", "addon.unassign"]),
        st.fixed_dictionaries({"addon": ADDONS, "unit_id": st.sampled_from(USERS)}),
    ),
    st.tuples(st.just("cycle.close"), st.fixed_dictionaries({"back": st.integers(0, 40)})),
    st.tuples(st.just("subscription.cancel"), st.just({})),
    st.tuples(st.just("start"), st.just({})),
)
STARTS = st.fixed_dictionaries(
    {
        "plan": st.sampled_from(["pro", "deferred", "thirty"]),
        "term": st.sampled_from(["monthly", "annual"]),
        "invoicing": st.sampled_from(["monthly", "upfront"]),
        "timezone": st.sampled_from(["UTC", "Pacific/Kiritimati", "America/Los_Angeles"]),
        "users": st.integers(0, 3),
        "minimum": st.tuples(st.integers(0, 2), st.integers(0, 1)),
    }
)
TOTALS = st.lists(
    st.tuples(
        st.integers(0, 120),  # the day
        st.integers(0, 200),  # the day from which it is known
        st.integers(-3000, 30000),  # ten-thousandths
        st.sampled_from(["FR", None]),
        st.sampled_from(["USD", "USD", "EUR"]),
    ),
    max_size=8,
)


def _start(draw: st.DrawFn, desk: Desk, day: date) -> None:
    fields: dict[str, Any] = draw(STARTS)
    desk.start(day.isoformat(), **fields)


@st.composite
def stories(draw: st.DrawFn) -> Desk:
    """A desk at which anything was given: a subscription or several, days pass, people do what they may and may not."""
    desk = Desk()
    first = draw(st.dates(date(2024, 1, 1), date(2025, 12, 31)))
    day = first
    _start(draw, desk, day)
    for type_, fields in draw(st.lists(ACTIONS, max_size=14)):
        day += timedelta(days=draw(st.integers(0, 25)))
        on = day.isoformat()
        if type_ == "start":
            _start(draw, desk, day)
        elif type_ == "cycle.close":
            desk.close(on, (day - timedelta(days=fields["back"] + 1)).isoformat())
        else:
            desk.give(on, type_, draw(ROLES), **fields)
    for offset, known, amount, country, currency in draw(TOTALS):
        text = f"{'-' if amount < 0 else ''}{abs(amount) // 10_000}.{abs(amount) % 10_000:04d}"
        time = f"{first + timedelta(days=known)}T12:00:00Z"
        desk.total((first + timedelta(days=offset)).isoformat(), text, amount, country=country, currency=currency, time=time)
    return desk


LAST = "2027-12-31"


@settings(LAW, max_examples=60)
@given(desk=stories())
def test_every_invoice_adds_up_and_numbers_have_no_gap(desk: Desk) -> None:
    ran = desk.run(LAST)
    for number, invoice in enumerate(ran.invoices, 1):
        assert invoice["number"] == f"acme-{number:06d}"
        lines = [Decimal(line["amount"]) for section in invoice["sections"] for line in section["lines"]]
        assert lines
        assert sum(lines) == sum(Decimal(section["amount"]) for section in invoice["sections"]) == Decimal(invoice["total"])
        for section in invoice["sections"]:
            assert sum(Decimal(line["amount"]) for line in section["lines"]) == Decimal(section["amount"])


@settings(LAW, max_examples=60)
@given(desk=stories())
def test_what_was_billed_for_a_cycle_in_all_is_what_the_final_totals_say_rounded_once(desk: Desk) -> None:
    ran = desk.run(LAST)
    billed: dict[tuple[str, str, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for invoice in ran.invoices:
        for section in invoice["sections"]:
            for line in section["lines"]:
                if line["kind"] in ("usage", "adjustment"):
                    key = (line["period"]["from"], line["period"]["to"], line["name"], invoice["currency"])
                    billed[key][0] += Decimal(line["amount"])
                    billed[key][1] += Decimal(line["quantity"])
    final = _latest(desk)
    for (first, last, name, currency), (amount, messages) in billed.items():
        counted = [
            total
            for total in final.values()
            if first <= total["date"] <= last
            and f"{total['country'] or 'Other'} · {total['category']}" == name
            and total["currency"] == currency
        ]
        due = rounded(sum((Fraction(total["amount"]) for total in counted), Fraction(0)), currency)
        assert print_minor(due, currency) == str(amount)
        assert messages == sum(total["messages"] for total in counted) or amount == 0 or due == 0


@settings(LAW, max_examples=40)
@given(desk=stories())
def test_usage_of_every_day_since_the_first_start_is_billed_in_exactly_one_cycle(desk: Desk) -> None:
    ran = desk.run(LAST)
    starts = [event["effective"] for event in ran.events if event["detail"].startswith("Subscribed")]
    spans = {(line["period"]["from"], line["period"]["to"]) for line in ran.all_lines() if line["kind"] in ("usage", "adjustment")}
    for first, last in spans:
        assert starts[0] <= first
        assert not any(other != (first, last) and first <= other[1] and other[0] <= last for other in spans)


def _latest(desk: Desk) -> dict[tuple[Any, ...], dict[str, Any]]:
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for raw in sorted(map(json.loads, desk.totals), key=lambda total: str(total["time"])):
        latest[raw["date"], raw["country"], raw["currency"]] = raw
    return latest


@settings(LAW, max_examples=40)
@given(desk=stories(), data=st.data())
def test_commands_and_totals_in_any_interleaving_that_their_times_allow_give_the_same_invoices(desk: Desk, data: st.DataObject) -> None:
    """Totals of other keys or times may come in any order, accounts between each other too; each account's commands stay in order."""
    other = Desk("other")
    other.start("2024-02-03", users=1, whatsapp_accounts=["acme"])
    other.close("2025-03-03")
    expected_acme, expected_other = desk.run(LAST), _alone(other, desk.totals)
    desk.totals = data.draw(st.permutations(desk.totals)) if _no_ties(desk) else desk.totals
    mine, theirs = list(desk.commands), list(other.commands)
    desk.commands = []
    while mine or theirs:
        source = data.draw(st.sampled_from([each for each in (mine, theirs) if each]))
        desk.commands.append(source.pop(0))
    ran = desk.run(LAST)
    assert [each for each in ran.invoices if each["account_id"] == "acme"] == expected_acme.invoices
    assert [each for each in ran.invoices if each["account_id"] == "other"] == expected_other.invoices


def _alone(desk: Desk, totals: list[bytes]) -> Ran:
    desk.totals = totals
    return desk.run(LAST)


def _no_ties(desk: Desk) -> bool:
    keys = [(total["date"], total["country"], total["currency"], total["time"]) for total in map(json.loads, desk.totals)]
    return len(set(keys)) == len(keys)


@settings(LAW, max_examples=40)
@given(desk=stories(), data=st.data())
def test_a_repeated_command_has_no_second_effect(desk: Desk, data: st.DataObject) -> None:
    once = desk.run(LAST)
    again: list[bytes] = []
    for at, command in enumerate(desk.commands):
        again.append(command)
        if data.draw(st.booleans()):
            again.append(desk.commands[data.draw(st.integers(0, at))])
    desk.commands = again
    twice = desk.run(LAST)
    assert (twice.events, twice.invoices) == (once.events, once.invoices)


@settings(LAW, max_examples=40)
@given(desk=stories())
def test_an_issued_invoice_never_changes_whatever_follows(desk: Desk) -> None:
    issued: list[dict[str, Any]] = []
    commands, desk.commands = desk.commands, []
    for command in commands:
        desk.commands.append(command)
        invoices = desk.run().invoices
        assert invoices[: len(issued)] == issued
        issued = invoices


@settings(LAW, max_examples=60)
@given(desk=stories())
def test_seats_that_are_paid_for_are_never_fewer_than_those_in_use_or_the_minimum(desk: Desk) -> None:
    state, plans = Memory(), read_plans(PLANS)
    for raw in desk.commands:
        command = decode_command(raw)
        assert isinstance(command, Command)
        execute(state, plans, command)
        for contract in Book(state, "acme").account().contracts:
            for kind in (0, 1):
                assert contract.paid[kind] >= max(contract.active[kind], contract.minimum[kind])
            for holding in contract.holdings.values():
                assert 0 <= holding.assigned <= holding.quantity
