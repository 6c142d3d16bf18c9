"""The golden streams, against METER and against the oracle: the printed figures, digit by digit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from rating.catalog import load_catalog
from rating.meter import Meter
from rating.stage import Output, Record, Tick
from streams.state.store import Store
from tests.golden.reader import Golden, Row, goldens, shipped_catalog
from tests.oracle import Result, rate_all

GOLDENS = goldens()
each_golden = pytest.mark.parametrize("golden", [pytest.param(golden, id=golden.name) for golden in GOLDENS])


@each_golden
def test_the_oracle_finds_the_printed_figures(golden: Golden) -> None:
    result = rate_all(golden.events, golden.accounts, shipped_catalog())
    assert not result.rejected
    assert _oracle_lines(golden, result) == golden.expected["lines"]
    assert _oracle_totals(golden, result) == _by_key(golden.expected["totals"])
    assert [(each.key.message_id, each.reason) for each in result.unrated.values()] == _printed_unrated(golden)


@each_golden
def test_meter_publishes_the_printed_figures(golden: Golden) -> None:
    outputs = _published(golden)
    history = [json.loads(output.value or b"") for output in outputs if output.topic == "usage.rated"]
    live = _in_force(history)
    assert [_row(live[row["message"]], row) for row in golden.expected["lines"]] == golden.expected["lines"]
    assert len(live) == len(golden.expected["lines"])
    assert _meter_totals(golden, outputs) == _by_key(golden.expected["totals"])
    unrated = {output.key: json.loads(output.value) if output.value else None for output in outputs if output.topic == "usage.unrated"}
    assert [(each["message_id"], each["reason"]) for each in unrated.values() if each] == _printed_unrated(golden)
    if "history" in golden.expected:
        assert [_row(line, row) for line, row in zip(history, golden.expected["history"], strict=True)] == golden.expected["history"]


@each_golden
def test_the_printed_lines_totals_and_sum_agree_with_each_other(golden: Golden) -> None:
    (printed,) = golden.expected["sum"]
    for money in ("cost", "amount"):
        of_lines = sum(Decimal(row[money]) for row in golden.expected["lines"])
        of_totals = sum(Decimal(row[money]) for row in golden.expected["totals"])
        assert of_lines == of_totals == Decimal(printed[money])


def test_the_goldens_are_all_here() -> None:
    assert len(GOLDENS) == 12


def _published(golden: Golden) -> list[Output]:
    """Everything METER publishes when the records come one by one."""
    meter, store = Meter(load_catalog(shipped_catalog(), None)), Store()
    profiles = [Record("whatsapp.accounts", 0, at, None, json.dumps(each).encode(), None) for at, each in enumerate(golden.accounts)]
    events = [Record("whatsapp.messages", 0, at, None, raw, None) for at, raw in enumerate(golden.events)]
    outputs: list[Output] = []
    items: list[Record | Tick] = [*profiles, *events, Tick(0, end_of_input=True)]
    for item in items:
        store.begin()
        outputs += meter.step(store, [item]).outputs
        store.commit()
    return outputs


def _in_force(history: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    live: dict[str, dict[str, Any]] = {}
    for line in history:
        if line["kind"] == "reversal":
            del live[line["message_id"]]
        else:
            live[line["message_id"]] = line
    return live


def _row(line: Mapping[str, Any], columns: Row) -> Row:
    """The columns of a line as they are printed; money as it stands in the record."""
    return {column: str(line["message_id" if column == "message" else column]) for column in columns}


def _oracle_lines(golden: Golden, result: Result) -> list[Row]:
    by_message = {line.key.message_id: line for line in result.lines.values()}
    assert len(by_message) == len(golden.expected["lines"])
    rows = []
    for printed in golden.expected["lines"]:
        line = by_message[printed["message"]]
        words = {column: str(getattr(line, column)) for column in ("date", "country", "category", "outcome", "reason")}
        money = {column: _as_printed(getattr(line, column), printed[column]) for column in ("cost", "amount")}
        rows.append({"message": line.key.message_id, **words, **money})
    return rows


def _oracle_totals(golden: Golden, result: Result) -> dict[tuple[str, ...], Row]:
    printed = _by_key(golden.expected["totals"])
    rows = []
    for key, total in result.totals.items():
        words = {"account": key.account_id, "date": key.date, "country": str(key.country), "category": key.category, "outcome": key.outcome}
        row = {**words, "messages": str(total.messages)}
        expected = printed.get(_key(row), {"cost": "", "amount": ""})
        money = {column: _as_printed(getattr(total, column), expected[column]) for column in ("cost", "amount")}
        rows.append({**row, **money})
    return _by_key(rows)


def _meter_totals(golden: Golden, outputs: list[Output]) -> dict[tuple[str, ...], Row]:
    latest = {output.key: json.loads(output.value or b"") for output in outputs if output.topic == "usage.totals"}
    columns = golden.expected["totals"][0]
    rows = [
        {column: str(total["account_id" if column == "account" else column]) for column in columns}
        for total in latest.values()
        if total["messages"]
    ]
    return _by_key(rows)


def _as_printed(money: Decimal, printed: str) -> str:
    """The printed figure where it is the same number: `0.03` and `0.0300` are equal."""
    return printed if printed and Decimal(printed) == money else str(money)


def _printed_unrated(golden: Golden) -> list[tuple[str, str]]:
    return [(row["message"], row["reason"]) for row in golden.expected.get("unrated", [])]


def _by_key(rows: list[Row]) -> dict[tuple[str, ...], Row]:
    return {_key(row): row for row in rows}


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row[column] for column in ("account", "date", "country", "category", "outcome"))
