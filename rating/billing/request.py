"""One command on its way through the state machine: what handlers are given, and what they answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from rating.billing.book import Book
from rating.billing.calendar import Span
from rating.billing.charges import Terms
from rating.billing.invoices import Invoice, issue
from rating.billing.plans import Plans
from rating.billing.records import Account, Contract, Line
from rating.billing.refusal import RefusedError
from schemas.billing_commands import Command

_NAMES = {"account_manager": "the account manager", "system": "the system"}


class Request(NamedTuple):
    """A command about a subscription, brought to the command's date. A handler refuses before it changes anything."""

    plans: Plans
    account: Account
    place: int
    """Of the subscription among the account's."""
    terms: Terms
    book: Book
    command: Command
    day: date

    @property
    def contract(self) -> Contract:
        """The subscription."""
        return self.terms.contract

    def amendment(self, lines: list[Line]) -> list[Invoice]:
        """The amendment invoice for what is bought today; none where nothing is to be paid."""
        period = Span(self.day, self.terms.paid_period.last)
        return issue(self.account, self.terms, "amendment", self.contract.currency, period, lines, self.command.time_ms)


@dataclass(slots=True)
class Accepted:
    """A command that was done."""

    sentence: str
    effective: date
    invoices: list[Invoice] = field(default_factory=list)


def allow(request: Request, *roles: str, also: Collection[str] = ()) -> None:
    """Refuses with `not_allowed` where the command's role is none of these."""
    _allow(request.command, (*roles, *also))


def allow_command(command: Command, *roles: str) -> None:
    """The same, before there is a subscription."""
    _allow(command, roles)


def _allow(command: Command, roles: tuple[str, ...]) -> None:
    if command.role not in roles:
        who = " or ".join(_NAMES.get(role, f"an {role}" if role[0] in "aeiou" else f"a {role}") for role in roles)
        raise RefusedError("not_allowed", f"Only {who} may do this; ask one of them." if roles else "Nobody may do this.")
