"""The state machine of a billing account: a command in, an event and perhaps invoices out.

Start reading here. `execute` asks whether the command may be done, in the order of billing.md §3, and does it. Nothing is changed before
all of that is answered: a refused command leaves only its id behind.

Source: billing.md §1, §3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from rating.billing.addons import ADDON_HANDLERS
from rating.billing.advance import advance
from rating.billing.book import Book
from rating.billing.calendar import date_of
from rating.billing.charges import terms_of
from rating.billing.closing import Closer
from rating.billing.invoices import Invoice
from rating.billing.licences import Value, changed
from rating.billing.plans import Plans
from rating.billing.refusal import RefusedError
from rating.billing.request import Accepted, Request, allow
from rating.billing.start import start
from rating.billing.units import cancel, unit_add, unit_remove
from rating.billing.usage import Usage
from rating.stage import State
from schemas.billing_commands import Command
from schemas.billing_events import RefusalReason
from schemas.instants import format_instant

Event = dict[str, Any]
"""As JSON (`schemas.billing_events.BillingEvent`)."""

_HANDLERS = {"subscription.cancel": cancel, "unit.add": unit_add, "unit.remove": unit_remove, **ADDON_HANDLERS}


@dataclass(slots=True)
class Answer:
    """What came of one command."""

    event: Event
    invoices: list[Invoice] = field(default_factory=list)
    sources: tuple[str, ...] = ()
    """WhatsApp accounts whose usage is billed here from now on; of an accepted start alone."""
    licences: list[Value] = field(default_factory=list)
    """Records of `billing.licences` that are other ones now."""

    @property
    def is_accepted(self) -> bool:
        """Whether it was done."""
        return bool(self.event["outcome"] == "accepted")


def execute(state: State, plans: Plans, command: Command) -> Answer | None:
    """Does a command, or refuses it; None where its id came before.

    Commands of an account are given in the order of their arrival, and totals that are known at a command's time are in its `Usage` before.
    """
    book = Book(state, command.account_id)
    if book.has_seen(command.id):
        return None
    book.see(command.id)
    try:
        accepted = _do(state, book, plans, command)
    except RefusedError as refused:
        return Answer(_event(command, "refused", refused.reason, refused.sentence, None))
    sources = command.whatsapp_accounts if command.type == "subscription.start" else ()
    licences = changed(book, plans, command)
    return Answer(_event(command, "accepted", None, accepted.sentence, accepted.effective), accepted.invoices, sources, licences)


def refuse(state: State, command: Command, reason: RefusalReason, sentence: str) -> Answer | None:
    """Refuses a command without looking at its account; None where its id came before."""
    book = Book(state, command.account_id)
    if book.has_seen(command.id):
        return None
    book.see(command.id)
    return Answer(_event(command, "refused", reason, sentence, None))


def _do(state: State, book: Book, plans: Plans, command: Command) -> Accepted:
    account = book.account()
    if (command.time_ms, command.id) <= (account.last_time_ms, account.last_id):
        raise RefusedError(
            "out_of_order",
            f"A command of {format_instant(account.last_time_ms)} has taken effect already; commands take effect in the order of their "
            "times. Give it again with the present time.",
        )
    known_until_ms = None if command.knows_all else command.time_ms
    usage = Usage(state, command.account_id)
    if command.type == "subscription.start":
        accepted = start(plans, account, book, usage, command)
    else:
        if not account.contracts:
            raise RefusedError("no_subscription", "This account has no subscription; start one first.")
        terms = terms_of(plans, account.contracts[-1])
        index = len(account.contracts) - 1
        today = max(date_of(command.time_ms, terms.contract.timezone), terms.contract.day)
        fixed = advance(terms, book, index, today)
        request = Request(plans, account, index, terms, book, command, today)
        if command.type == "cycle.close":
            as_of = _as_of(request)
            for cycle, boundary in fixed.items():
                book.put_boundary(index, cycle, boundary)
            closer = Closer(plans, account, book, usage, command.time_ms, known_until_ms)
            accepted = Accepted(f"Everything due on or before {as_of} is issued.", as_of, closer.close(as_of))
        else:
            if terms.has_ended(today):
                raise RefusedError("no_subscription", f"The subscription ended on {terms.contract.ends}; start a new one.")
            accepted = _HANDLERS[command.type](request)
            for cycle, boundary in fixed.items():
                book.put_boundary(index, cycle, boundary)
        terms.contract.day = today
    account.last_time_ms, account.last_id = command.time_ms, command.id
    book.save(account)
    return accepted


def _as_of(request: Request) -> date:
    allow(request, "system")
    as_of = date.fromisoformat(request.command.as_of)
    if as_of > request.day:
        raise RefusedError("invalid_date", f"{as_of} lies after this command's own date, {request.day}; close up to that day at most.")
    return as_of


def _event(command: Command, outcome: str, reason: str | None, detail: str, effective: date | None) -> Event:
    return {
        "v": 1,
        "command_id": command.id,
        "account_id": command.account_id,
        "time": format_instant(command.time_ms),
        "outcome": outcome,
        "reason": reason,
        "detail": detail,
        "effective": None if effective is None else effective.isoformat(),
    }
