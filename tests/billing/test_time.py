"""Dates, cycles, terms, order, and what is known when: billing.md §1, sentence by sentence."""

from __future__ import annotations

from datetime import date

import pytest

from rating.billing.calendar import Calendar, Span, date_of, end_of_day_ms
from schemas.instants import parse_instant
from tests.billing.desk import Desk


def test_a_commands_date_is_the_local_date_of_its_time() -> None:
    desk = Desk(zone="Asia/Tokyo")
    desk.start("2025-06-01T15:30:00Z", users=1)
    assert desk.run().heads == ["cycle 2025-06-02…2025-07-01 50.00"]


def test_commands_take_effect_in_the_order_of_time_and_then_id() -> None:
    desk = Desk()
    desk.start("2025-06-01", id="b", users=1)
    first = desk.add("2025-06-01", "x", id="c")
    second = desk.add("2025-06-01", "y", id="a")
    ran = desk.run()
    assert ran.reason(first) is None
    assert ran.reason(second) == "out_of_order"


def test_what_is_late_for_one_account_is_in_order_for_another() -> None:
    desk, other = Desk(), Desk("other")
    desk.start("2025-06-05", users=1)
    other.start("2025-06-01", users=1)
    desk.commands += other.commands
    assert [event["outcome"] for event in desk.run().events] == ["accepted", "accepted"]


def test_a_repeated_id_of_the_same_account_has_no_second_event_and_no_second_effect() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.add("2025-06-02", "x", id="again")
    once = desk.run()
    desk.add("2025-06-02", "x", id="again")
    desk.add("2025-06-03", "y", id="again")
    assert (desk.run().events, desk.run().invoices) == (once.events, once.invoices)


def test_two_accounts_may_use_the_same_id() -> None:
    desk, other = Desk(), Desk("other")
    desk.start("2025-06-01", id="one", users=1)
    other.start("2025-06-01", id="one", users=1)
    desk.commands += other.commands
    assert len(desk.run().invoices) == 2


def test_a_monthly_cycle_is_clamped_to_the_months_end_and_counted_from_the_original_date() -> None:
    calendar = Calendar(date(2025, 1, 31), "month", 12)
    assert [calendar.begins(number).isoformat() for number in (0, 1, 2, 3, 12, 13)] == [
        "2025-01-31",
        "2025-02-28",
        "2025-03-31",
        "2025-04-30",
        "2026-01-31",
        "2026-02-28",
    ]
    assert calendar.cycle(1) == Span(date(2025, 2, 28), date(2025, 3, 30))
    assert calendar.term_of(13) == Span(date(2026, 1, 31), date(2027, 1, 30))


def test_a_year_that_begins_on_a_leap_day_ends_before_the_28th() -> None:
    calendar = Calendar(date(2024, 2, 29), "month", 12)
    assert calendar.term_of(0) == Span(date(2024, 2, 29), date(2025, 2, 27))
    assert calendar.term_of(48) == Span(date(2028, 2, 29), date(2029, 2, 27))


def test_a_cycle_of_thirty_days_starts_thirty_days_after_the_one_before() -> None:
    desk = Desk()
    desk.start("2025-05-01", "thirty")
    assert [head[:27] for head in desk.run("2025-06-30").heads] == [
        "cycle 2025-05-01…2025-05-30",
        "cycle 2025-05-31…2025-06-29",
        "cycle 2025-06-30…2025-07-29",
    ]


def test_an_annual_term_of_thirty_day_cycles_has_twelve_of_them() -> None:
    desk = Desk()
    desk.start("2025-01-01", "thirty", term="annual", invoicing="upfront")
    assert desk.run("2026-01-01").heads == ["annual 2025-01-01…2025-12-26 540.00", "annual 2025-12-27…2026-12-21 540.00"]


def test_a_term_renews_itself_until_cancelled() -> None:
    desk = Desk()
    desk.start("2024-06-10", term="annual", users=1, minimum=(1, 0))
    cancel = desk.give("2025-08-01", "subscription.cancel")
    again = desk.give("2025-09-01", "subscription.cancel", "account_manager")
    ran = desk.run("2026-12-31")
    assert ran.event(cancel)["effective"] == ran.event(again)["effective"] == "2026-06-10"
    assert ran.heads[-1] == "cycle 2026-05-10…2026-06-09 40.00"
    assert len(ran.invoices) == 24


@pytest.mark.parametrize(
    ("on", "total"),
    [pytest.param("2025-06-30", "cycle 2025-07-01…2025-07-31 100.00", id="the day before the boundary: in the next period's seats"),
     pytest.param("2025-07-01", "amendment 2025-07-01…2025-07-31 50.00", id="the boundary itself: the cycle began before it")],
)  # fmt: skip
def test_cycles_begin_before_anything_dated_on_their_first_day(on: str, total: str) -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.add(on, "x")
    desk.close("2025-07-02")
    assert total in desk.run().heads


def test_a_close_issues_from_the_state_at_each_boundary_and_an_amendment_can_carry_a_lower_number() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=2)
    desk.remove("2025-07-15", "u0")
    desk.buy("2025-08-01", "whatsapp", 1)
    ran = desk.run("2025-09-01")
    assert [(each["number"], head) for each, head in zip(ran.invoices, ran.heads, strict=True)] == [
        ("acme-000001", "cycle 2025-06-01…2025-06-30 100.00"),
        ("acme-000002", "amendment 2025-08-01…2025-08-31 15.00"),
        ("acme-000003", "cycle 2025-07-01…2025-07-31 100.00"),
        ("acme-000004", "cycle 2025-08-01…2025-08-31 50.00"),
        ("acme-000005", "cycle 2025-09-01…2025-09-30 65.00"),
    ]


def test_after_the_end_cycles_go_on_for_usage_and_adjustments_alone() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.buy("2025-06-01", "whatsapp")
    desk.give("2025-06-15", "subscription.cancel")
    desk.total("2025-06-30", "5.00", time="2025-08-15T00:00:00Z")
    desk.total("2025-07-09", "2.00")
    desk.close("2025-07-01")
    desk.close("2025-08-02")
    desk.close("2025-09-02")
    ran = desk.run()
    assert ran.heads[2:] == ["cycle 2025-07-01…2025-07-31 2.00", "cycle 2025-08-01…2025-08-31 5.00"]
    assert ran.lines() == ["FR · marketing 1 2025-06-01…2025-06-30 5.00"]


def test_a_new_start_after_the_end_begins_new_cycles_and_the_old_ones_stop_the_day_before() -> None:
    desk = Desk()
    desk.start("2025-06-10", users=1)
    desk.give("2025-06-15", "subscription.cancel")
    desk.total("2025-07-14", "1.00")
    desk.total("2025-07-15", "2.00")
    desk.start("2025-07-15", users=2)
    ran = desk.run("2025-08-15")
    assert ran.heads == [
        "cycle 2025-06-10…2025-07-09 50.00",
        "cycle 2025-07-15…2025-08-14 100.00",
        "cycle 2025-07-10…2025-07-14 1.00",
        "cycle 2025-08-15…2025-09-14 102.00",
    ]
    assert [invoice["number"] for invoice in ran.invoices] == [f"acme-{n:06d}" for n in (1, 2, 3, 4)]


def test_a_new_start_on_the_first_day_after_the_end_leaves_no_cycle_between() -> None:
    desk = Desk()
    desk.start("2025-06-10", users=1)
    desk.give("2025-06-15", "subscription.cancel")
    desk.start("2025-07-10", users=2)
    assert desk.run("2025-07-31").heads == ["cycle 2025-06-10…2025-07-09 50.00", "cycle 2025-07-10…2025-08-09 100.00"]


def test_used_trials_continue_over_a_new_start_and_licences_and_units_do_not() -> None:
    desk = Desk()
    desk.start("2025-06-10", users=1)
    desk.give("2025-06-11", "addon.trial", addon="whatsapp")
    desk.give("2025-06-15", "subscription.cancel")
    desk.start("2025-07-15", users=0)
    trial = desk.give("2025-07-16", "addon.trial", addon="whatsapp")
    unit = desk.add("2025-07-16", "u0")
    ran = desk.run()
    assert ran.reason(trial) == "trial_used"
    assert ran.reason(unit) is None


def test_what_changed_for_the_old_subscription_is_adjusted_on_the_next_cycle_invoice_in_its_currency() -> None:
    desk = Desk()
    desk.start("2025-06-10", users=1)
    desk.give("2025-06-15", "subscription.cancel")
    desk.close("2025-07-10")
    desk.total("2025-06-20", "3.00", time="2025-07-12T00:00:00Z")
    desk.total("2025-06-20", "4.00", currency="EUR", time="2025-07-12T00:00:00Z")
    desk.start("2025-07-15", users=1)
    desk.close("2025-07-16")
    ran = desk.run()
    assert [(each["currency"], head) for each, head in zip(ran.invoices, ran.heads, strict=True)] == [
        ("USD", "cycle 2025-06-10…2025-07-09 50.00"),
        ("USD", "cycle 2025-07-15…2025-08-14 53.00"),
        ("EUR", "cycle 2025-07-10…2025-07-14 4.00"),
    ]


def test_a_new_starts_invoice_that_holds_adjustments_alone_is_for_the_cycle_that_ended() -> None:
    """billing.md §7: `period` is "the cycle that begins where a line is for it, else the one that ended"."""
    desk = Desk()
    desk.start("2025-01-10", users=1)
    desk.close("2025-02-10")
    desk.give("2025-02-20", "subscription.cancel")
    desk.start("2025-03-20")
    desk.total("2025-01-20", "1.50", time="2025-03-01T00:00:00Z")
    invoice = desk.run().invoices[-1]
    assert [line["kind"] for section in invoice["sections"] for line in section["lines"]] == ["adjustment"]
    assert invoice["period"] == {"from": "2025-03-10", "to": "2025-03-19"}


@pytest.mark.parametrize(
    ("known", "billed"),
    [pytest.param("2025-07-01T09:00:00.000Z", True, id="the close's own instant"),
     pytest.param("2025-07-01T09:00:00.001Z", False, id="a millisecond later")],
)  # fmt: skip
def test_a_total_counts_for_commands_at_or_after_the_time_from_which_it_is_known(known: str, billed: bool) -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.total("2025-06-05", "1.00", time=known)
    desk.close("2025-07-01")
    assert desk.run().heads == ["cycle 2025-06-01…2025-06-30 1.00"] * billed


def test_until_knows_every_total() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.total("2025-06-05", "1.00", time="2030-01-01T00:00:00Z")
    assert desk.run("2025-07-01").heads == ["cycle 2025-06-01…2025-06-30 1.00"]


def test_the_latest_of_a_key_is_the_greatest_time_and_then_the_later_in_the_file() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.total("2025-06-05", "3.00", time="2025-06-20T00:00:00Z")
    desk.total("2025-06-05", "4.00", time="2025-06-20T00:00:00Z")
    desk.total("2025-06-05", "1.00", time="2025-06-19T00:00:00Z")
    desk.total("2025-06-05", "2.00")
    assert desk.run("2025-07-01").heads == ["cycle 2025-06-01…2025-06-30 4.00"]


def test_a_totals_date_counts_as_it_stands_whatever_the_zone() -> None:
    desk = Desk(zone="Pacific/Kiritimati")
    desk.start("2025-06-01T12:00:00Z")
    desk.total("2025-06-02", "1.00")
    desk.total("2025-07-01", "2.00")
    desk.total("2025-07-02", "4.00")
    assert desk.run("2025-07-02").heads == ["cycle 2025-06-02…2025-07-01 3.00"]


def test_dates_before_the_start_are_never_billed() -> None:
    desk = Desk()
    desk.start("2025-06-02")
    desk.total("2025-06-01", "1.00")
    desk.total("2025-06-02", "2.00")
    assert desk.run("2026-01-01").heads == ["cycle 2025-06-02…2025-07-01 2.00"]


def test_until_is_a_close_at_the_end_of_the_day_in_the_subscriptions_zone() -> None:
    desk = Desk(zone="America/Sao_Paulo")
    desk.start("2018-10-10", users=1)
    (event,) = [event for event in desk.run("2018-11-03").events if event["command_id"] == "until:2018-11-03"]
    assert event["time"] == "2018-11-04T02:59:59.999Z"  # on 4 November the clock went from midnight to one
    assert event["effective"] == "2018-11-03"


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", "2025-06-01"), ("Europe/Paris", "2025-10-26"), ("America/Sao_Paulo", "2018-11-03"), ("Asia/Beirut", "2022-03-26"),
     ("Pacific/Kiritimati", "2025-06-01"), ("America/St_Johns", "2010-11-07"), ("Africa/Cairo", "2023-10-26")],
)  # fmt: skip
def test_the_end_of_a_day_is_its_last_millisecond(zone: str, day: str) -> None:
    last_ms = end_of_day_ms(date.fromisoformat(day), zone)
    assert date_of(last_ms, zone).isoformat() == day
    assert date_of(last_ms + 1, zone).isoformat() > day


def test_grace_days_put_off_when_a_boundary_is_due_and_change_nothing_else() -> None:
    desk = Desk()
    desk.plans += "\n[settings]\ngrace_days = 3\n"
    desk.start("2025-06-01", users=1)
    desk.close("2025-07-03")
    assert len(desk.run().invoices) == 1
    desk.close("2025-07-04")
    assert desk.run().heads[1] == "cycle 2025-07-01…2025-07-31 50.00"


def test_a_close_may_be_as_of_an_earlier_day_and_issues_what_was_due_then() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.close("2025-09-15", as_of="2025-07-31")
    late = desk.close("2025-09-16", as_of="2025-01-01")
    ran = desk.run()
    assert ran.heads == ["cycle 2025-06-01…2025-06-30 50.00", "cycle 2025-07-01…2025-07-31 50.00"]
    assert ran.event(late)["effective"] == "2025-01-01"


def test_an_account_that_ever_had_a_subscription_is_closed_and_one_that_had_none_is_not() -> None:
    desk, other = Desk(), Desk("other")
    desk.start("2025-06-01", users=1)
    desk.give("2025-06-02", "subscription.cancel")
    other.start("2025-06-01", plan="unknown")
    desk.commands += other.commands
    assert [event["account_id"] for event in desk.run("2026-06-01").events if event["command_id"].startswith("until:")] == ["acme"]


def test_the_clock_that_goes_back_over_midnight_takes_nobody_into_a_cycle_that_is_over() -> None:
    desk = Desk(zone="America/St_Johns")
    desk.start("2010-10-07T12:00:00Z", users=1)
    desk.close("2010-11-07T02:30:30Z", as_of="2010-11-07")
    later = desk.add("2010-11-07T02:50:00Z", "x")
    assert parse_instant("2010-11-07T02:50:00Z") is not None
    assert date_of(parse_instant("2010-11-07T02:50:00Z") or 0, "America/St_Johns") == date(2010, 11, 6)
    ran = desk.run()
    assert ran.reason(later) is None
    assert ran.heads[-1] == "amendment 2010-11-07…2010-12-06 50.00"
