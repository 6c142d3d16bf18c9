"""Who may send, as billing knows it: licences by user, and what an account has bought, from instant to instant.

A command that was accepted may begin or end licences; whoever is concerned gets a new value, with what it knows of the last 70 days. Ends
that lie ahead are told at once: that of a trial, of an add-on that is removed, of a subscription that is cancelled.

Source: billing.md §3, §5; seed S003.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from rating.billing.book import Book
from rating.billing.calendar import ONE_DAY, end_of_day_ms
from rating.billing.plans import Addon, Plan, Plans
from rating.billing.records import USER, Account, Contract, LicenceHistory, LicenceTime
from schemas.billing_commands import Command
from schemas.instants import DAY_MS, format_instant

TOPIC: Final = "billing.licences"

KEPT_MS: Final = 70 * DAY_MS
"""How long what has ended is still told: 35 days that a message may be late, after the 35 that the meter remembers it."""

Value = dict[str, Any]
"""As JSON (`schemas.licences.LicencesRecord`)."""

OF_ACCOUNT: Final = None
"""In the place of a user: the account itself."""


class _Case(NamedTuple):
    """An accepted command and the state that it left."""

    account: Account
    book: Book
    plan: Plan
    addons: Mapping[str, Addon]
    command: Command

    @property
    def place(self) -> int:
        return len(self.account.contracts) - 1

    @property
    def contract(self) -> Contract:
        return self.account.contracts[-1]

    @property
    def now_ms(self) -> int:
        return self.command.time_ms

    def ends_ms(self, *days: date | None) -> int | None:
        """The first instant of the earliest of some days, or of the day on which the subscription is over; None: no end is known."""
        known = [day for day in (*days, self.contract.ends) if day is not None]
        return end_of_day_ms(min(known) - ONE_DAY, self.contract.timezone) + 1 if known else None


_Change = Callable[[LicenceHistory], bool]
"""Changes a history in place; returns whether it did."""


def changed(book: Book, plans: Plans, command: Command) -> list[Value]:
    """The values that an accepted command changed, the account's own first, then users by id. The book must be as the command left it."""
    change = _CHANGES.get(command.type)
    if change is None:
        return []
    account = book.account()
    case = _Case(account, book, plans.plans[account.contracts[-1].plan], plans.addons, command)
    return [_value(account, user_id, history) for user_id, history in change(case)]


def _value(account: Account, user_id: str | None, history: LicenceHistory) -> Value:
    return {
        "v": 1,
        "account_id": account.account_id,
        "user_id": user_id,
        "licences": [
            {
                "addon": each.addon,
                "consumption": each.consumption,
                "whatsapp_accounts": list(account.contracts[each.contract].whatsapp_accounts),
                "from": format_instant(each.from_ms),
                "to": None if each.to_ms is None else format_instant(each.to_ms),
                "everyone": each.everyone,
            }
            for each in history.times
        ],
        "since": format_instant(history.since_ms) if history.since_ms else None,
    }


_Changed = Iterator[tuple[str | None, LicenceHistory]]


def _start(case: _Case) -> _Changed:
    """What is part of the plan everyone has."""
    included = [each for key, each in case.addons.items() if key in case.plan.includes and each.consumption]

    def change(history: LicenceHistory) -> bool:
        for addon in included:
            _begin(case, history, addon, None, everyone=True)
        return bool(included)

    yield from _apply(case, [OF_ACCOUNT], change)


def _purchase(case: _Case) -> _Changed:
    addon = case.addons[case.command.addon]
    everyone = addon.seats == "account"

    def change(history: LicenceHistory) -> bool:
        bought = any(each.addon == addon.key and _lasts(each, case.now_ms) and not each.is_trial for each in history.times)
        if bought or not (addon.seats == "provisioned" or (everyone and addon.consumption)):
            return False
        _end(case, history, case.now_ms, lambda each: each.addon == addon.key)
        return _begin(case, history, addon, None, everyone=everyone)

    yield from _apply(case, [OF_ACCOUNT], change)


def _trial(case: _Case) -> _Changed:
    addon = case.addons[case.command.addon]
    after = case.contract.trials[addon.key] + ONE_DAY
    if addon.consumption:
        yield from _apply(case, [OF_ACCOUNT], lambda history: _begin(case, history, addon, after, everyone=True, is_trial=True))


def _assign(case: _Case) -> _Changed:
    addon = case.addons[case.command.addon]
    after = case.contract.holdings[addon.key].ends
    yield from _apply(case, [case.command.unit_id], lambda history: _begin(case, history, addon, after, everyone=False))


def _unassign(case: _Case) -> _Changed:
    addon = case.command.addon
    yield from _apply(case, [case.command.unit_id], lambda history: _end(case, history, case.now_ms, lambda each: each.addon == addon))


def _unit_remove(case: _Case) -> _Changed:
    if case.command.kind == USER:
        yield from _apply(case, [case.command.unit_id], lambda history: _end(case, history, case.now_ms, lambda _: True))


def _remove(case: _Case) -> _Changed:
    addon = case.command.addon
    end_ms = case.ends_ms(case.contract.holdings[addon].ends)
    yield from _apply(case, case.book.licence_holders(), lambda history: _end(case, history, end_ms, lambda each: each.addon == addon))


def _cancel(case: _Case) -> _Changed:
    end_ms = case.ends_ms()
    yield from _apply(case, case.book.licence_holders(), lambda history: _end(case, history, end_ms, lambda _: True))


_CHANGES: Final[dict[str, Callable[[_Case], _Changed]]] = {
    "subscription.start": _start,
    "subscription.cancel": _cancel,
    "unit.remove": _unit_remove,
    "addon.purchase": _purchase,
    "addon.trial": _trial,
    "addon.assign": _assign,
    "addon.unassign": _unassign,
    "addon.remove": _remove,
}


def _apply(case: _Case, users: Iterable[str | None], change: _Change) -> _Changed:
    for user_id in users:
        history = case.book.licence_history(user_id)
        if change(history):
            _forget(history, case.now_ms - KEPT_MS)
            case.book.keep_licence_history(history)
            yield user_id, history


def _begin(case: _Case, history: LicenceHistory, addon: Addon, after: date | None, *, everyone: bool, is_trial: bool = False) -> bool:
    """Something holds from now to a day, or to the subscription's end; returns that it does."""
    end_ms = case.ends_ms(after)
    history.times.append(LicenceTime(addon.key, addon.consumption, case.place, case.now_ms, end_ms, everyone, is_trial))
    return True


def _end(case: _Case, history: LicenceHistory, end_ms: int | None, which: Callable[[LicenceTime], bool]) -> bool:
    """What still lasts, of this subscription, lasts to an instant at most."""
    is_changed = False
    for each in history.times:
        if each.contract == case.place and end_ms is not None and which(each) and _lasts(each, end_ms):
            each.to_ms = end_ms
            is_changed = True
    history.times = [each for each in history.times if each.to_ms is None or each.to_ms > each.from_ms]
    return is_changed


def _lasts(each: LicenceTime, beyond_ms: int) -> bool:
    return each.to_ms is None or each.to_ms > beyond_ms


def _forget(history: LicenceHistory, before_ms: int) -> None:
    """Leaves out what ended so long ago, and remembers that something was left out."""
    gone = [each.to_ms for each in history.times if each.to_ms is not None and each.to_ms <= before_ms]
    history.since_ms = max([history.since_ms, *gone])
    history.times = [each for each in history.times if each.to_ms is None or each.to_ms > before_ms]
