"""What was so, at a point of an account's history: each question replays the accepted commands from the beginning (billing contract §1,
§3-5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tests.billing_oracle.dates import DAY, Calendar, Period, local_day
from tests.billing_oracle.reading import Command, Plans


@dataclass(frozen=True)
class Subscription:
    """A start, the accepted commands after it, and, where one came, the start that followed."""

    plans: Plans
    start: Command
    later: tuple[Command, ...]
    next_start: Command | None = None

    @property
    def plan(self) -> Any:
        return self.plans.plans[self.start["plan"]]

    @property
    def calendar(self) -> Calendar:
        annual = self.start["term"] == "annual"
        return Calendar(
            start=self.day(self.start),
            by_month=self.plan["cycle"] == "month",
            cycles_per_term=12 if annual else 1,
            upfront=annual and self.start["invoicing"] == "upfront",
            inclusive=self.plan["proration"] == "actual-inclusive",
        )

    def day(self, command: Command) -> date:
        """A command's date in this subscription's zone."""
        return local_day(command.time_ms, self.start["timezone"])

    @property
    def ends(self) -> date | None:
        """The first day after it. Billing contract §3: cancel "ends with the current term"; "A second cancel is accepted, with the same
        date"."""
        cancels = [command for command in self.later if command.type == "subscription.cancel"]
        return self.calendar.term(self.day(cancels[0])).last + DAY if cancels else None

    @property
    def cycles_stop(self) -> date | None:
        """The first day without a cycle. Billing contract §1: "A new start after the end begins new cycles (the old ones stop the day
        before)"."""
        return local_day(self.next_start.time_ms, self.next_start["timezone"]) if self.next_start else None

    @property
    def whatsapp_accounts(self) -> Sequence[str]:
        """Billing contract §3: "(default: the account's own id)"."""
        named: Sequence[str] | None = self.start["whatsapp_accounts"]
        return [self.start.account] if named is None else named

    def before(self, day: date) -> Subscription:
        """As it stood when a day began. Billing contract §1: "Cycles and periods begin before anything dated on their first day"."""
        return Subscription(self.plans, self.start, tuple(each for each in self.later if self.day(each) < day))

    def until(self, command: Command) -> Subscription:
        """As it stood when a command came."""
        return Subscription(self.plans, self.start, tuple(each for each in self.later if each.order < command.order))

    def including(self, command: Command) -> Subscription:
        """As it stands when a command was accepted last."""
        return Subscription(self.plans, self.start, (*self.until(command).later, command))


def subscriptions(plans: Plans, accepted: Sequence[Command]) -> list[Subscription]:
    """All subscriptions that an account ever had, in their order."""
    starts = [n for n, command in enumerate(accepted) if command.type == "subscription.start"]
    found = []
    for n, following in zip(starts, [*starts[1:], None], strict=False):
        next_start = accepted[following] if following is not None else None
        found.append(Subscription(plans, accepted[n], tuple(accepted[n + 1 : following]), next_start))
    return found


# Units (billing contract §4)


def minimum(sub: Subscription, kind: str) -> int:
    """Billing contract §4: "`minimum` from the contract"; §3: "Missing `minimum` and `units` are 0 and none"."""
    return (sub.start["minimum"] or {}).get(kind) or 0


def units_and_who_added_them(sub: Subscription, kind: str) -> list[tuple[str, Command]]:
    """Units that exist, the oldest first, each with the command that brought it."""
    there = [(unit, sub.start) for unit in (sub.start["units"] or {}).get(kind) or []]
    for command in sub.later:
        if command.type == "unit.add" and command["kind"] == kind:
            there.append((command["unit_id"], command))
        elif command.type == "unit.remove" and command["kind"] == kind:
            there = [(unit, by) for unit, by in there if unit != command["unit_id"]]
    return there


def units(sub: Subscription, kind: str) -> list[str]:
    """The ids of the units that exist."""
    return [unit for unit, _ in units_and_who_added_them(sub, kind)]


def paid(sub: Subscription, kind: str, day: date) -> int:
    """Seats paid for the paid period of a day: the most that were ever needed in it.

    Billing contract §4: "At the start of each paid period `paid = max(minimum, active)`"; "`unit.add` that makes `active > paid` … raises
    `paid`"; "`unit.remove` lowers `active` only".
    """
    at_its_start = sub.before(sub.calendar.paid_period(day).first)
    within = sub.later[len(at_its_start.later) :]
    moments = [Subscription(sub.plans, sub.start, at_its_start.later + within[:n]) for n in range(len(within) + 1)]
    return max(minimum(sub, kind), *(len(units(moment, kind)) for moment in moments), 0)


def needs_another_seat(sub: Subscription, add: Command) -> bool:
    """Billing contract §4: "`unit.add` that makes `active > paid` bills one more seat"."""
    stood = sub.until(add)
    return len(units(stood, add["kind"])) + 1 > paid(stood, add["kind"], sub.day(add))


# Add-ons (billing contract §5)


def about(sub: Subscription, type_: str, addon: str) -> list[Command]:
    """The accepted commands of a type about an add-on."""
    return [command for command in sub.later if command.type == type_ and command["addon"] == addon]


def removal_takes_effect(sub: Subscription, remove: Command) -> date:
    """Billing contract §5: `plan`: "effective the day after the term"; `cycle`: "effective with the next cycle"."""
    calendar, day = sub.calendar, sub.day(remove)
    if sub.plans.addon(remove["addon"])["commitment"] == "plan":
        return calendar.term(day).last + DAY
    return calendar.cycle_start(calendar.cycle_number(day) + 1)


def removals(sub: Subscription, addon: str) -> list[date]:
    """The days on which removals of an add-on take effect."""
    return [removal_takes_effect(sub, remove) for remove in about(sub, "addon.remove", addon)]


def lapsed_on(sub: Subscription, addon: str, day: date) -> date:
    """The last day, not after this one, on which a removal took effect; the start, if none did."""
    return max([sub.calendar.start, *(gone for gone in removals(sub, addon) if gone <= day)])


def removal_pending(sub: Subscription, addon: str, day: date) -> date | None:
    """The day on which the add-on will go, if a removal was accepted that has not yet taken effect."""
    return max((gone for gone in removals(sub, addon) if gone > day), default=None)


def purchases(sub: Subscription, addon: str, day: date) -> list[Command]:
    """What an add-on's quantity on a day is made of. Billing contract §5: "a later purchase starts with none"."""
    since = lapsed_on(sub, addon, day)
    return [command for command in about(sub, "addon.purchase", addon) if since <= sub.day(command)]


def account_seats(sub: Subscription, day: date) -> int:
    """Billing contract §5: "quantity = paid seats of `user`"; "with `additional_user_includes_addons`, quantity = the minimum users,
    always"."""
    return minimum(sub, "user") if sub.plan["additional_user_includes_addons"] else paid(sub, "user", day)


def quantity(sub: Subscription, addon: str, day: date) -> int:
    """How many of an add-on an account has on a day: 0 without a purchase."""
    bought = purchases(sub, addon, day)
    if bought and sub.plans.addon(addon)["seats"] == "account":
        return account_seats(sub, day)
    return sum(command["quantity"] for command in bought)


def addons_of_a_seat(sub: Subscription, add: Command) -> list[str]:
    """Billing contract §5: "a seat added later adds its add-on charge beside its own" (not where additional users include their
    add-ons)."""
    if add["kind"] != "user" or sub.plan["additional_user_includes_addons"]:
        return []
    stood, day = sub.until(add), sub.day(add)
    return [name for name in sub.plans.addons if sub.plans.addon(name)["seats"] == "account" and purchases(stood, name, day)]


def trial_ends(sub: Subscription, trial: Command) -> date:
    """Billing contract §3: "free from its date D to D + `trial_days` − 1"."""
    return sub.day(trial) + timedelta(days=sub.plans.addon(trial["addon"])["trial_days"] - 1)


def assigned(sub: Subscription, addon: str, day: date) -> set[str]:
    """Who holds a licence. Billing contract §5: "freed by `addon.unassign` and by `unit.remove`"; at a removal "all licences lapse"."""
    since, holders = lapsed_on(sub, addon, day), set()
    for command in sub.later:
        if command.type == "addon.assign" and command["addon"] == addon and sub.day(command) >= since:
            holders.add(command["unit_id"])
        elif _frees(command, addon):
            holders.discard(command["unit_id"])
    return holders


def _frees(command: Command, addon: str) -> bool:
    return (command.type, command["addon"]) == ("addon.unassign", addon) or (command.type, command["kind"]) == ("unit.remove", "user")


def licences_left(sub: Subscription, addon: str, day: date) -> int:
    """Billing contract §3: `no_licence_left` "also for `account` and `plain` seats and in a trial"."""
    provisioned = sub.plans.addon(addon)["seats"] == "provisioned"
    return quantity(sub, addon, day) - len(assigned(sub, addon, day)) if provisioned else 0


def last_paid_day(sub: Subscription, day: date) -> date:
    """The last day of the paid period of a day."""
    period: Period = sub.calendar.paid_period(day)
    return period.last
