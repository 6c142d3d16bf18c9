"""Add-ons: billing.md §5, sentence by sentence; seeds S000, S001, S003."""

from __future__ import annotations

from tests.billing.desk import Desk


def test_a_purchase_bills_quantity_times_price_from_its_date_and_then_with_the_regular_invoice() -> None:
    desk = Desk()
    desk.start("2025-06-10", users=1, minimum=(1, 0))
    desk.buy("2025-06-11", "whatsapp", 3)
    assert desk.run("2025-07-10").heads == [
        "cycle 2025-06-10…2025-07-09 50.00",
        "amendment 2025-06-11…2025-07-09 43.50",
        "cycle 2025-07-10…2025-08-09 95.00",
    ]


def test_annual_upfront_pays_nothing_more_until_renewal() -> None:
    desk = Desk()
    desk.start("2025-06-10", term="annual", invoicing="upfront", users=1, minimum=(1, 0))
    desk.buy("2025-06-11", "whatsapp", 1)
    ran = desk.run("2026-06-10")
    assert ran.heads == [
        "annual 2025-06-10…2026-06-09 480.00",
        "amendment 2025-06-11…2026-06-09 179.50",
        "annual 2026-06-10…2027-06-09 660.00",
    ]


def test_account_seats_count_the_paid_users_and_a_seat_added_later_adds_its_charge() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1, minimum=(3, 0))
    desk.buy("2025-06-16", "analytics", 99)
    desk.add("2025-06-16", "x")
    desk.add("2025-06-16", "y")
    desk.add("2025-06-16", "z")
    ran = desk.run("2025-07-01")
    assert ran.lines(1) == ["Analytics 3×10.00×0.50 2025-06-16…2025-06-30 15.00"]
    assert ran.lines(2) == [
        "Additional users 1×50.00×0.50 2025-06-16…2025-06-30 25.00",
        "Analytics 1×10.00×0.50 2025-06-16…2025-06-30 5.00",
    ]
    assert ran.lines(3)[-1] == "Analytics 4×10.00×1 2025-07-01…2025-07-31 40.00"


def test_where_an_additional_user_includes_add_ons_they_count_the_minimum_users_always() -> None:
    desk = Desk()
    desk.start("2025-06-01", "all-in", users=3, minimum=(2, 0))
    desk.buy("2025-06-16", "analytics")
    desk.add("2025-06-16", "x")
    ran = desk.run("2025-07-01")
    assert ran.lines(1) == ["Analytics 2×10.00×0.50 2025-06-16…2025-06-30 10.00"]
    assert ran.lines(2) == ["Additional users 1×65.00×0.50 2025-06-16…2025-06-30 32.50"]
    assert ran.lines(3)[-1] == "Analytics 2×10.00×1 2025-07-01…2025-07-31 20.00"


def test_a_number_brings_no_add_on() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.buy("2025-06-01", "analytics")
    desk.add("2025-06-16", "n", "number")
    assert desk.run().lines() == ["Additional numbers 1×6.00×0.50 2025-06-16…2025-06-30 3.00"]


def test_a_purchase_ends_a_trial_and_the_trial_stays_used() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    trial = desk.give("2025-06-02", "addon.trial", "admin", addon="whatsapp")
    bought = desk.buy("2025-06-03", "whatsapp")
    ran = desk.run()
    assert ran.reason(trial) is None
    assert ran.reason(bought) is None
    assert "2025-07-01" in ran.event(trial)["detail"]
    assert len(ran.invoices) == 2


def test_a_quoted_add_on_is_bought_by_the_account_manager() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    asked = desk.give("2025-06-02", "addon.request_quote", addon="support")
    bought = desk.buy("2025-06-03", "support", 1, role="account_manager")
    ran = desk.run()
    assert ran.reason(asked) is None
    assert ran.reason(bought) is None


def test_asking_for_a_quote_of_any_add_on_is_allowed() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    asked = desk.give("2025-06-02", "addon.request_quote", addon="storage")
    ran = desk.run()
    assert ran.reason(asked) is None
    assert len(ran.invoices) == 1


def test_the_account_manager_adds_quantity() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    one = desk.buy("2025-06-01", "whatsapp", 2)
    two = desk.buy("2025-06-16", "whatsapp", 3, role="account_manager")
    ran = desk.run("2025-07-01")
    assert ran.lines(2) == ["WhatsApp 3×15.00×0.50 2025-06-16…2025-06-30 22.50"]
    assert ran.lines(3)[-1] == "WhatsApp 5×15.00×1 2025-07-01…2025-07-31 75.00"
    assert ran.all_lines()[-1]["evidence"] == [one, two]


def test_a_licence_moves_between_users_and_is_never_money() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=3)
    desk.buy("2025-06-01", "whatsapp", 1)
    given = [
        desk.give("2025-06-02", "addon.assign", addon="whatsapp", unit_id="u0"),
        desk.give("2025-06-03", "addon.unassign", addon="whatsapp", unit_id="u0"),
        desk.give("2025-06-04", "addon.assign", addon="whatsapp", unit_id="u1"),
    ]
    desk.remove("2025-06-05", "u1")
    given.append(desk.give("2025-06-06", "addon.assign", addon="whatsapp", unit_id="u2"))
    ran = desk.run()
    assert [ran.reason(each) for each in given] == [None] * 4
    assert len(ran.invoices) == 2


def test_a_user_who_comes_back_has_no_licence() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.buy("2025-06-01", "whatsapp", 1)
    desk.give("2025-06-02", "addon.assign", addon="whatsapp", unit_id="u0")
    desk.remove("2025-06-03", "u0")
    desk.add("2025-06-04", "u0")
    taken = desk.give("2025-06-05", "addon.unassign", addon="whatsapp", unit_id="u0")
    assert desk.run().reason(taken) == "not_assigned"


def test_a_removal_by_the_account_manager_takes_effect_the_day_after_the_term() -> None:
    desk = Desk()
    desk.start("2025-06-01", term="annual", users=1, minimum=(1, 0))
    desk.buy("2025-06-01", "whatsapp", 1)
    removed = desk.give("2025-07-02", "addon.remove", "account_manager", addon="whatsapp")
    again = desk.give("2026-05-31", "addon.remove", "account_manager", addon="whatsapp")
    ran = desk.run("2026-06-01")
    assert ran.event(removed)["effective"] == ran.event(again)["effective"] == "2026-06-01"
    assert ran.heads[-2:] == ["cycle 2026-05-01…2026-05-31 55.00", "cycle 2026-06-01…2026-06-30 40.00"]


def test_an_add_on_by_the_cycle_is_removed_with_the_next_cycle_and_nothing_is_refunded() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.buy("2025-06-01", "storage", 2)
    removed = desk.give("2025-06-15", "addon.remove", addon="storage")
    ran = desk.run("2025-07-01")
    assert ran.event(removed)["effective"] == "2025-07-01"
    assert ran.heads == ["cycle 2025-06-01…2025-06-30 50.00", "amendment 2025-06-01…2025-06-30 20.00", "cycle 2025-07-01…2025-07-31 50.00"]


def test_while_a_removal_is_pending_a_managers_purchase_adds_quantity_and_the_removal_stands() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.buy("2025-06-01", "storage", 2)
    desk.give("2025-06-15", "addon.remove", addon="storage")
    desk.buy("2025-06-16", "storage", 1, role="account_manager")
    ran = desk.run("2025-07-01")
    assert ran.heads[2:] == ["amendment 2025-06-16…2025-06-30 5.00", "cycle 2025-07-01…2025-07-31 50.00"]


def test_a_seat_added_while_a_removal_is_pending_pays_its_add_on_to_the_day_before_the_removal() -> None:
    desk = Desk()
    desk.start("2025-06-01", term="annual", invoicing="upfront", users=1)
    desk.buy("2025-06-01", "tracking")
    desk.give("2025-06-15", "addon.remove", addon="tracking")
    desk.add("2025-06-16", "x")
    ran = desk.run()
    assert ran.heads[-1] == "amendment 2025-06-16…2026-05-31 460.50"
    assert ran.lines() == [
        "Additional users 1×40.00×11.50 2025-06-16…2026-05-31 460.00",
        "Tracking 1×1.00×0.50 2025-06-16…2025-06-30 0.50",
    ]


def test_when_a_removal_takes_effect_all_licences_lapse_and_a_later_purchase_starts_with_none() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.buy("2025-06-01", "whatsapp", 1)
    desk.give("2025-06-02", "addon.assign", addon="whatsapp", unit_id="u0")
    desk.give("2025-06-03", "addon.remove", "account_manager", addon="whatsapp")
    before = desk.give("2025-06-30", "addon.assign", addon="whatsapp", unit_id="u0")
    bought = desk.buy("2025-07-01", "whatsapp", 1)
    taken = desk.give("2025-07-02", "addon.unassign", addon="whatsapp", unit_id="u0")
    given = desk.give("2025-07-03", "addon.assign", addon="whatsapp", unit_id="u0")
    ran = desk.run()
    assert [ran.reason(each) for each in (before, bought, taken, given)] == ["already_assigned", None, "not_assigned", None]


def test_an_included_add_on_without_a_price_is_free_and_has_no_line() -> None:
    desk = Desk()
    desk.plans = desk.plans.replace('addons = ["whatsapp", "analytics", "tracking"]', 'addons = ["unsold"]')
    desk.start("2025-06-01", "deferred")
    bought = desk.buy("2025-06-02", "unsold", 5)
    ran = desk.run("2025-07-01")
    assert ran.reason(bought) is None
    assert ran.invoices == []


def test_the_registered_countrys_price_comes_first_for_each_term_and_currency_on_its_own() -> None:
    desk = Desk()
    desk.start("2025-06-01", country="FR", users=0)
    desk.buy("2025-06-01", "whatsapp", 1)
    assert desk.run().lines() == ["WhatsApp 1×14.00×1 2025-06-01…2025-06-30 14.00"]
    annual = Desk()
    annual.start("2025-06-01", country="FR", term="annual")
    annual.buy("2025-06-01", "whatsapp", 1)
    assert annual.run().lines() == ["WhatsApp 1×15.00×1 2025-06-01…2025-06-30 15.00"]
