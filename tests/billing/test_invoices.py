"""Invoices, usage and adjustments: billing.md §7, sentence by sentence."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rating.billing.currency import print_minor, rounded
from schemas.topics import TOPIC_BY_NAME
from tests.billing.desk import Desk


def test_every_event_and_invoice_is_what_the_contract_says_it_is() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1, minimum=(1, 0))
    desk.buy("2025-06-16", "whatsapp")
    desk.give("2025-06-17", "addon.remove", addon="whatsapp")
    desk.total("2025-06-02", "1.00")
    desk.total("2025-06-02", "2.00", time="2025-07-05T00:00:00Z")
    desk.close("2025-07-01")
    ran = desk.run("2025-08-01")
    for topic, records in (("billing.events", ran.events), ("billing.invoices", ran.invoices)):
        model = TOPIC_BY_NAME[topic].record
        assert model is not None
        for record in records:
            model.validate_python(record)
    assert len(ran.invoices) == 4


def test_usage_is_one_line_per_country_and_category_markets_and_numbers_together_rounded_once() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.total("2025-06-02", "0.0149", phone_number_id="p1")
    desk.total("2025-06-02", "0.0001", phone_number_id="p2")
    desk.total("2025-06-03", "0.0300", market="Elsewhere", messages=3)
    desk.total("2025-06-03", "0.5000", category="utility")
    desk.total("2025-06-03", "0.7000", country=None, category="utility", messages=2)
    desk.total("2025-06-03", "0.6000", country="DE", category="utility")
    desk.total("2025-06-03", "0", outcome="free", messages=9)
    ran = desk.run("2025-07-01")
    assert ran.lines() == [
        "DE · utility 1 2025-06-01…2025-06-30 0.60",
        "FR · marketing 5 2025-06-01…2025-06-30 0.05",
        "FR · utility 1 2025-06-01…2025-06-30 0.50",
        "Other · utility 2 2025-06-01…2025-06-30 0.70",
    ]
    line = ran.all_lines()[1]
    assert (line["kind"], line["unit_price"], line["months"], line["proration"]) == ("usage", None, None, None)
    assert line["evidence"] == ["2025-06-02", "2025-06-03"]
    assert ran.invoices[0]["sections"][0]["name"] == "WhatsApp usage"


def test_totals_may_be_negative_and_round_away_from_zero() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.total("2025-06-02", "-0.0050", messages=-1)
    ran = desk.run("2025-07-01")
    assert ran.lines() == ["FR · marketing -1 2025-06-01…2025-06-30 -0.01"]
    assert ran.invoices[0]["total"] == "-0.01"


def test_usage_in_another_currency_goes_on_an_invoice_of_its_own_after_the_subscriptions() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1, minimum=(1, 0))
    for currency in ("INR", "EUR", "USD", "JPY"):
        desk.total("2025-06-02", "7.5000", currency=currency)
    ran = desk.run("2025-07-01")
    assert [(each["kind"], each["currency"], each["period"]["from"], each["total"]) for each in ran.invoices[1:]] == [
        ("cycle", "USD", "2025-07-01", "57.50"),
        ("cycle", "EUR", "2025-06-01", "7.50"),
        ("cycle", "INR", "2025-06-01", "7.50"),
        ("cycle", "JPY", "2025-06-01", "8"),
    ]


def test_at_one_boundary_the_annual_invoice_comes_first() -> None:
    desk = Desk()
    desk.start("2024-07-01", term="annual", invoicing="upfront", users=1)
    desk.total("2025-06-30", "1.00")
    ran = desk.run("2025-07-01")
    assert ran.heads == [
        "annual 2024-07-01…2025-06-30 480.00",
        "annual 2025-07-01…2026-06-30 480.00",
        "cycle 2025-06-01…2025-06-30 1.00",
    ]


def test_an_account_named_by_two_subscriptions_is_billed_by_both() -> None:
    desk, other = Desk(), Desk("other")
    desk.start("2025-06-01", whatsapp_accounts=["waba", "waba"])
    other.start("2025-06-01", whatsapp_accounts=["waba", "more"])
    desk.commands += other.commands
    desk.total("2025-06-02", "1.00", account_id="waba")
    desk.total("2025-06-02", "5.00", account_id="more")
    desk.total("2025-06-02", "9.00", account_id="acme")
    assert [(each["account_id"], each["total"]) for each in desk.run("2025-07-01").invoices] == [("acme", "1.00"), ("other", "6.00")]


def test_a_total_that_changes_after_its_cycle_was_closed_is_adjusted_on_the_next_cycle_invoice() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.total("2025-06-02", "1.0040", messages=10)
    desk.total("2025-06-02", "1.0060", messages=11, time="2025-07-10T00:00:00Z")
    desk.total("2025-06-20", "0.5000", messages=5, time="2025-07-10T00:00:00Z")
    desk.total("2025-06-02", "0", messages=0, time="2025-08-10T00:00:00Z")
    desk.close("2025-07-01")
    desk.close("2025-08-01")
    desk.close("2025-09-01")
    ran = desk.run("2026-01-01")
    assert ran.heads == [
        "cycle 2025-06-01…2025-06-30 1.00",
        "cycle 2025-07-01…2025-07-31 0.51",
        "cycle 2025-08-01…2025-08-31 -1.01",
    ]
    assert ran.lines(1) == ["FR · marketing 6 2025-06-01…2025-06-30 0.51"]
    assert ran.lines(2) == ["FR · marketing -11 2025-06-01…2025-06-30 -1.01"]
    adjustment = ran.invoices[1]["sections"][0]
    assert adjustment["name"] == "Adjustments"
    assert adjustment["lines"][0]["kind"] == "adjustment"
    assert adjustment["lines"][0]["evidence"] == ["2025-06-02", "2025-06-20"]


def test_a_change_that_makes_no_difference_to_the_line_makes_no_adjustment() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.total("2025-06-02", "1.0040", messages=10)
    desk.total("2025-06-02", "1.0049", messages=11, time="2025-07-10T00:00:00Z")
    desk.close("2025-07-01")
    assert desk.run("2025-09-01").heads == ["cycle 2025-06-01…2025-06-30 1.00"]


def test_an_adjustment_names_its_cycle_and_each_currency_has_its_own() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1, minimum=(1, 0))
    for month in ("06", "07"):
        desk.total(f"2025-{month}-02", "1.00", time="2025-08-15T00:00:00Z")
        desk.total(f"2025-{month}-03", "2.00", currency="EUR", time="2025-08-15T00:00:00Z")
    desk.close("2025-08-01")
    ran = desk.run("2025-09-01")
    assert ran.lines(-2)[1:] == ["FR · marketing 1 2025-06-01…2025-06-30 1.00", "FR · marketing 1 2025-07-01…2025-07-31 1.00"]
    assert ran.heads[-1] == "cycle 2025-08-01…2025-08-31 4.00"


def test_several_boundaries_closed_at_once_come_one_after_the_other() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.total("2025-06-02", "1.00")
    desk.total("2025-07-02", "2.00")
    assert desk.run("2025-08-01").heads == ["cycle 2025-06-01…2025-06-30 1.00", "cycle 2025-07-01…2025-07-31 2.00"]


def test_numbers_run_from_one_without_gaps_and_an_invoice_without_a_line_takes_none() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.buy("2025-07-16", "whatsapp")
    ran = desk.run("2025-09-01")
    assert [each["number"] for each in ran.invoices] == ["acme-000001", "acme-000002", "acme-000003"]
    assert ran.heads[0] == "amendment 2025-07-16…2025-07-31 7.74"


def test_an_invoice_id_is_a_function_of_account_and_number() -> None:
    desk, other = Desk(), Desk("other")
    desk.start("2025-06-01", users=1)
    other.start("2024-01-01", users=7)
    again = Desk()
    again.start("2023-01-01", "thirty")
    ids = [each.run().invoices[0]["invoice_id"] for each in (desk, other, again)]
    assert ids[0] == ids[2] != ids[1]


def test_issued_at_and_an_events_time_are_the_commands_time() -> None:
    desk = Desk()
    desk.start("2025-06-01T10:00:00.1239+02:00", users=1)
    ran = desk.run()
    assert ran.invoices[0]["issued_at"] == ran.events[0]["time"] == "2025-06-01T08:00:00.123Z"


def test_sections_stand_in_the_order_of_plan_add_ons_usage_adjustments_and_equal_names_are_joined() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.buy("2025-06-02", "whatsapp")
    desk.buy("2025-06-02", "analytics")
    desk.buy("2025-06-02", "storage")
    desk.buy("2025-06-02", "support", role="account_manager")
    desk.total("2025-07-02", "1.00")
    desk.total("2025-06-02", "1.00", time="2025-07-10T00:00:00Z")
    desk.close("2025-07-01")
    sections = desk.run("2025-08-01").invoices[-1]["sections"]
    assert [(each["name"], [line["name"] for line in each["lines"]]) for each in sections] == [
        ("Users and Numbers", ["Additional users", "WhatsApp", "Support"]),
        ("Extras", ["Storage"]),
        ("Add-ons", ["Analytics"]),
        ("WhatsApp usage", ["FR · marketing"]),
        ("Adjustments", ["FR · marketing"]),
    ]
    assert [each["amount"] for each in sections] == ["164.00", "10.00", "10.00", "1.00", "1.00"]


def test_lines_that_round_to_zero_are_left_out_except_minimum_seats_priced_at_nothing() -> None:
    desk = Desk()
    desk.plans = desk.plans.replace('number = { name = "Numbers" }', 'number = { name = "Numbers", monthly = { USD = "0.00" } }')
    desk.plans = desk.plans.replace('USD = "6.00", JPY', 'USD = "0.004", JPY')
    desk.start("2025-06-01", numbers=3, minimum=(0, 2))
    desk.total("2025-06-02", "0.0049")
    assert desk.run("2025-07-01").heads == ["cycle 2025-06-01…2025-06-30 0.00", "cycle 2025-07-01…2025-07-31 0.00"]
    assert desk.run().lines() == ["Numbers 2×0.00×1 2025-06-01…2025-06-30 0.00"]


def test_a_currency_without_a_minor_unit_is_printed_without_decimals() -> None:
    desk = Desk()
    desk.start("2025-06-01", currency="JPY", minimum=(1, 0))
    desk.buy("2025-06-11", "whatsapp")
    ran = desk.run()
    assert ran.lines(0) == ["Users 1×5000×1 2025-06-01…2025-06-30 5000"]
    assert ran.lines(1) == ["WhatsApp 1×1500×0.67 2025-06-11…2025-06-30 1000"]


@pytest.mark.parametrize(
    ("amount", "currency", "printed"),
    [
        ("0.005", "USD", "0.01"),
        ("0.004999999", "USD", "0.00"),
        ("-0.005", "USD", "-0.01"),
        ("-0.004", "USD", "0.00"),
        ("1234.5", "JPY", "1235"),
        ("-1234.5", "JPY", "-1235"),
        ("1.0005", "KWD", "1.001"),
        ("1.00005", "CLF", "1.0001"),
        ("10000000000000000000000000000.005", "EUR", "10000000000000000000000000000.01"),
    ],
)
def test_an_amount_is_rounded_half_up_and_negatives_away_from_zero(amount: str, currency: str, printed: str) -> None:
    assert print_minor(rounded(Fraction(amount), currency), currency) == printed


def test_figures_of_any_size_are_billed() -> None:
    desk = Desk()
    desk.start("2025-06-01", minimum=(0, 10**18))
    desk.buy("2025-06-01", "whatsapp", 9_999_999_999_999_999_999)
    desk.total("2025-06-02", f"{10**40}.25", messages=10**18)
    ran = desk.run("2025-07-01")
    assert ran.invoices[1]["total"] == "149999999999999999985.00"
    assert ran.lines(2)[-1].endswith(f"{10**40}.25")
