"""The oracle against every figure of the billing contract, worked out by hand: who judges the judge."""

from __future__ import annotations

import ast
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.billing_oracle import Billed, bill
from tests.billing_oracle.dates import Calendar, Period, end_of_day_ms
from tests.billing_oracle.prices import money, months_text, rounded
from tests.billing_oracle.writing import Writer, total
from tests.oracle.instants import written

AIRCALL = """
[plans.p]
name = "Professional"
section = "Users and Numbers"
user = { name = "Users", monthly = { USD = "50.00" }, annual = { USD = "40.00" } }
number = { name = "Numbers" }
additional_user = { name = "Additional users", monthly = { USD = "50.00" }, annual = { USD = "40.00" } }
additional_number = { name = "Additional numbers", monthly = { USD = "6.00" }, annual = { USD = "6.00" } }
addons = ["whatsapp", "analytics"]

[addons.whatsapp]
name = "WhatsApp in Aircall"
section = "Users and Numbers"
seats = "provisioned"
monthly = { USD = "15.00" }
annual = { USD = "15.00" }
consumption = true
trial_days = 30

[addons.analytics]
name = "Analytics+"
section = "Add-ons"
seats = "account"
commitment = "cycle"
monthly = { USD = "9.00" }
annual = { USD = "9.00" }
"""
BY_CYCLE = AIRCALL.replace('section = "Users and Numbers"\nuser', 'section = "Users and Numbers"\nadditional_units = "cycle"\nuser', 1)

UCHAT = """
[plans.p]
name = "UChat"
section = "Plan"
cycle = "30-days"
proration = "fixed-30-exclusive"
base = { monthly = { USD = "49.00" } }
addons = ["member"]

[addons.member]
name = "Extra member"
section = "Add-ons"
seats = "plain"
monthly = { USD = "10.00" }
"""


def told(billed: Billed) -> list[list[Any]]:
    """Each invoice in a few words: kind, period, its lines as (name, quantity, months, amount), total."""
    return [
        [
            invoice["kind"],
            f"{invoice['period']['from']} … {invoice['period']['to']}",
            *[(line["name"], line["quantity"], line["months"], line["amount"]) for part in invoice["sections"] for line in part["lines"]],
            invoice["total"],
        ]
        for invoice in billed.invoices
    ]


def reasons(billed: Billed) -> list[str | None]:
    return [event["reason"] for event in billed.events]


def test_nothing_of_the_product_is_imported() -> None:
    for path in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in modules if name.partition(".")[0] in ("rating", "schemas", "streams")], path.name


def test_s000_a_licence_bought_on_the_second_day_costs_29_of_30_days_and_then_the_full_price_beside_plan_and_usage() -> None:
    write = Writer()
    commands = [
        write.start("2025-05-10", minimum={"user": 3}),
        write("2025-06-11", "addon.purchase", addon="whatsapp", quantity=1),
        write("2025-07-10", "cycle.close"),
    ]
    usage = [total("2025-06-09", "1.00", 1), total("2025-06-10", "2.00", 2), total("2025-07-09", "0.50", 3), total("2025-07-10", "9.00", 9)]
    assert told(bill(commands, AIRCALL, usage)) == [
        ["cycle", "2025-05-10 … 2025-06-09", ("Users", "3", "1", "150.00"), "150.00"],
        ["amendment", "2025-06-11 … 2025-07-09", ("WhatsApp in Aircall", "1", "0.97", "14.50"), "14.50"],
        ["cycle", "2025-06-10 … 2025-07-09", ("Users", "3", "1", "150.00"), ("FR · marketing", "1", None, "1.00"), "151.00"],
        [
            "cycle",
            "2025-07-10 … 2025-08-09",
            ("Users", "3", "1", "150.00"),
            ("WhatsApp in Aircall", "1", "1", "15.00"),
            ("FR · marketing", "5", None, "2.50"),
            "167.50",
        ],
    ]


def test_an_amendment_carries_a_lower_number_than_an_earlier_boundary_that_is_closed_later() -> None:
    write = Writer()
    commands = [
        write.start("2025-05-10", minimum={"user": 3}),
        write("2025-06-11", "addon.purchase", addon="whatsapp", quantity=1),
        write("2025-06-12", "cycle.close"),
    ]
    billed = bill(commands, AIRCALL, [])
    assert [(i["number"], i["kind"], i["period"]["from"]) for i in billed.invoices] == [
        ("acme-000001", "cycle", "2025-05-10"),
        ("acme-000002", "amendment", "2025-06-11"),
        ("acme-000003", "cycle", "2025-06-10"),
    ]
    assert told(billed)[2][2:] == [("Users", "3", "1", "150.00"), "150.00"], "the state at the boundary: the licence came a day later"


def test_s000_annual_one_amendment_to_the_terms_end_and_monthly_invoices_hold_usage_alone() -> None:
    write = Writer()
    commands = [
        write.start("2025-01-10", term="annual", invoicing="upfront", minimum={"user": 3}),
        write("2025-06-11", "addon.purchase", addon="whatsapp", quantity=1),
    ]
    billed = told(bill(commands, AIRCALL, [total("2025-06-20", "2.00", 2)], until=date(2026, 1, 10)))
    assert billed == [
        ["annual", "2025-01-10 … 2026-01-09", ("Users", "3", "12", "1440.00"), "1440.00"],
        ["amendment", "2025-06-11 … 2026-01-09", ("WhatsApp in Aircall", "1", "6.97", "104.50"), "104.50"],
        ["cycle", "2025-06-10 … 2025-07-09", ("FR · marketing", "2", None, "2.00"), "2.00"],
        ["annual", "2026-01-10 … 2027-01-09", ("Users", "3", "12", "1440.00"), ("WhatsApp in Aircall", "1", "12", "180.00"), "1620.00"],
    ]


def test_s002_monthly_a_removed_number_is_billed_to_the_cycles_end_and_not_after() -> None:
    write = Writer()
    commands = [
        write.start("2024-08-13", minimum={"number": 1}, units={"number": ["one", "two"]}),
        write("2024-10-01", "unit.remove", kind="number", unit_id="two"),
    ]
    assert told(bill(commands, AIRCALL, [], until=date(2024, 11, 12))) == [
        ["cycle", "2024-08-13 … 2024-09-12", ("Numbers", "1", "1", "0.00"), ("Additional numbers", "1", "1", "6.00"), "6.00"],
        ["cycle", "2024-09-13 … 2024-10-12", ("Numbers", "1", "1", "0.00"), ("Additional numbers", "1", "1", "6.00"), "6.00"],
        ["cycle", "2024-10-13 … 2024-11-12", ("Numbers", "1", "1", "0.00"), "0.00"],
    ]


def test_s002_annual_11_74_and_10_43_months_on_the_invoices_that_close_the_cycles() -> None:
    write = Writer()
    there = {"user": [f"user {n}" for n in range(12)], "number": ["one"]}
    commands = [
        write.start("2024-07-31", term="annual", invoicing="upfront", units=there),
        *[write("2024-08-08", "unit.add", kind="number", unit_id=name) for name in ("two", "three")],
        *[write("2024-08-08", "unit.add", kind="user", unit_id=name) for name in ("ann", "bob")],
        write("2024-09-17", "unit.add", kind="user", unit_id="cid"),
    ]
    billed = bill(commands, BY_CYCLE, [], until=date(2024, 9, 30))
    assert told(billed) == [
        [
            "annual",
            "2024-07-31 … 2025-07-30",
            ("Additional users", "12", "12", "5760.00"),
            ("Additional numbers", "1", "12", "72.00"),
            "5832.00",
        ],
        [
            "cycle",
            "2024-07-31 … 2024-08-30",
            ("Additional numbers", "2", "11.74", "140.90"),
            ("Additional users", "2", "11.74", "939.35"),
            "1080.25",
        ],
        ["cycle", "2024-08-31 … 2024-09-29", ("Additional users", "1", "10.43", "417.33"), "417.33"],
    ]
    numbers = billed.invoices[1]["sections"][0]["lines"][0]
    assert numbers["proration"] == {"policy": "actual-inclusive", "numerator": 364, "denominator": 31}
    assert numbers["period"] == {"from": "2024-08-08", "to": "2025-07-30"}
    assert numbers["evidence"] == ["c002", "c003"]


def test_s004_15_of_30_days_then_the_whole() -> None:
    write = Writer()
    commands = [write.start("2025-05-01"), write("2025-05-15", "addon.purchase", addon="member", quantity=1)]
    billed = bill(commands, UCHAT, [], until=date(2025, 5, 31))
    assert told(billed) == [
        ["cycle", "2025-05-01 … 2025-05-30", ("UChat", "1", "1", "49.00"), "49.00"],
        ["amendment", "2025-05-15 … 2025-05-30", ("Extra member", "1", "0.50", "5.00"), "5.00"],
        ["cycle", "2025-05-31 … 2025-06-29", ("UChat", "1", "1", "49.00"), ("Extra member", "1", "1", "10.00"), "59.00"],
    ]
    assert billed.invoices[1]["sections"][0]["lines"][0]["proration"] == {"policy": "fixed-30-exclusive", "numerator": 1, "denominator": 2}


@pytest.mark.parametrize(
    ("day", "months", "amount"),
    [
        pytest.param("2025-05-01", "0.97", "9.67", id="the cycle's first day: 29/30"),
        pytest.param("2025-05-29", "0.03", "0.33", id="the last but one: 1/30"),
        pytest.param("2025-05-30", None, None, id="the last: accepted, no line, no invoice"),
    ],
)
def test_fixed_30_exclusive_at_the_edges_of_a_cycle(day: str, months: str | None, amount: str | None) -> None:
    write = Writer()
    billed = bill([write.start("2025-05-01"), write(day, "addon.purchase", addon="member", quantity=1)], UCHAT, [])
    assert reasons(billed) == [None, None]
    assert told(billed)[1:] == ([["amendment", f"{day} … 2025-05-30", ("Extra member", "1", months, amount), amount]] if months else [])


@pytest.mark.parametrize(
    ("start", "starts"),
    [
        pytest.param(
            date(2025, 1, 31), [date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 30), date(2025, 5, 31)], id="01-31 → 02-28 → 03-31"
        ),
        pytest.param(date(2024, 1, 30), [date(2024, 2, 29), date(2024, 3, 30)], id="a leap year"),
        pytest.param(
            date(2024, 11, 30), [date(2024, 12, 30), date(2025, 1, 30), date(2025, 2, 28), date(2025, 3, 30)], id="over a new year"
        ),
    ],
)
def test_monthly_cycles_count_from_the_original_date(start: date, starts: list[date]) -> None:
    calendar = Calendar(start, by_month=True, cycles_per_term=1, upfront=False, inclusive=True)
    assert [calendar.cycle_start(k) for k in range(1, len(starts) + 1)] == starts


@pytest.mark.parametrize(
    ("day", "months"),
    [
        (date(2024, 7, 31), Fraction(12)),
        (date(2024, 8, 2), 11 + Fraction(29, 31)),
        (date(2024, 8, 8), Fraction(364, 31)),
        (date(2024, 8, 30), 11 + Fraction(1, 31)),
        (date(2024, 9, 17), 10 + Fraction(13, 30)),
        (date(2025, 7, 30), Fraction(1, 31)),
    ],
)
def test_months_to_the_end_of_an_annual_term(day: date, months: Fraction) -> None:
    calendar = Calendar(date(2024, 7, 31), by_month=True, cycles_per_term=12, upfront=True, inclusive=True)
    assert calendar.paid_period(day) == Period(date(2024, 7, 31), date(2025, 7, 30))
    assert calendar.months(day, date(2025, 7, 30)) == months


def test_months_of_30_days_at_most_where_a_month_has_31() -> None:
    calendar = Calendar(date(2025, 5, 1), by_month=True, cycles_per_term=12, upfront=True, inclusive=False)
    assert calendar.months(date(2025, 5, 1), date(2026, 4, 30)) == 12
    assert calendar.months(date(2025, 5, 2), date(2026, 4, 30)) == 11 + Fraction(29, 30)
    assert calendar.months(date(2026, 2, 1), date(2026, 4, 30)) == 2 + Fraction(27, 30)


def test_figures_are_rounded_half_up_away_from_zero_and_printed_with_their_digits() -> None:
    assert [str(rounded(Fraction(*amount), "USD")) for amount in ((5, 1000), (-5, 1000), (4, 1000), (-15, 1000))] == [
        "0.01",
        "-0.01",
        "0.00",
        "-0.02",
    ]
    assert [money(rounded(Fraction(1409, 10), currency), currency) for currency in ("USD", "JPY", "KWD")] == ["140.90", "141", "140.900"]
    assert [months_text(Fraction(*months)) for months in ((12, 1), (364, 31), (1, 2), (1, 200), (1, 30))] == [
        "12",
        "11.74",
        "0.50",
        "0.01",
        "0.03",
    ]


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", date(2025, 7, 10), "2025-07-10T23:59:59.999Z"),
        ("Europe/Paris", date(2025, 3, 30), "2025-03-30T21:59:59.999Z"),
        ("America/New_York", date(2025, 11, 2), "2025-11-03T04:59:59.999Z"),
        ("Africa/Cairo", date(2025, 4, 24), "2025-04-24T21:59:59.999Z"),
    ],
)
def test_the_end_of_a_local_day(zone: str, day: date, end: str) -> None:
    assert written(end_of_day_ms(day, zone)) == end
