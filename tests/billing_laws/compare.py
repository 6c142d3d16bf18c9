"""What differs between two answers to the same history, in words. The free wording of `detail` may differ, opaque ids must be unique."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from tests.billing_laws.histories import History
from tests.billing_oracle import Billed
from tests.billing_oracle import bill as by_oracle

Record = Mapping[str, Any]
Bill = Callable[[Iterable[bytes], str, Iterable[bytes], date | None], tuple[Sequence[Record], Sequence[Record], Sequence[Record]]]
"""A biller: commands, plans file, totals and the day of `--until` in; events, invoices and rejected records out."""


def differences(history: History, bill: Bill) -> list[str]:
    """Where a biller's answer is not the oracle's; empty when they agree."""
    oracle = by_oracle(history.commands, history.plans, history.totals, history.until)
    return differences_to(oracle, bill(history.commands, history.plans, history.totals, history.until))


def differences_to(oracle: Billed, answer: tuple[Sequence[Record], Sequence[Record], Sequence[Record]]) -> list[str]:
    """The same, of answers that are known."""
    events, invoices, rejected = answer
    return [
        *_of_rejected(rejected, oracle),
        *_of_events(events, oracle),
        *_of_invoices(invoices, oracle),
        *_of_ids(invoices),
    ]


def _of_rejected(rejected: Sequence[Record], oracle: Billed) -> list[str]:
    lines = [record["line"] for record in rejected]
    expected = [place + 1 for place in oracle.rejected]
    return [] if lines == expected else [f"rejected lines {lines}, expected {expected}"]


def _of_events(events: Sequence[Record], oracle: Billed) -> list[str]:
    found = []
    for account, mine, theirs in _by_account(events, oracle.events):
        if len(mine) != len(theirs):
            found.append(f"{account}: {len(mine)} events, expected {len(theirs)}")
        for event, expected in zip(mine, theirs, strict=False):
            facts = {name: event.get(name, "no such field") for name in expected if name != "names"}
            if facts != {name: value for name, value in expected.items() if name != "names"}:
                found.append(f"{account}: event {_short(facts)}, expected {_short(expected)}")
            if not event.get("detail") or expected.get("names", "") not in event["detail"]:
                found.append(f"{account}: the detail of {event['command_id']} does not say {expected.get('names', 'anything')}")
    return found


def _of_invoices(invoices: Sequence[Record], oracle: Billed) -> list[str]:
    found = []
    for account, mine, theirs in _by_account(invoices, oracle.invoices):
        if len(mine) != len(theirs):
            found.append(f"{account}: {len(mine)} invoices, expected {len(theirs)}")
        for invoice, expected in zip(mine, theirs, strict=False):
            if normal(invoice) != normal(expected):
                found.append(f"{account}: invoice\n  {_short(normal(invoice))}\nexpected\n  {_short(normal(expected))}")
    return found


def _of_ids(invoices: Sequence[Record]) -> list[str]:
    ids = [invoice.get("invoice_id") for invoice in invoices]
    return [] if None not in ids and len(set(ids)) == len(ids) else ["an invoice has no id, or another's"]


def normal(invoice: Record) -> dict[str, Any]:
    """An invoice without its opaque id, the lines of each section in one order: the contract orders sections alone."""
    sections = [{**section, "lines": sorted(section["lines"], key=_short)} for section in invoice["sections"]]
    return {**{name: value for name, value in invoice.items() if name != "invoice_id"}, "sections": sections}


def _by_account(mine: Sequence[Record], theirs: Sequence[Record]) -> list[tuple[str, list[Record], list[Record]]]:
    """Each account's records in their order: between accounts there is none."""
    names = dict.fromkeys(record["account_id"] for record in (*mine, *theirs))
    return [(name, *([r for r in records if r["account_id"] == name] for records in (mine, theirs))) for name in names]


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
