"""What happened in a history, by the oracle's answer: so that a run can say what it has tried."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.billing_laws.histories import History
from tests.billing_oracle import Billed
from tests.billing_oracle.refusals import IN_ORDER

SITUATIONS = (
    *(f"refused: {rule.__name__}" for rule, _ in IN_ORDER),
    "a malformed command",
    "a repeated id",
    "a second subscription",
    "cancelled, and billed for usage after",
    "invoice: annual at a renewal",
    "invoice: cycle in another currency",
    "invoice: at a new start with an adjustment",
    "invoice: with three sections or more",
    "line: additional in an amendment",
    "line: additional in a cycle, prorated",
    "line: additional in an annual",
    "line: addon in an amendment",
    "line: addon in a cycle",
    "line: addon in a cycle, prorated",
    "line: addon in an annual",
    "line: an add-on beside a seat",
    "line: minimum at 0",
    "line: usage below 0",
    "line: usage without a country",
    "line: adjustment above 0",
    "line: adjustment below 0",
    "line: more than eleven months, prorated",
    "line: fixed-30-exclusive, prorated",
)


def of_history(history: History, billed: Billed) -> set[str]:
    """The situations that a history was in."""
    return {*_of_events(history, billed), *_of_invoices(billed)}


def _of_events(history: History, billed: Billed) -> Iterator[str]:
    yield from (f"refused: {event['reason']}" for event in billed.events if event["reason"])
    if billed.rejected:
        yield "a malformed command"
    well_formed = sum(1 for raw in history.commands if raw) - len(billed.rejected)
    if len([event for event in billed.events if not event["command_id"].startswith("until:")]) < well_formed:
        yield "a repeated id"
    starts = {json.loads(raw)["id"] for raw in history.commands if b'"subscription.start"' in raw and raw.endswith(b"}")}
    accepted = [event for event in billed.events if event["outcome"] == "accepted"]
    for account in {event["account_id"] for event in accepted}:
        if sum(event["account_id"] == account and event["command_id"] in starts for event in accepted) > 1:
            yield "a second subscription"


def _of_invoices(billed: Billed) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for invoice in billed.invoices:
        lines = [line for section in invoice["sections"] for line in section["lines"]]
        kinds = {line["kind"] for line in lines}
        if invoice["kind"] == "annual" and (invoice["account_id"], "annual") in seen:
            yield "invoice: annual at a renewal"
        seen.add((invoice["account_id"], invoice["kind"]))
        if invoice["issued_at"][:10] <= invoice["period"]["from"] and "plan" in kinds and "adjustment" in kinds:
            yield "invoice: at a new start with an adjustment"
        if len(invoice["sections"]) > 2:
            yield "invoice: with three sections or more"
        if invoice["kind"] == "amendment" and kinds == {"additional", "addon"}:
            yield "line: an add-on beside a seat"
        currencies = {each["currency"] for each in billed.invoices if each["issued_at"] == invoice["issued_at"]}
        if invoice["kind"] == "cycle" and len(currencies) > 1 and kinds <= {"usage", "adjustment"}:
            yield "invoice: cycle in another currency"
        if kinds == {"usage"} and len(currencies) == 1:
            yield "cancelled, and billed for usage after"
        for line in lines:
            yield from _of_line(invoice["kind"], line)


def _of_line(kind: str, line: dict[str, object]) -> Iterator[str]:
    where = f"line: {line['kind']} in {'a' if kind == 'cycle' else 'an'} {kind}"
    amount = str(line["amount"])
    yield where
    if proration := line["proration"]:
        yield f"{where}, prorated"
        assert isinstance(proration, dict)
        yield f"line: {proration['policy']}, prorated"
        if proration["numerator"] > 11 * proration["denominator"]:
            yield "line: more than eleven months, prorated"
    if line["kind"] == "plan" and not amount.strip("0."):
        yield "line: minimum at 0"
    if line["kind"] in ("usage", "adjustment"):
        yield f"line: {line['kind']} {'below' if amount.startswith('-') else 'above'} 0"
    if str(line["name"]).startswith("Other · "):
        yield f"line: {line['kind']} without a country"
