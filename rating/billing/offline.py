"""Billing without a broker: commands and totals in, events and invoices out, by the very code that the stream runs.

Source: contract §7, billing.md (its first paragraph).
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from rating.billing.book import Book
from rating.billing.calendar import end_of_day_ms
from rating.billing.machine import Answer, execute
from rating.billing.memory import Memory
from rating.billing.plans import Plans
from rating.billing.plans_file import read_plans
from rating.billing.usage import Usage, Waiting, is_billable, waiting
from rating.stage import State
from schemas.billing_commands import Command, decode_command
from schemas.rejections import Rejection
from schemas.totals import decode_total


def bill(
    commands: Iterable[bytes], plans_toml: str, totals: Iterable[bytes], until: date | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Events, invoices and rejected records, as the JSON lines that `wameter bill` writes.

    `commands` and `totals` are lines without their ends, in the file's order; `plans_toml` is the text of a plans file. With `until`, every
    account that ever had a subscription is closed up to that day, last of all. Events and invoices come in the order of the commands that
    made them. A rejected record has `file` `commands` or `totals`, and its line's number from 1. Raises `PlansProblemsError`.
    """
    plans = read_plans(plans_toml)
    events: list[dict[str, Any]] = []
    invoices: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    biller = Biller(plans)
    for number, raw in _numbered(totals):
        if (refused := biller.total(raw)) is not None:
            rejected.append(rejected_line(refused, "totals", number, raw))
    for number, raw in _numbered(commands):
        answer = biller.command(raw)
        if isinstance(answer, Rejection):
            rejected.append(rejected_line(answer, "commands", number, raw))
        elif answer is not None:
            events.append(answer.event)
            invoices += answer.invoices
    if until is not None:
        for closed in biller.close(until):
            events.append(closed.event)
            invoices += closed.invoices
    return events, invoices, rejected


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers; blank ones are counted and skipped."""
    return ((number, raw) for number, raw in enumerate(lines, 1) if raw.strip())


class Biller:
    """Bills accounts from totals, which must all come first, and commands in the order of their arrival.

    What it remembers lies in `state`; without one in memory of its own.
    """

    def __init__(self, plans: Plans, state: State | None = None) -> None:
        self._plans = plans
        self._state = Memory() if state is None else state
        self._totals: defaultdict[str, list[tuple[int, Waiting]]] = defaultdict(list)
        """By WhatsApp account, with their numbers in the file."""
        self._read = 0
        self._sources: dict[str, set[str]] = {}
        """By billing account that ever had a subscription, the first one first: WhatsApp accounts that it was given the totals of."""

    def total(self, raw: bytes) -> Rejection | None:
        """Takes in a total, or says why it is none."""
        total = decode_total(raw)
        if isinstance(total, Rejection):
            return total
        self._read += 1
        if is_billable(total):
            self._totals[total.account_id].append((self._read, waiting(total)))
        return None

    def command(self, raw: bytes) -> Answer | Rejection | None:
        """Does a command; None where its id came before."""
        command = decode_command(raw)
        return command if isinstance(command, Rejection) else self._execute(command)

    def close(self, until: date) -> Iterator[Answer]:
        """Closes every account that ever had a subscription up to the end of a day, with all totals, whenever they became known."""
        for account_id in list(self._sources):
            zone = Book(self._state, account_id).account().contracts[-1].timezone
            command = Command(
                id=f"until:{until.isoformat()}",
                account_id=account_id,
                time_ms=end_of_day_ms(until, zone),
                type="cycle.close",
                user_id="wameter",
                role="system",
                as_of=until.isoformat(),
                knows_all=True,
            )
            answer = self._execute(command)
            if answer is not None:
                yield answer

    def _execute(self, command: Command) -> Answer | None:
        answer = execute(self._state, self._plans, command)
        if answer is not None and answer.is_accepted and command.type == "subscription.start":
            self._give(command.account_id, answer.sources)
        return answer

    def _give(self, account_id: str, sources: Iterable[str]) -> None:
        """Hands a billing account the totals of WhatsApp accounts that it hasn't had."""
        known = self._sources.setdefault(account_id, set())
        usage = Usage(self._state, account_id)
        for source in sources:
            if source not in known:
                known.add(source)
                for number, total in self._totals[source]:
                    usage.wait(total, number)


def rejected_line(refused: Rejection, file: str, number: int, raw: bytes) -> dict[str, Any]:
    """The record of a line that could not be read (contract §7)."""
    return {
        "v": 1,
        "reason": refused.reason,
        "detail": refused.detail,
        "file": file,
        "line": number,
        "raw_base64": base64.b64encode(raw).decode(),
    }
