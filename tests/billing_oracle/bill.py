"""All commands, all events, all invoices (billing contract, first paragraph and §3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.billing_oracle.dates import end_of_day_ms
from tests.billing_oracle.history import subscriptions
from tests.billing_oracle.invoices import Invoice, document, issued_by
from tests.billing_oracle.reading import Command, MalformedError, Plans, Total, read_command, read_plans, read_total
from tests.billing_oracle.refusals import Case, committed_to, effective, refusal
from tests.oracle.instants import written

KNOWS_ALL_MS = 2**62


@dataclass
class Account:
    """What an account has been told and has answered."""

    seen: set[str] = field(default_factory=set)
    accepted: list[Command] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)


@dataclass
class Billed:
    """The answer to a whole file."""

    events: list[dict[str, Any]] = field(default_factory=list)
    """Without `detail`, but for `names`: the date that it must name, where it must."""
    invoices: list[dict[str, Any]] = field(default_factory=list)
    """Without `invoice_id`."""
    rejected: list[int] = field(default_factory=list)
    """Places in the file, from 0."""


def bill(commands: Iterable[bytes], plans_toml: str, totals: Iterable[bytes], until: date | None = None) -> Billed:
    """Bills a file of commands. Billing contract §1: "a file's order is the order of arrival"."""
    plans = read_plans(plans_toml)
    known = [read_total(raw, place) for place, raw in enumerate(totals) if raw.strip()]
    billed, accounts = Billed(), dict[str, Account]()
    for place, raw in enumerate(commands):
        if not raw.strip():
            continue
        try:
            command = read_command(raw)
        except MalformedError:
            billed.rejected.append(place)
            continue
        _take(billed, accounts.setdefault(command.account, Account()), command, plans, known)
    if until is not None:
        for name, account in accounts.items():
            _close_until(billed, name, account, until, plans, known)
    return billed


def _close_until(billed: Billed, name: str, account: Account, until: date, plans: Plans, totals: Sequence[Total]) -> None:
    """`--until` "adds, last of all, a `cycle.close` (id `until:DATE`, at the end of that day) for every account that ever had a
    subscription"."""
    subs = subscriptions(plans, account.accepted)
    if subs:
        at_ms = end_of_day_ms(until, subs[-1].start["timezone"])
        fields: Mapping[str, Any] = {"as_of": until.isoformat()}
        everything = [Total(**{**vars(total), "known_ms": min(total.known_ms, at_ms)}) for total in _in_order_of_knowledge(totals)]
        _take(billed, account, Command(f"until:{until}", name, at_ms, "cycle.close", "system", fields), plans, everything)


def _in_order_of_knowledge(totals: Sequence[Total]) -> list[Total]:
    """Billing contract §1: "`--until` knows all": places are renumbered, so that what is known later than its day still comes after the
    rest."""
    ordered = sorted(totals, key=lambda total: (total.known_ms, total.place))
    return [Total(**{**vars(total), "place": place}) for place, total in enumerate(ordered)]


def _take(billed: Billed, account: Account, command: Command, plans: Plans, totals: Sequence[Total]) -> None:
    """Billing contract §3: "A repeated `id` gives no second event and no second effect"."""
    if command.id in account.seen:
        return
    account.seen.add(command.id)
    case = Case(plans, account.accepted, command)
    reason = refusal(case)
    event = {
        "v": 1,
        "command_id": command.id,
        "account_id": command.account,
        "time": written(command.time_ms),
        "outcome": "refused" if reason else "accepted",
        "reason": reason,
        "effective": None if reason else effective(case).isoformat(),
    }
    if reason == "committed_until":
        event["names"] = committed_to(case).isoformat()
    billed.events.append(event)
    if reason is None:
        issued = issued_by(plans, account.accepted, command, totals, account.invoices)
        billed.invoices += [document(invoice, len(account.invoices) + n) for n, invoice in enumerate(issued, 1)]
        account.invoices += issued
        account.accepted = [*account.accepted, command]
