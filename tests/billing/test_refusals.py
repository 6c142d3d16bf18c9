"""Every refusal: its reason, for every command it belongs to, and which one is told where two apply (billing.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from schemas.billing_events import RefusalReason
from tests.billing.desk import Desk

Story = Callable[[Desk], str]
"""Gives commands; returns the id of the one that is refused."""


TWO: dict[str, Any] = {"users": 2, "minimum": (2, 1)}


def started(then: Story, **start: Any) -> Story:
    def story(desk: Desk) -> str:
        desk.start("2025-06-01", **(TWO | start))
        return then(desk)

    return story


def after(*before: Story, then: Story, **start: Any) -> Story:
    def story(desk: Desk) -> str:
        desk.start("2025-06-01", **(TWO | start))
        for each in before:
            each(desk)
        return then(desk)

    return story


def give(type_: str, role: str = "owner", on: str = "2025-06-05", **fields: Any) -> Story:
    return lambda desk: desk.give(on, type_, role, **fields)


def start(on: str = "2025-06-05", **fields: Any) -> Story:
    return lambda desk: desk.start(on, **fields)


def close(on: str, as_of: str | None = None, **fields: Any) -> Story:
    return lambda desk: desk.close(on, as_of, **fields)


BUY = give("addon.purchase", addon="whatsapp", quantity=1, on="2025-06-02")
CANCEL = give("subscription.cancel", on="2025-06-03")
LATER = "2025-08-01"

ASKERS = (
    ("addon.purchase", "owner"),
    ("addon.trial", "admin"),
    ("addon.request_quote", "owner"),
    ("addon.request_feature", "supervisor"),
    ("addon.assign", "admin"),
    ("addon.unassign", "owner"),
    ("addon.remove", "owner"),
)
"""Each command about an add-on, by someone who may give it."""
TRY = give("addon.trial", on="2025-06-02", addon="whatsapp")
ASSIGN = give("addon.assign", on="2025-06-03", addon="whatsapp", unit_id="u0")


def asked(reason: str, what: str, addon: str) -> list[tuple[str, str, Story]]:
    """Every command about one add-on."""
    return [(reason, f"{type_} {what}", started(give(type_, role, addon=addon, unit_id="nobody"))) for type_, role in ASKERS]


REFUSED: list[tuple[str, str, Story]] = [
    ("out_of_order", "a command that is earlier than one accepted", started(give("unit.add", on="2025-05-31", kind="user", unit_id="x"))),
    ("out_of_order", "an earlier start, though there is a subscription", started(start("2025-05-31"))),
    ("out_of_order", "an earlier close", started(close("2025-05-31"))),
    ("out_of_order", "the same instant with a smaller id", started(give("unit.add", on="2025-06-01", id="b", kind="user", unit_id="x"))),
    ("no_subscription", "a cancel before there is a subscription", give("subscription.cancel")),
    ("no_subscription", "a close before there is a subscription", close("2025-06-05")),
    ("no_subscription", "a purchase by someone who may not buy, before there is one", give("addon.purchase", "agent", addon="x")),
    ("no_subscription", "a unit after the end", after(CANCEL, then=give("unit.add", on=LATER, kind="user", unit_id="x"))),
    ("no_subscription", "a unit on the first day after", after(CANCEL, then=give("unit.add", on="2025-07-01", kind="user", unit_id="x"))),
    ("no_subscription", "a cancel after the end", after(CANCEL, then=give("subscription.cancel", on=LATER))),
    ("already_subscribed", "a start in a subscription", started(start())),
    ("already_subscribed", "a start by someone who may not, of a plan that is unknown", started(start(plan="x", role="agent"))),
    ("already_subscribed", "a start on the last day of a cancelled one", after(CANCEL, then=start("2025-06-30"))),
    ("unknown_plan", "a plan that is not in the file, paid upfront each month", start(plan="platinum", invoicing="upfront")),
    ("invalid_terms", "a monthly term paid upfront, by someone who may not", start(invoicing="upfront", role="agent")),
    ("not_allowed", "a start by an admin", start(role="admin", currency="CHF", minimum=(1, 1))),
    ("not_allowed", "a cancel by an admin", started(give("subscription.cancel", "admin"))),
    ("not_allowed", "a unit added by a supervisor", started(give("unit.add", "supervisor", kind="user", unit_id="u0"))),
    ("not_allowed", "a unit removed by an agent", started(give("unit.remove", "agent", kind="user", unit_id="u0"))),
    ("not_allowed", "a purchase by an admin", started(give("addon.purchase", "admin", addon="x", quantity=0))),
    ("not_allowed", "a trial by an account manager", started(give("addon.trial", "account_manager", addon="whatsapp"))),
    ("not_allowed", "a quote asked for by an admin", started(give("addon.request_quote", "admin", addon="support"))),
    ("not_allowed", "a quote asked for by an account manager", started(give("addon.request_quote", "account_manager", addon="support"))),
    ("not_allowed", "a feature asked for by an owner", started(give("addon.request_feature", "owner", addon="support"))),
    ("not_allowed", "a licence assigned by a supervisor", started(give("addon.assign", "supervisor", addon="whatsapp", unit_id="u0"))),
    ("not_allowed", "a licence taken by an agent", started(give("addon.unassign", "agent", addon="whatsapp", unit_id="u0"))),
    ("not_allowed", "a committed add-on removed by a supervisor", started(give("addon.remove", "supervisor", addon="whatsapp"))),
    ("not_allowed", "an add-on by the cycle removed by an admin", started(give("addon.remove", "admin", addon="storage"))),
    ("not_allowed", "a close by an owner", started(close("2025-06-05", role="owner", as_of="2025-07-01"))),
    ("not_allowed", "a purchase by the system", started(give("addon.purchase", "system", addon="whatsapp", quantity=1))),
    *asked("unknown_addon", "of an add-on that is not in the file", "x"),
    *asked("not_available", "of an add-on of other plans", "unsold"),
    ("not_available", "a trial where there is none", started(give("addon.trial", addon="storage"))),
    ("not_available", "a trial where there is none, of an add-on that is included", started(give("addon.trial", addon="notes"))),
    *asked("included", "of an add-on that every user has", "assist"),
    ("quote_required", "a quoted add-on bought by an owner", started(give("addon.purchase", addon="support", quantity=0))),
    ("already_purchased", "a second purchase by an owner", after(BUY, then=give("addon.purchase", addon="whatsapp", quantity=0))),
    ("already_purchased", "a trial of what is bought", after(BUY, then=give("addon.trial", addon="whatsapp"))),
    ("already_purchased", "a quote for what is bought", after(BUY, then=give("addon.request_quote", addon="whatsapp"))),
    ("already_purchased", "a feature that is bought", after(BUY, then=give("addon.request_feature", "admin", addon="whatsapp"))),
    ("already_purchased", "a manager's second purchase of account seats", after(
        give("addon.purchase", on="2025-06-02", addon="analytics"), then=give("addon.purchase", "account_manager", addon="analytics"))),
    ("already_purchased", "an owner's purchase while a removal is pending", after(
        give("addon.purchase", on="2025-06-02", addon="storage", quantity=1),
        give("addon.remove", on="2025-06-03", addon="storage"),
        then=give("addon.purchase", addon="storage", quantity=1))),
    ("trial_used", "a second trial", after(TRY, then=give("addon.trial", addon="whatsapp"))),
    ("trial_used", "a second trial after the first ended by itself", after(
        TRY, then=give("addon.trial", on="2025-09-05", addon="whatsapp"))),
    ("no_price", "a start without a price for the base", start(plan="thirty", currency="EUR")),
    ("no_price", "a start without a price for the minimum", start(currency="CHF", minimum=(1, 0), units={"user": ["a", "a"]})),
    ("no_price", "a start without a price for the excess, with a minimum that is none", start(currency="JPY", users=1, minimum=(0, -1))),
    ("no_price", "a purchase without a price, of no quantity", started(
        give("addon.purchase", addon="storage", quantity=0), currency="JPY")),
    ("no_price", "a user beyond the paid seats without a price", started(give("unit.add", kind="user", unit_id="x"), currency="JPY")),
    ("no_price", "a price for this country alone, where another is at home", started(
        give("addon.purchase", addon="whatsapp", quantity=1), currency="EUR", minimum=(0, 0), users=0)),
    ("invalid_quantity", "a minimum below 0", start(minimum=(-1, 0))),
    ("invalid_quantity", "a minimum that is no integer, with a unit twice", start(minimum=(1.5, 0), units={"user": ["a", "a"]})),
    ("invalid_quantity", "a minimum as text", start(minimum=("1", 0))),
    ("invalid_quantity", "a minimum that is true", start(minimum=(True, 0))),
    *[("invalid_quantity", f"a purchase of {quantity!r}", started(give("addon.purchase", addon="whatsapp", quantity=quantity)))
      for quantity in (0, -1, 1.5, 1.0, "1", True, None, [1], 10**30)],
    ("duplicate_unit", "a user who is there", started(give("unit.add", kind="user", unit_id="u1"))),
    ("duplicate_unit", "a start that names a number twice", start(units={"number": ["n", "n"]}, minimum=(0, 2))),
    ("unknown_unit", "a user who is gone", after(
        give("unit.remove", on="2025-06-02", kind="user", unit_id="u0"), then=give("unit.remove", kind="user", unit_id="u0"))),
    ("unknown_unit", "a number with a user's id", started(give("unit.remove", kind="number", unit_id="u0"))),
    ("unknown_unit", "a licence for nobody", after(BUY, then=give("addon.assign", addon="whatsapp", unit_id="x"))),
    ("unknown_unit", "a licence taken from nobody", after(BUY, then=give("addon.unassign", addon="whatsapp", unit_id="x"))),
    ("unknown_unit", "a licence for a number", after(BUY, then=give("addon.assign", addon="whatsapp", unit_id="n0"), numbers=1)),
    ("already_assigned", "a second licence for a user, though none is left", after(
        BUY, ASSIGN, then=give("addon.assign", addon="whatsapp", unit_id="u0"))),
    ("no_licence_left", "a licence beyond those bought", after(
        BUY, ASSIGN, then=give("addon.assign", addon="whatsapp", unit_id="u1"))),
    ("no_licence_left", "a licence of what is not bought", started(give("addon.assign", addon="whatsapp", unit_id="u0"))),
    ("no_licence_left", "a licence in a trial", after(
        TRY, then=give("addon.assign", addon="whatsapp", unit_id="u0"))),
    ("no_licence_left", "a licence of account seats", after(
        give("addon.purchase", on="2025-06-02", addon="analytics"), then=give("addon.assign", addon="analytics", unit_id="u0"))),
    ("no_licence_left", "a licence of plain seats", after(
        give("addon.purchase", on="2025-06-02", addon="storage", quantity=3), then=give("addon.assign", addon="storage", unit_id="u0"))),
    ("not_assigned", "a licence taken from a user who has none", after(BUY, then=give("addon.unassign", addon="whatsapp", unit_id="u0"))),
    ("not_purchased", "an add-on removed that was never bought", started(give("addon.remove", addon="whatsapp"))),
    ("not_purchased", "an add-on removed that is only tried", after(
        TRY, then=give("addon.remove", addon="whatsapp"))),
    ("committed_until", "a committed add-on removed by an owner", after(BUY, then=give("addon.remove", "owner", addon="whatsapp"))),
    ("committed_until", "a committed add-on removed by an admin", after(BUY, then=give("addon.remove", "admin", addon="whatsapp"))),
    ("invalid_date", "a close up to tomorrow", started(close("2025-06-05", as_of="2025-06-06"))),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "story"), [pytest.param(reason, story, id=f"{reason}: {what}") for reason, what, story in REFUSED])
def test_it_is_refused_with_its_reason_and_a_sentence(reason: str, story: Story) -> None:
    desk = Desk()
    refused = story(desk)
    ran = desk.run()
    assert ran.reason(refused) == reason
    sentence = ran.event(refused)["detail"]
    assert sentence[0].isupper() or sentence[0].isdigit()
    assert sentence.endswith(".")
    assert not ran.rejected


def test_every_reason_is_here() -> None:
    assert {reason for reason, _, _ in REFUSED} == set(get_args(RefusalReason))


def test_committed_until_names_the_last_day_of_the_term() -> None:
    desk = Desk()
    desk.start("2025-06-01", term="annual", users=1, minimum=(1, 0))
    desk.buy("2025-06-02", "whatsapp")
    refused = desk.give("2025-06-03", "addon.remove", addon="whatsapp")
    assert "2026-05-31" in desk.run().event(refused)["detail"]


def test_a_setting_lets_an_admin_ask_for_a_quote() -> None:
    desk = Desk()
    desk.plans += "\n[settings]\nadmin_may_request_quote = true\n"
    desk.start("2025-06-01")
    asked = desk.give("2025-06-02", "addon.request_quote", "admin", addon="support")
    assert desk.run().reason(asked) is None


def test_a_refused_command_does_not_count_for_the_order() -> None:
    """Nor does time stand still for it: what it would have brought to pass, a boundary, has not come."""
    desk = Desk()
    desk.start("2025-06-01", users=1, minimum=(1, 0))
    desk.give("2025-08-05", "addon.purchase", addon="x", quantity=1)
    accepted = desk.add("2025-06-16", "u9")
    ran = desk.run()
    assert ran.reason(accepted) is None
    assert ran.heads[-1] == "amendment 2025-06-16…2025-06-30 25.00"


def test_a_refused_id_is_used_up() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    desk.give("2025-06-02", "addon.purchase", id="again", addon="x", quantity=1)
    desk.give("2025-06-03", "addon.purchase", id="again", addon="whatsapp", quantity=1)
    ran = desk.run()
    assert [event["command_id"] for event in ran.events] == ["c000", "again"]
    assert ran.reason("again") == "unknown_addon"
    assert len(ran.invoices) == 1
