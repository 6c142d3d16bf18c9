"""INVOICE: the state machine of billing accounts, as a stage keyed by billing account.

It takes a command only when `billing.usage` was read to its end as of the command's append time (`after`): so a close counts every total
that was there before it. What it takes lies in its state in order, to be billed again elsewhere (`export.py`).

Source: billing.md §1, §3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from rating.billing.book import Book
from rating.billing.licences import TOPIC as LICENCES
from rating.billing.machine import Answer, execute, refuse
from rating.billing.plans import Plans
from rating.billing.records import FORMAT
from rating.billing.usage import Usage, Waiting, is_billable, waiting
from rating.billing.usage_stage import ROUTED, SOURCES
from rating.rejects import REJECTS, rejected_record
from rating.stage import Effects, Output, Record, State, Tick
from schemas.billing_commands import Command, decode_command
from schemas.billing_sources import BillingSource
from schemas.instants import HOUR_MS
from schemas.licences import licences_key
from schemas.rejections import INVALID_FIELD, Rejection
from schemas.totals import decode_total

COMMANDS: Final = "billing.commands"
EVENTS: Final = "billing.events"
INVOICES: Final = "billing.invoices"

AHEAD_MS: Final = 5 * 60 * 1000
"""How far beyond its append time a command may be dated."""
EXACT_MS: Final = HOUR_MS // 4
"""For commands dated no further back than this, every change of a total counts by itself; for later ones the last of each hour."""


class Invoicer:
    """Bills accounts: events, invoices, licences and sources, from commands and the totals that USAGE routes here."""

    inputs: Final = (ROUTED, COMMANDS)
    broadcast: Final = ()
    gathers: Final = True
    outputs: Final = (EVENTS, INVOICES, SOURCES, LICENCES, REJECTS)
    after: Final[Mapping[str, str]] = {COMMANDS: ROUTED}

    def __init__(self, plans: Plans) -> None:
        """`plans` are part of what it decides by: a state goes on only under the same ones."""
        self._plans = plans
        self.identity: Mapping[str, str] = {"plans": plans.fingerprint, "state_format": str(FORMAT)}

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        """Applies a batch in order; ticks change nothing."""
        outputs: list[Output] = []
        counts = {"usage": 0, "accepted": 0, "refused": 0, "repeated": 0, "invoices": 0, "rejected": 0}
        for item in batch:
            if isinstance(item, Tick):
                continue
            if item.topic == ROUTED:
                taken = _take(state, item)
                counts["usage"] += taken is None
            else:
                taken = self._command(state, item, outputs, counts)
            if taken is not None:
                outputs.append(rejected_record(item, taken))
                counts["rejected"] += 1
        return Effects(outputs, counts)

    def _command(self, state: State, record: Record, outputs: list[Output], counts: dict[str, int]) -> Rejection | None:
        command = decode_command(record.value or b"")
        if isinstance(command, Rejection):
            return command
        if record.key != command.account_id.encode():
            return Rejection(INVALID_FIELD, "account_id: must be the record's key")
        answer = self._answer(state, record, command)
        if answer is None:
            counts["repeated"] += 1
            return None
        counts["accepted" if answer.is_accepted else "refused"] += 1
        counts["invoices"] += len(answer.invoices)
        key = command.account_id.encode()
        outputs.append(Output(EVENTS, key, orjson.dumps(answer.event)))
        outputs += [Output(INVOICES, key, orjson.dumps(invoice)) for invoice in answer.invoices]
        outputs += [_source(whatsapp_account, command.account_id) for whatsapp_account in answer.sources]
        outputs += [
            Output(LICENCES, licences_key(command.account_id, each["user_id"]), orjson.dumps(each), key) for each in answer.licences
        ]
        return None

    def _answer(self, state: State, record: Record, command: Command) -> Answer | None:
        appended_ms = record.appended_at_ms
        if appended_ms is not None and command.time_ms > appended_ms + AHEAD_MS:
            sentence = "This command is dated more than five minutes ahead; give it again when its time has come."
            return refuse(state, command, "out_of_order", sentence)
        answer = execute(state, self._plans, command)
        if answer is not None:
            Book(state, command.account_id).log(record.offset, record.value or b"")
        return answer


def _take(state: State, record: Record) -> Rejection | None:
    """Lets a total wait for the command that counts it. It is known from its append time, and never before a command that was accepted."""
    total = decode_total(record.value or b"")
    if isinstance(total, Rejection):
        return total
    account_id = _biller(record.key)
    if account_id is None:
        return Rejection(INVALID_FIELD, "the record's key must be a JSON array that begins with the billing account")
    if is_billable(total):
        appended_ms = record.appended_at_ms or 0
        account = Book(state, account_id).account()
        known_ms = max(appended_ms, account.last_time_ms + 1)
        usage = Usage(state, account_id)
        new = waiting(total)
        usage.wait(Waiting(known_ms, new.key, new.record), record.offset)
        usage.thin_out(new.key, known_ms - EXACT_MS)
    return None


def _biller(key: bytes | None) -> str | None:
    try:
        names = orjson.loads(key or b"")
    except orjson.JSONDecodeError:
        return None
    return names[0] if isinstance(names, list) and names and isinstance(names[0], str) else None


def _source(whatsapp_account: str, account_id: str) -> Output:
    source = BillingSource(v=1, whatsapp_account_id=whatsapp_account, account_id=account_id)
    return Output(SOURCES, source.record_key, orjson.dumps(source.model_dump()), whatsapp_account.encode())
