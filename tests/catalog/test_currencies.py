"""Sixteen currencies side by side: none is converted, and nothing adds two of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rating.catalog.cells import CURRENCIES
from tests.catalog.texts import card
from tests.cli.conftest import Wameter, event

PRINTED = {code: f"{index}.{index:04d}" for index, code in enumerate(CURRENCIES, 1)}
"""A rate of its own for each currency, so that one taken from another shows."""
MESSAGES = 3


@pytest.fixture
def rated(wameter: Wameter, tmp_path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str]:
    """Lines, totals and the table of three utility messages of sixteen accounts, which share a phone number."""
    (tmp_path / "own" / "cards").mkdir(parents=True)
    (tmp_path / "own" / "cards" / "all.csv").write_text(
        card(*(f"2025-07-01,{code},France,utility,1,,{rate}" for code, rate in PRINTED.items()))
    )
    accounts = [{"account_id": code, "timezone": "UTC", "currency": code} for code in CURRENCIES]
    (tmp_path / "accounts.json").write_text(json.dumps(accounts))
    events = [
        event(kind, f"wamid.{code}{number}", account_id=code, category="utility")
        for code in CURRENCIES
        for number in range(MESSAGES)
        for kind in ("sent", "delivered")
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    arguments = ("rate", "events.jsonl", "--accounts", "accounts.json", "--catalog", "own")
    ran = wameter(*arguments, "--lines", "lines.jsonl", "--totals", "totals.jsonl")
    assert (ran.code, ran.err) == (0, "")
    lines, totals = ([json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()] for name in ("lines", "totals"))
    return lines, totals, wameter(*arguments).out


def sums(records: list[dict[str, Any]]) -> Mapping[tuple[str, str], Decimal]:
    found: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for record in records:
        found[record["account_id"], record["currency"]] += Decimal(record["amount"])
    return found


def test_each_line_has_its_accounts_currency_and_that_cards_rate_as_printed(rated: tuple[list[dict[str, Any]], ...]) -> None:
    lines = rated[0]
    assert len(lines) == MESSAGES * len(CURRENCIES)
    assert [line for line in lines if line["currency"] != line["account_id"] or line["cost"] != PRINTED[line["currency"]]] == []


def test_a_total_never_mixes_currencies(rated: tuple[list[dict[str, Any]], ...]) -> None:
    lines, totals, _ = rated
    assert sorted(total["currency"] for total in totals) == sorted(CURRENCIES)
    assert sums(totals) == sums(lines) == {(code, code): MESSAGES * Decimal(rate) for code, rate in PRINTED.items()}


def test_the_table_has_a_sum_for_each_currency_and_none_over_them(rated: tuple[list[dict[str, Any]], list[dict[str, Any]], str]) -> None:
    found = [line.split() for line in rated[2].splitlines() if line.startswith(" Total")]
    assert [(cells[-2], cells[-1]) for cells in found] == [(str(MESSAGES * Decimal(rate)), code) for code, rate in PRINTED.items()]
