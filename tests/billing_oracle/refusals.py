"""Why a command is refused (billing contract §3: "Refusals, first that applies, with the commands they belong to")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.billing_oracle import history
from tests.billing_oracle.dates import DAY, local_day
from tests.billing_oracle.history import Subscription, subscriptions
from tests.billing_oracle.prices import lacks_price
from tests.billing_oracle.reading import KINDS, Command, Plans

STAFF, OWNER, ADMIN = "account_manager", "owner", "admin"

MAY: dict[str, tuple[str, ...]] = {
    "subscription.start": (STAFF, OWNER),
    "subscription.cancel": (STAFF, OWNER),
    "unit.add": (OWNER, ADMIN, STAFF),
    "unit.remove": (OWNER, ADMIN, STAFF),
    "addon.purchase": (OWNER, STAFF),
    "addon.trial": (OWNER, ADMIN),
    "addon.request_quote": (OWNER,),
    "addon.request_feature": (ADMIN, "supervisor"),
    "addon.assign": (OWNER, ADMIN, STAFF),
    "addon.unassign": (OWNER, ADMIN, STAFF),
    "cycle.close": ("system",),
}
"""Billing contract §3, the column "who"; `addon.remove` goes by the add-on (§5)."""


@dataclass(frozen=True)
class Case:
    """A command, and what its account had accepted before it."""

    plans: Plans
    accepted: Sequence[Command]
    command: Command

    def __getitem__(self, name: str) -> Any:
        return self.command[name]

    @property
    def sub(self) -> Subscription:
        """The subscription it is about: the one it starts, or the newest."""
        if self.command.type == "subscription.start":
            return Subscription(self.plans, self.command, ())
        return subscriptions(self.plans, self.accepted)[-1]

    @property
    def day(self) -> date:
        return self.sub.day(self.command)

    @property
    def addon(self) -> Any:
        return self.plans.addon(self["addon"])

    @property
    def is_account_wide(self) -> bool:
        return bool(self.addon["seats"] == "account")


def out_of_order(case: Case) -> bool:
    """Billing contract §1: "one that arrives after an accepted one that is later in that order is refused"."""
    return any(case.command.order < other.order for other in case.accepted)


def no_subscription(case: Case) -> bool:
    """Billing contract §3: "`cycle.close` and nothing else is still accepted after the end"."""
    if not subscriptions(case.plans, case.accepted):
        return True
    return case.command.type != "cycle.close" and case.sub.ends is not None and case.day >= case.sub.ends


def already_subscribed(case: Case) -> bool:
    """Billing contract §1: "A new start after the end begins new cycles": after it by the zone of the old subscription and by that of the
    new."""
    before = subscriptions(case.plans, case.accepted)
    ends = before[-1].ends if before else date.min
    return ends is None or any(local_day(case.command.time_ms, zone) < ends for zone in (case["timezone"], *_zones(before)))


def _zones(subs: Sequence[Subscription]) -> list[str]:
    return [sub.start["timezone"] for sub in subs[-1:]]


def unknown_plan(case: Case) -> bool:
    return case["plan"] not in case.plans.plans


def invalid_terms(case: Case) -> bool:
    """Billing contract §3: "upfront without annual"."""
    return bool(case["invoicing"] == "upfront" and case["term"] != "annual")


def not_allowed(case: Case) -> bool:
    role, command = case.command.role, case.command
    if command.type == "addon.remove":
        by_plan = case["addon"] not in case.plans.addons or case.addon["commitment"] == "plan"
        return role not in ((OWNER, ADMIN, STAFF) if by_plan else (OWNER, STAFF))
    if command.type == "addon.request_quote" and role == ADMIN:
        return not case.plans.settings["admin_may_request_quote"]
    return role not in MAY[command.type]


def unknown_addon(case: Case) -> bool:
    return case["addon"] not in case.plans.addons


def not_available(case: Case) -> bool:
    """Billing contract §3: "not of this plan; a trial where there is none"."""
    of_this_plan = case["addon"] in (*case.sub.plan["addons"], *case.sub.plan["includes"])
    return not of_this_plan or (case.command.type == "addon.trial" and not case.addon["trial_days"])


def included(case: Case) -> bool:
    """Billing contract §3: "nothing to buy or assign, every user has it"."""
    return case["addon"] in case.sub.plan["includes"]


def quote_required(case: Case) -> bool:
    """Billing contract §3: "purchase by an owner"; §2: "owners must request a quote instead of subscribing"."""
    return bool(case.command.role == OWNER and case.addon["quote"])


def already_purchased(case: Case) -> bool:
    """Billing contract §3: "purchase, trial, both requests; also a manager's second purchase of `account` seats"."""
    adds_quantity = case.command.type == "addon.purchase" and case.command.role == STAFF and not case.is_account_wide
    return bool(history.purchases(case.sub, case["addon"], case.day)) and not adds_quantity


def trial_used(case: Case) -> bool:
    """Billing contract §3: "once per add-on"; §1: after a new start "used trials continue"."""
    return any(each.type == "addon.trial" and each["addon"] == case["addon"] for each in case.accepted)


def no_price(case: Case) -> bool:
    """Billing contract §2: "start: base, minimum, excess; `unit.add`: when it is charged, its add-ons too; purchase: always"."""
    sub, plan = case.sub, case.sub.plan
    if case.command.type == "subscription.start":
        return lacks_price(sub, plan.get("base"), 1) or any(_start_lacks_price(case, kind) for kind in KINDS)
    if case.command.type == "unit.add":
        tables = [plan.get(f"additional_{case['kind']}"), *(sub.plans.addon(name) for name in history.addons_of_a_seat(sub, case.command))]
        return history.needs_another_seat(sub, case.command) and any(lacks_price(sub, table, 1) for table in tables)
    return lacks_price(sub, case.addon, 1)


def _start_lacks_price(case: Case, kind: str) -> bool:
    least = (case["minimum"] or {}).get(kind) or 0
    least = max(least, 0) if type(least) is int else 0
    there = len((case["units"] or {}).get(kind) or [])
    plan = case.sub.plan
    return lacks_price(case.sub, plan.get(kind), least) or lacks_price(case.sub, plan.get(f"additional_{kind}"), there - least)


def invalid_quantity(case: Case) -> bool:
    """Billing contract §3: "purchase; start: negative or no integer"; "(an integer ≥ 1; ignored for `account` seats)"."""
    if case.command.type == "subscription.start":
        named = [(case["minimum"] or {}).get(kind) for kind in KINDS]
        return any(type(value) is not int or value < 0 for value in named if value is not None)
    return not case.is_account_wide and (type(case["quantity"]) is not int or case["quantity"] < 1)


def duplicate_unit(case: Case) -> bool:
    """Billing contract §3: "ids are per kind"."""
    if case.command.type == "unit.add":
        return case["unit_id"] in history.units(case.sub, case["kind"])
    named = [(case["units"] or {}).get(kind) or [] for kind in KINDS]
    return any(len(set(ids)) < len(ids) for ids in named)


def unknown_unit(case: Case) -> bool:
    kind = case["kind"] if case.command.type == "unit.remove" else "user"
    return case["unit_id"] not in history.units(case.sub, kind)


def already_assigned(case: Case) -> bool:
    return case["unit_id"] in history.assigned(case.sub, case["addon"], case.day)


def no_licence_left(case: Case) -> bool:
    return history.licences_left(case.sub, case["addon"], case.day) < 1


def not_assigned(case: Case) -> bool:
    return case["unit_id"] not in history.assigned(case.sub, case["addon"], case.day)


def not_purchased(case: Case) -> bool:
    return not history.purchases(case.sub, case["addon"], case.day)


def committed_until(case: Case) -> bool:
    """Billing contract §5: "`commitment = "plan"`: owner and admin: `committed_until` the term's last day"."""
    return bool(case.addon["commitment"] == "plan" and case.command.role != STAFF)


def invalid_date(case: Case) -> bool:
    """Billing contract §3: "`as_of` after the command's own date"."""
    return date.fromisoformat(case["as_of"]) > case.day


START, ADD, REMOVE, BUY = "subscription.start", "unit.add", "unit.remove", "addon.purchase"
TRIAL, QUOTE, FEATURE, ASSIGN, UNASSIGN, DROP = (
    f"addon.{name}" for name in ("trial", "request_quote", "request_feature", "assign", "unassign", "remove")
)
ADDON = (BUY, TRIAL, QUOTE, FEATURE, ASSIGN, UNASSIGN, DROP)
ALL = (*MAY, DROP)

IN_ORDER: tuple[tuple[Callable[[Case], bool], tuple[str, ...]], ...] = (
    (out_of_order, ALL),
    (no_subscription, tuple(type_ for type_ in ALL if type_ != START)),
    (already_subscribed, (START,)),
    (unknown_plan, (START,)),
    (invalid_terms, (START,)),
    (not_allowed, ALL),
    (unknown_addon, ADDON),
    (not_available, ADDON),
    (included, ADDON),
    (quote_required, (BUY,)),
    (already_purchased, (BUY, TRIAL, QUOTE, FEATURE)),
    (trial_used, (TRIAL,)),
    (no_price, (START, ADD, BUY)),
    (invalid_quantity, (BUY, START)),
    (duplicate_unit, (ADD, START)),
    (unknown_unit, (REMOVE, ASSIGN, UNASSIGN)),
    (already_assigned, (ASSIGN,)),
    (no_licence_left, (ASSIGN,)),
    (not_assigned, (UNASSIGN,)),
    (not_purchased, (DROP,)),
    (committed_until, (DROP,)),
    (invalid_date, ("cycle.close",)),
)


def refusal(case: Case) -> str | None:
    """The reason of the first refusal that applies, which is its function's name; None: accepted."""
    return next((rule.__name__ for rule, types in IN_ORDER if case.command.type in types and rule(case)), None)


def effective(case: Case) -> date:
    """Billing contract §3: "cancel: the first day after; `addon.remove`: as in §5; others: the command's date (`cycle.close`: `as_of`)"."""
    sub, command = case.sub, case.command
    if command.type == "subscription.cancel":
        ends = sub.including(command).ends
        assert ends is not None
        return ends
    if command.type == DROP:
        return history.removal_pending(sub, command["addon"], case.day) or history.removal_takes_effect(sub, command)
    return date.fromisoformat(command["as_of"]) if command.type == "cycle.close" else case.day


def committed_to(case: Case) -> date:
    """Billing contract §5: "the term's last day", which `detail` names."""
    return case.sub.ends - DAY if case.sub.ends else case.sub.calendar.term(case.day).last
