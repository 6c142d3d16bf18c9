"""Seats and proration: billing.md §4 and §6, sentence by sentence; seed S002."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from rating.billing.calendar import Calendar
from rating.billing.proration import Policy, months_between, print_months
from tests.billing.desk import Desk


def test_the_minimum_is_paid_for_though_fewer_exist() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1, minimum=(3, 1))
    assert desk.run().lines() == ["Users 3×50.00×1 2025-06-01…2025-06-30 150.00", "Numbers 1×0.00×1 2025-06-01…2025-06-30 0.00"]


def test_the_excess_is_additional() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=4, numbers=2, minimum=(3, 1))
    assert desk.run().lines() == [
        "Users 3×50.00×1 2025-06-01…2025-06-30 150.00",
        "Numbers 1×0.00×1 2025-06-01…2025-06-30 0.00",
        "Additional users 1×50.00×1 2025-06-01…2025-06-30 50.00",
        "Additional numbers 1×6.00×1 2025-06-01…2025-06-30 6.00",
    ]


def test_a_unit_within_the_minimum_costs_nothing() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1, minimum=(2, 0))
    desk.add("2025-06-02", "x")
    assert len(desk.run().invoices) == 1


def test_a_unit_beyond_the_paid_seats_is_billed_from_its_date_to_the_end_of_the_paid_period() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1, minimum=(1, 0))
    added = desk.add("2025-06-16", "x")
    ran = desk.run()
    assert ran.heads[1] == "amendment 2025-06-16…2025-06-30 25.00"
    (line,) = ran.all_lines()[1:]
    assert line["kind"] == "additional"
    assert line["months"] == "0.50"
    assert line["proration"] == {"policy": "actual-inclusive", "numerator": 1, "denominator": 2}
    assert line["evidence"] == [added]


def test_a_unit_that_is_removed_at_once_is_still_billed() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1, minimum=(1, 0))
    desk.add("2025-06-16", "x")
    desk.remove("2025-06-16", "x")
    assert desk.run("2025-07-01").heads[1:] == ["amendment 2025-06-16…2025-06-30 25.00", "cycle 2025-07-01…2025-07-31 50.00"]


def test_a_paid_seat_is_kept_remove_and_add_again_or_swap_is_free() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=3, minimum=(1, 0))
    desk.remove("2025-06-05", "u2")
    desk.add("2025-06-06", "u2")
    desk.remove("2025-06-07", "u1")
    desk.add("2025-06-08", "someone-else")
    assert len(desk.run().invoices) == 1


def test_on_a_monthly_plan_the_paid_seats_are_counted_anew_each_cycle() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=3, minimum=(1, 0))
    desk.remove("2025-06-05", "u2")
    desk.close("2025-07-01")
    desk.add("2025-07-16", "u2")
    assert desk.run().heads[1:] == ["cycle 2025-07-01…2025-07-31 100.00", "amendment 2025-07-16…2025-07-31 25.81"]


def test_on_an_annual_plan_paid_upfront_a_seat_is_kept_for_the_term() -> None:
    desk = Desk()
    desk.start("2025-06-01", term="annual", invoicing="upfront", users=3, minimum=(1, 0))
    desk.remove("2025-06-05", "u2")
    desk.add("2026-05-31", "u2")
    assert desk.run("2026-06-01").heads == ["annual 2025-06-01…2026-05-31 1440.00", "annual 2026-06-01…2027-05-31 1440.00"]


def test_an_annual_plan_with_monthly_invoices_pays_by_the_cycle_at_the_annual_price() -> None:
    desk = Desk()
    desk.start("2025-06-01", term="annual", users=1, minimum=(1, 0))
    desk.add("2025-06-16", "x")
    assert desk.run("2025-07-01").heads == [
        "cycle 2025-06-01…2025-06-30 40.00",
        "amendment 2025-06-16…2025-06-30 20.00",
        "cycle 2025-07-01…2025-07-31 80.00",
    ]


def test_a_unit_under_cycle_is_a_line_of_the_invoice_that_closes_the_cycle_in_which_it_was_added() -> None:
    desk = Desk()
    desk.start("2025-06-01", "deferred", users=1, minimum=(1, 0))
    desk.add("2025-06-16", "x")
    assert desk.run("2025-07-01").lines() == [
        "Users 1×50.00×1 2025-07-01…2025-07-31 50.00",
        "Additional users 1×50.00×1 2025-07-01…2025-07-31 50.00",
        "Additional users 1×50.00×0.50 2025-06-16…2025-06-30 25.00",
    ]


def test_units_of_one_date_are_joined_and_then_rounded() -> None:
    desk = Desk()
    desk.start("2025-06-01", "deferred", term="annual", invoicing="upfront")
    first = desk.add("2025-06-08", "a", "number")
    second = desk.add("2025-06-08", "b", "number")
    desk.add("2025-06-09", "c", "number")
    ran = desk.run("2025-07-01")
    assert ran.lines() == [
        "Additional numbers 2×6.00×11.77 2025-06-08…2026-05-31 141.20",
        "Additional numbers 1×6.00×11.73 2025-06-09…2026-05-31 70.40",
    ]
    assert ran.all_lines()[0]["evidence"] == [first, second]


def test_a_unit_under_cycle_brings_the_account_add_ons_on_lines_of_their_own_per_add_on_and_date() -> None:
    desk = Desk()
    desk.start("2025-06-01", "deferred", term="annual", invoicing="upfront", users=1, minimum=(1, 0))
    desk.buy("2025-06-01", "analytics")
    desk.add("2025-06-16", "x")
    desk.add("2025-06-16", "y")
    assert desk.run("2025-07-01").lines() == [
        "Additional users 2×40.00×11.50 2025-06-16…2026-05-31 920.00",
        "Analytics 2×8.00×11.50 2025-06-16…2026-05-31 184.00",
    ]


def test_units_of_the_last_cycle_of_a_cancelled_subscription_are_billed_after_its_end() -> None:
    desk = Desk()
    desk.start("2025-06-01", "deferred", users=1, minimum=(1, 0))
    desk.give("2025-06-02", "subscription.cancel")
    desk.add("2025-06-16", "x")
    ran = desk.run("2025-08-01")
    assert ran.heads[1:] == ["cycle 2025-06-01…2025-06-30 25.00"]


def test_ids_are_per_kind() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.add("2025-06-02", "same", "user")
    number = desk.add("2025-06-02", "same", "number")
    assert desk.run().reason(number) is None


def test_the_evidence_of_an_excess_names_the_commands_that_added_its_units() -> None:
    desk = Desk()
    start = desk.start("2025-06-01", users=2, minimum=(2, 0))
    x, y = desk.add("2025-06-02", "x"), desk.add("2025-06-03", "y")
    desk.remove("2025-06-04", "u0")
    lines = desk.run("2025-07-01").invoices[-1]["sections"][0]["lines"]
    assert [(line["name"], line["quantity"], line["evidence"]) for line in lines] == [
        ("Users", "2", [start]),
        ("Additional users", "1", [y]),
    ]
    assert x != y


JUNE = Calendar(date(2025, 6, 10), "month", 12)
THIRTY = Calendar(date(2025, 5, 1), "30-days", 1)


@pytest.mark.parametrize(
    ("policy", "calendar", "day", "last", "months"),
    [
        pytest.param("actual-inclusive", JUNE, "2025-06-10", "2025-07-09", "1", id="inclusive: the first day is a whole month"),
        pytest.param("actual-inclusive", JUNE, "2025-06-11", "2025-07-09", "29/30", id="inclusive: the second day (seed S000)"),
        pytest.param("actual-inclusive", JUNE, "2025-07-09", "2025-07-09", "1/30", id="inclusive: the last day counts"),
        pytest.param("actual-inclusive", JUNE, "2025-06-11", "2026-06-09", "359/30", id="inclusive: whole cycles after it"),
        pytest.param("fixed-30-exclusive", THIRTY, "2025-05-01", "2025-05-30", "29/30", id="fixed: the first day of thirty"),
        pytest.param("fixed-30-exclusive", THIRTY, "2025-05-15", "2025-05-30", "1/2", id="fixed: seed S004"),
        pytest.param("fixed-30-exclusive", THIRTY, "2025-05-30", "2025-05-30", "0", id="fixed: the last day is nothing"),
        pytest.param("fixed-30-exclusive", JUNE, "2025-07-10", "2025-08-09", "1", id="fixed: thirty days after the first of 31"),
        pytest.param("fixed-30-exclusive", JUNE, "2025-07-11", "2025-08-09", "29/30", id="fixed: the second day of 31"),
        pytest.param("fixed-30-exclusive", JUNE, "2026-02-10", "2026-03-09", "9/10", id="fixed: 27 days after the first of 28"),
        pytest.param("fixed-30-exclusive", JUNE, "2025-07-09", "2026-06-09", "11", id="fixed: the last day, whole cycles after it"),
    ],
)
def test_months_of_the_rest_of_a_period(policy: Policy, calendar: Calendar, day: str, last: str, months: str) -> None:
    assert months_between(policy, calendar, date.fromisoformat(day), date.fromisoformat(last)) == Fraction(months)


@pytest.mark.parametrize(("months", "printed"), [("12", "12"), ("364/31", "11.74"), ("313/30", "10.43"), ("1/2", "0.50"), ("1/8", "0.13")])
def test_months_are_printed_half_up_with_two_decimals_or_whole(months: str, printed: str) -> None:
    assert print_months(Fraction(months)) == printed


def test_a_purchase_on_the_last_day_of_a_fixed_cycle_is_accepted_without_line_or_invoice() -> None:
    desk = Desk()
    desk.start("2025-05-01", "thirty")
    bought = desk.buy("2025-05-30", "storage")
    added = desk.add("2025-05-30", "x")
    free = desk.add("2025-05-30", "y")
    ran = desk.run("2025-05-31")
    assert [ran.reason(each) for each in (bought, added, free)] == [None, None, None]
    assert ran.heads == ["cycle 2025-05-01…2025-05-30 49.00", "cycle 2025-05-31…2025-06-29 119.00"]


def test_a_purchase_on_the_first_day_of_a_fixed_cycle_follows_the_formula_and_what_is_in_advance_is_whole() -> None:
    desk = Desk()
    desk.start("2025-05-01", "thirty")
    desk.buy("2025-05-01", "storage", 3)
    ran = desk.run("2025-05-31")
    assert ran.lines(1) == ["Storage 3×10.00×0.97 2025-05-01…2025-05-30 29.00"]
    assert ran.lines(2)[-1] == "Storage 3×10.00×1 2025-05-31…2025-06-29 30.00"


def test_proration_is_null_exactly_where_months_is_whole() -> None:
    desk = Desk()
    desk.start("2025-06-10", "deferred", term="annual", invoicing="upfront", users=1)
    for on, unit in (("2025-06-10", "a"), ("2025-06-11", "b"), ("2025-07-09", "c"), ("2025-07-10", "d")):
        desk.add(on, unit)
    lines = desk.run("2025-09-01").all_lines()
    assert [(line["months"], line["proration"] is None) for line in lines] == [
        ("12", True),
        ("12", True),
        ("11.97", False),
        ("11.03", False),
        ("11", True),
    ]
