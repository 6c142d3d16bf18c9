"""The oracle against the billing contract, sentence by sentence: what is refused, what is charged, what changes an invoice."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.billing_oracle import bill
from tests.billing_oracle.test_figures import AIRCALL, BY_CYCLE, reasons, told
from tests.billing_oracle.writing import Writer, total

FIRST = "cycle", "2025-05-10 … 2025-06-09"
SETTINGS = "[settings]\ngrace_days = 3\nadmin_may_request_quote = true\n"
ODD = AIRCALL.replace('addons = ["whatsapp", "analytics"]', 'addons = ["whatsapp", "quoted"]\nincludes = ["assist"]') + (
    '[addons.assist]\nname = "AI Assist"\nsection = "AI"\nseats = "provisioned"\nmonthly = { USD = "9.00" }\n'
    '[addons.quoted]\nname = "Quoted"\nsection = "AI"\nseats = "plain"\nquote = true\nmonthly = { EUR = "9.00" }\n'
)
BOUGHT: tuple[str, dict[str, Any]] = ("addon.purchase", {"addon": "whatsapp", "quantity": 1})


def answer(*commands: tuple[str, str, dict[str, Any]], plans: str = AIRCALL, **start: Any) -> list[str | None]:
    """Why each command was refused, after a start on 2025-05-10 with users ann, bob and cid."""
    write = Writer()
    begin = write.start("2025-05-10", minimum={"user": 3}, units={"user": ["ann", "bob", "cid"]}, **start)
    return reasons(bill([begin, *(write(day, type_, **fields) for day, type_, fields in commands)], plans, []))[1:]


@pytest.mark.parametrize(
    ("type_", "fields", "reason"),
    [
        (
            "subscription.start",
            {"plan": "p", "term": "monthly", "currency": "USD", "country": "US", "timezone": "UTC"},
            "already_subscribed",
        ),
        ("subscription.cancel", {"by": "admin"}, "not_allowed"),
        ("subscription.cancel", {"by": "owner"}, None),
        ("unit.add", {"kind": "user", "unit_id": "dan", "by": "agent"}, "not_allowed"),
        ("unit.add", {"kind": "user", "unit_id": "ann", "by": "admin"}, "duplicate_unit"),
        ("unit.add", {"kind": "number", "unit_id": "ann", "by": "admin"}, None),
        ("unit.remove", {"kind": "number", "unit_id": "ann"}, "unknown_unit"),
        ("addon.purchase", {"addon": "nothing", "quantity": 1, "by": "admin"}, "not_allowed"),
        ("addon.purchase", {"addon": "nothing", "quantity": 1, "by": "owner"}, "unknown_addon"),
        ("addon.purchase", {"addon": "analytics", "quantity": 1, "by": "owner"}, "not_available"),
        ("addon.purchase", {"addon": "assist", "quantity": 1, "by": "owner"}, "included"),
        ("addon.purchase", {"addon": "quoted", "quantity": 0, "by": "owner"}, "quote_required"),
        ("addon.purchase", {"addon": "quoted", "quantity": 0}, "no_price"),
        ("addon.purchase", {"addon": "whatsapp", "quantity": 0}, "invalid_quantity"),
        ("addon.purchase", {"addon": "whatsapp", "quantity": "1"}, "invalid_quantity"),
        ("addon.trial", {"addon": "quoted", "by": "owner"}, "not_available"),
        ("addon.trial", {"addon": "whatsapp"}, "not_allowed"),
        ("addon.trial", {"addon": "whatsapp", "by": "admin"}, None),
        ("addon.request_quote", {"addon": "whatsapp", "by": "admin"}, "not_allowed"),
        ("addon.request_quote", {"addon": "whatsapp", "by": "owner"}, None),
        ("addon.request_feature", {"addon": "whatsapp", "by": "owner"}, "not_allowed"),
        ("addon.request_feature", {"addon": "whatsapp", "by": "supervisor"}, None),
        ("addon.assign", {"addon": "assist", "unit_id": "ann"}, "included"),
        ("addon.assign", {"addon": "whatsapp", "unit_id": "dan"}, "unknown_unit"),
        ("addon.assign", {"addon": "whatsapp", "unit_id": "ann"}, "no_licence_left"),
        ("addon.unassign", {"addon": "whatsapp", "unit_id": "ann"}, "not_assigned"),
        ("addon.remove", {"addon": "whatsapp", "by": "owner"}, "not_purchased"),
        ("cycle.close", {"by": "owner"}, "not_allowed"),
        ("cycle.close", {"as_of": "2025-05-21"}, "invalid_date"),
        ("cycle.close", {"as_of": "2025-05-20"}, None),
    ],
)
def test_a_refusal_is_the_first_that_applies(type_: str, fields: dict[str, Any], reason: str | None) -> None:
    assert answer(("2025-05-20", type_, fields), plans=ODD) == [reason]


def test_an_add_on_is_bought_once_by_an_owner_and_more_by_the_account_manager() -> None:
    assert answer(
        ("2025-05-20", "addon.purchase", {"addon": "whatsapp", "quantity": 1, "by": "owner"}),
        ("2025-05-21", "addon.purchase", {"addon": "whatsapp", "quantity": 1, "by": "owner"}),
        ("2025-05-21", "addon.purchase", {"addon": "whatsapp", "quantity": 2}),
        ("2025-05-22", "addon.purchase", {"addon": "analytics"}),
        ("2025-05-22", "addon.purchase", {"addon": "analytics"}),
        ("2025-05-22", "addon.trial", {"addon": "whatsapp", "by": "owner"}),
        ("2025-05-22", "addon.request_quote", {"addon": "whatsapp", "by": "owner"}),
        ("2025-05-22", "addon.request_feature", {"addon": "whatsapp", "by": "admin"}),
    ) == [None, "already_purchased", None, None, *["already_purchased"] * 4]


def test_licences_come_out_of_the_balance_and_go_back_into_it() -> None:
    assign, unassign = ({"addon": "whatsapp", "unit_id": name} for name in ("ann", "ann"))
    assert answer(
        ("2025-05-20", *BOUGHT),
        ("2025-05-20", "addon.assign", assign),
        ("2025-05-20", "addon.assign", assign),
        ("2025-05-20", "addon.assign", {"addon": "whatsapp", "unit_id": "bob"}),
        ("2025-05-21", "addon.unassign", unassign),
        ("2025-05-22", "addon.assign", {"addon": "whatsapp", "unit_id": "bob"}),
        ("2025-05-23", "unit.remove", {"kind": "user", "unit_id": "bob"}),
        ("2025-05-24", "addon.assign", assign),
    ) == [None, None, "already_assigned", "no_licence_left", None, None, None, None]


def test_a_trial_is_free_once_per_add_on_even_after_a_new_start() -> None:
    trial = ("addon.trial", {"addon": "whatsapp", "by": "owner"})
    write = Writer()
    commands = [
        write.start("2025-05-10"),
        *[write(day, trial[0], **trial[1]) for day in ("2025-05-11", "2025-05-12")],
        write("2025-05-20", "subscription.cancel"),
        write.start("2025-06-09"),
        write.start("2025-06-10"),
        write("2025-06-11", trial[0], **trial[1]),
    ]
    assert reasons(bill(commands, AIRCALL, [])) == [None, None, "trial_used", None, "already_subscribed", None, "trial_used"]


@pytest.mark.parametrize(
    ("addon", "by", "reason", "effective"),
    [
        ("whatsapp", "owner", "committed_until", "2026-05-09"),
        ("whatsapp", "admin", "committed_until", "2026-05-09"),
        ("whatsapp", "account_manager", None, "2026-05-10"),
        ("analytics", "owner", None, "2025-07-10"),
        ("analytics", "account_manager", None, "2025-07-10"),
        ("analytics", "admin", "not_allowed", None),
    ],
)
def test_a_removal_follows_the_commitment_of_the_add_on(addon: str, by: str, reason: str | None, effective: str | None) -> None:
    write = Writer()
    start = write.start("2025-05-10", term="annual", minimum={"user": 3})
    bought = write("2025-05-20", "addon.purchase", addon=addon, quantity=1)
    event = bill([start, bought, write("2025-06-20", "addon.remove", addon=addon, by=by)], AIRCALL, []).events[-1]
    assert (event["reason"], event["effective"] or event.get("names")) == (reason, effective)


def test_a_repeated_id_is_ignored_and_what_comes_out_of_order_is_refused() -> None:
    write = Writer()
    commands = [
        write.start("2025-05-10"),
        write("2025-05-20", "unit.add", id="m", kind="user", unit_id="ann"),
        write("2025-05-20", "unit.add", id="m", kind="user", unit_id="bob"),
        write("2025-05-19", "unit.add", id="z", kind="user", unit_id="bob"),
        write("2025-05-20", "unit.add", id="l", kind="user", unit_id="bob"),
        write("2025-05-20", "unit.add", id="n", kind="user", unit_id="bob"),
        write("2025-05-21", "unit.add", id="z", kind="user", unit_id="cid"),
        write("2025-06-30", "unit.add", id="refused", kind="user", unit_id="bob"),
        write("2025-06-01", "unit.add", id="refused ones do not count", kind="user", unit_id="dan"),
    ]
    billed = bill(commands, AIRCALL, [])
    assert [(event["command_id"], event["reason"]) for event in billed.events[1:]] == [
        ("m", None),
        ("z", "out_of_order"),
        ("l", "out_of_order"),
        ("n", None),
        ("refused", "duplicate_unit"),
        ("refused ones do not count", None),
    ]


def test_a_paid_seat_is_kept_and_adding_before_removing_costs_a_seat() -> None:
    write = Writer()
    commands = [
        write.start("2025-05-10", minimum={"user": 1}, units={"user": ["ann"]}),
        write("2025-05-25", "unit.add", kind="user", unit_id="bob"),
        write("2025-05-26", "unit.remove", kind="user", unit_id="bob"),
        write("2025-05-27", "unit.add", kind="user", unit_id="bob"),
        write("2025-05-28", "unit.remove", kind="user", unit_id="ann"),
        write("2025-05-28", "unit.add", kind="user", unit_id="cid"),
        write("2025-05-29", "unit.add", kind="user", unit_id="dan"),
    ]
    assert told(bill(commands, AIRCALL, []))[1:] == [
        ["amendment", "2025-05-25 … 2025-06-09", ("Additional users", "1", "0.52", "25.81"), "25.81"],
        ["amendment", "2025-05-29 … 2025-06-09", ("Additional users", "1", "0.39", "19.35"), "19.35"],
    ]


@pytest.mark.parametrize(
    ("minimum", "plans", "quantity"),
    [
        (3, AIRCALL, "4"),
        (
            3,
            AIRCALL.replace(
                'section = "Users and Numbers"\nuser', 'section = "Users and Numbers"\nadditional_user_includes_addons = true\nuser', 1
            ),
            "3",
        ),
    ],
)
def test_account_seats_are_as_many_as_paid_users_and_a_later_seat_adds_its_own(minimum: int, plans: str, quantity: str) -> None:
    write = Writer()
    commands = [
        write.start("2025-05-10", minimum={"user": minimum}, units={"user": ["ann", "bob", "cid", "dan"]}),
        write("2025-05-10", "addon.purchase", addon="analytics"),
        write("2025-05-25", "unit.add", kind="user", unit_id="eve"),
    ]
    bought, added = told(bill(commands, plans, []))[1:]
    assert bought[2] == ("Analytics+", quantity, "1", f"{int(quantity) * 9}.00")
    assert added[2:-1] == [("Additional users", "1", "0.52", "25.81"), *([("Analytics+", "1", "0.52", "4.65")] if quantity == "4" else [])]


def test_seats_added_on_one_day_are_joined_before_they_are_rounded() -> None:
    write = Writer()
    commands = [
        write.start("2025-05-10", minimum={"user": 1}),
        write("2025-05-11", "addon.purchase", addon="analytics"),
        *[write(day, "unit.add", kind="user", unit_id=f"{day} {n}") for day in ("2025-05-20", "2025-06-02") for n in range(3)],
    ]
    assert told(bill(commands, BY_CYCLE, [], until=date(2025, 6, 10)))[-1][2:] == [
        ("Users", "1", "1", "50.00"),
        ("Additional users", "5", "1", "250.00"),
        ("Additional users", "2", "0.68", "67.74"),
        ("Additional users", "3", "0.26", "38.71"),
        ("Analytics+", "6", "1", "54.00"),
        ("Analytics+", "2", "0.68", "12.19"),
        ("Analytics+", "3", "0.26", "6.97"),
        "479.61",
    ]


def test_what_changes_after_its_boundary_is_adjusted_once_on_the_next_invoice_of_its_currency() -> None:
    write = Writer()
    commands = [write.start("2025-05-10"), *[write(day, "cycle.close") for day in ("2025-06-10", "2025-07-10", "2025-08-10")]]
    totals = [
        total("2025-05-20", "1.004", 3),
        total("2025-05-20", "0.994", 2, time="2025-07-01T00:00:00Z"),
        total("2025-05-21", "0.010", 4, time="2025-07-20T00:00:00Z"),
        total("2025-05-22", "7.00", 1, currency="EUR", time="2025-07-20T00:00:00Z"),
        total("2025-05-23", "-2.00", -1, country=None, time="2025-07-20T00:00:00Z"),
        total("2025-05-09", "99.00", 1),
        total("2025-05-20", "99.00", 1, outcome="free"),
        total("2025-05-20", "99.00", 1, account_id="another"),
    ]
    assert told(bill(commands, AIRCALL, totals)) == [
        [*FIRST, ("FR · marketing", "3", None, "1.00"), "1.00"],
        ["cycle", "2025-06-10 … 2025-07-09", ("FR · marketing", "-1", None, "-0.01"), "-0.01"],
        ["cycle", "2025-07-10 … 2025-08-09", ("FR · marketing", "4", None, "0.01"), ("Other · marketing", "-1", None, "-2.00"), "-1.99"],
        ["cycle", "2025-07-10 … 2025-08-09", ("FR · marketing", "1", None, "7.00"), "7.00"],
    ]


def test_the_latest_of_a_key_is_the_greatest_time_then_the_later_in_the_file_and_until_knows_all() -> None:
    write = Writer()
    start = write.start("2025-05-10")
    totals = [
        total("2025-05-20", "4.00", 4, time="2025-06-02T00:00:00Z"),
        total("2025-05-20", "1.00", 1),
        total("2025-05-20", "2.00", 2),
        total("2025-05-20", "3.00", 3, time="2025-06-01T00:00:00Z"),
        total("2025-05-20", "5.00", 5, time="2030-01-01T00:00:00Z"),
    ]
    for moment, amount in (("2025-06-10T00:00:00Z", "4.00"), ("2025-06-10T12:00:00Z", "4.00")):
        assert told(bill([start, write(moment, "cycle.close", as_of="2025-06-10")], AIRCALL, totals))[0][-1] == amount
    assert told(bill([start], AIRCALL, totals, until=date(2025, 6, 10)))[0][-1] == "5.00"
    at_the_instant = [start, write("2030-01-01T00:00:00Z", "cycle.close", as_of="2025-06-10")]
    assert told(bill(at_the_instant, AIRCALL, totals))[0][-1] == "5.00", "it counts for commands at or after it"


def test_grace_waits_and_a_close_issues_every_boundary_that_is_due() -> None:
    write = Writer()
    commands = [
        write.start("2025-05-10", minimum={"user": 1}),
        *[write(day, "cycle.close") for day in ("2025-06-12", "2025-06-13", "2025-08-15")],
    ]
    invoices = bill(commands, SETTINGS + AIRCALL, []).invoices
    assert [(invoice["issued_at"][:10], invoice["period"]["from"]) for invoice in invoices] == [
        ("2025-05-10", "2025-05-10"),
        ("2025-06-13", "2025-06-10"),
        ("2025-08-15", "2025-07-10"),
        ("2025-08-15", "2025-08-10"),
    ]


def test_after_the_end_cycles_go_on_for_usage_and_a_new_start_stops_them_the_day_before() -> None:
    write = Writer()
    commands = [
        write.start("2025-05-10", minimum={"user": 1}),
        write("2025-05-31", "subscription.cancel"),
        write("2025-06-01", "subscription.cancel"),
        write("2025-06-10", "unit.add", kind="user", unit_id="ann"),
        write.start("2025-06-20", minimum={"user": 2}),
        write("2025-07-20", "cycle.close"),
    ]
    totals = [
        total(day, amount, 1)
        for day, amount in (("2025-06-09", "1.00"), ("2025-06-19", "2.00"), ("2025-06-20", "4.00"), ("2025-07-20", "8.00"))
    ]
    billed = bill(commands, AIRCALL, totals)
    assert [event["effective"] for event in billed.events] == ["2025-05-10", "2025-06-10", "2025-06-10", None, "2025-06-20", "2025-07-20"]
    assert reasons(billed)[3] == "no_subscription"
    assert told(billed)[1:] == [
        ["cycle", "2025-06-20 … 2025-07-19", ("Users", "2", "1", "100.00"), "100.00"],
        [*FIRST, ("FR · marketing", "1", None, "1.00"), "1.00"],
        ["cycle", "2025-06-10 … 2025-06-19", ("FR · marketing", "1", None, "2.00"), "2.00"],
        ["cycle", "2025-07-20 … 2025-08-19", ("Users", "2", "1", "100.00"), ("FR · marketing", "1", None, "4.00"), "104.00"],
    ]
    assert [invoice["number"] for invoice in billed.invoices] == [f"acme-{n:06d}" for n in range(1, 6)]


def test_a_removed_add_on_is_paid_to_its_end_and_a_seat_added_meanwhile_to_the_day_before() -> None:
    write = Writer()
    commands = [
        write.start("2025-01-10", term="annual", invoicing="upfront", minimum={"user": 1}, units={"user": ["ann"]}),
        write("2025-01-10", "addon.purchase", addon="analytics"),
        write("2025-02-15", "addon.remove", addon="analytics", by="owner"),
        write("2025-02-20", "unit.add", kind="user", unit_id="bob"),
        write("2025-03-10", "addon.remove", addon="analytics", by="owner"),
        write("2025-03-10", "addon.purchase", addon="analytics", by="owner"),
    ]
    billed = bill(commands, AIRCALL, [])
    assert reasons(billed) == [None, None, None, None, "not_purchased", None]
    added = billed.invoices[2]["sections"]
    assert [(part["lines"][0]["name"], part["lines"][0]["period"]["to"], part["lines"][0]["months"]) for part in added] == [
        ("Additional users", "2026-01-09", "10.64"),
        ("Analytics+", "2025-03-09", "0.64"),
    ]


def test_minimum_seats_priced_at_nothing_stay_on_the_invoice_and_other_lines_of_nothing_do_not() -> None:
    plans = AIRCALL.replace(
        'number = { name = "Numbers" }', 'number = { name = "Numbers", monthly = { USD = "0.00" } }\nbase = { monthly = { USD = "0.00" } }'
    )
    write = Writer()
    start = write.start("2025-05-10", minimum={"number": 2})
    assert told(bill([start], plans, [])) == [[*FIRST, ("Numbers", "2", "1", "0.00"), "0.00"]]


def test_a_country_has_its_own_price_where_it_has_one() -> None:
    own = '\nby_country = { FR = { monthly = { EUR = "16.00" } } }\n'
    plans = AIRCALL.replace('annual = { USD = "15.00" }\nconsumption', f'annual = {{ USD = "15.00" }}{own}consumption')
    for country, currency, amounts in (("FR", "EUR", ["16.00"]), ("FR", "USD", ["15.00"]), ("DE", "EUR", [])):
        write = Writer()
        commands = [
            write.start("2025-05-10", currency=currency, country=country),
            write("2025-05-10", "addon.purchase", addon="whatsapp", quantity=1),
        ]
        assert [invoice["total"] for invoice in bill(commands, plans, []).invoices] == amounts


def test_the_local_date_decides_not_the_date_in_utc() -> None:
    write = Writer()
    commands = [
        write.start("2025-05-09T22:00:00Z", minimum={"user": 1}, timezone="Europe/Paris"),
        write("2025-06-09T21:59:59.999Z", "unit.add", kind="user", unit_id="ann"),
        write("2025-06-09T21:59:59.999Z", "unit.add", kind="user", unit_id="bob"),
        write("2025-06-09T22:00:00Z", "unit.add", kind="user", unit_id="cid"),
    ]
    assert [row[1:3] for row in told(bill(commands, AIRCALL, []))] == [
        ["2025-05-10 … 2025-06-09", ("Users", "1", "1", "50.00")],
        ["2025-06-09 … 2025-06-09", ("Additional users", "1", "0.03", "1.61")],
        ["2025-06-10 … 2025-07-09", ("Additional users", "1", "1", "50.00")],
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'{"v":2}',
        Writer()("2025-05-10", "subscription.pause"),
        Writer()("2025-05-10", "subscription.cancel", by="king"),
        Writer()("10 May", "subscription.cancel"),
        Writer()("2025-05-10", "unit.add", kind="desk", unit_id="ann"),
        Writer()("2025-05-10", "unit.add", kind="user", unit_id=7),
        Writer()("2025-05-10", "addon.purchase", quantity=1),
        Writer()("2025-05-10", "cycle.close", as_of="2025-02-30"),
        Writer().start("2025-05-10", timezone="Europe/Atlantis"),
        Writer().start("2025-05-10", term="weekly"),
        Writer().start("2025-05-10", units={"user": "ann"}),
    ],
)
def test_a_malformed_command_has_no_effect_and_no_event(raw: bytes) -> None:
    good = Writer().start("2025-05-10", id="c001", minimum={"user": 1})
    billed = bill([raw, good], AIRCALL, [])
    assert (billed.rejected, reasons(billed), len(billed.invoices)) == ([0], [None], 1)


def test_until_closes_every_account_that_ever_had_a_subscription_at_the_end_of_that_day_in_its_zone() -> None:
    commands = [
        Writer("paris").start("2025-05-10", id="p", timezone="Europe/Paris"),
        Writer("none")("2025-05-10", "subscription.cancel", id="n"),
        Writer("later").start("2025-07-10", id="l"),
    ]
    events = bill(commands, AIRCALL, [], until=date(2025, 6, 10)).events
    assert [(event["account_id"], event["command_id"], event["time"], event["reason"]) for event in events[3:]] == [
        ("paris", "until:2025-06-10", "2025-06-10T21:59:59.999Z", None),
        ("later", "until:2025-06-10", "2025-06-10T23:59:59.999Z", "out_of_order"),
    ]
