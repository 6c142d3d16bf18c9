"""The worked example: 30,000 messages in bands of 10,000, 15,000 and more cost 400 + 570 + 180 = 1150, by one process or three."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.cli.conftest import Wameter, wameter  # noqa: F401 - the fixture is found by its name here

MESSAGES = 30_000
CARD = """effective_from,currency,market,category,tier_from,tier_to,rate,source
2026-01-01,USD,France,utility,1,10000,0.0400,example
2026-01-01,USD,France,utility,10001,25000,0.0380,example
2026-01-01,USD,France,utility,25001,,0.0360,example
"""
EXPECTED = {"1:10000": Decimal(400), "10001:25000": Decimal(570), "25001:MAX": Decimal(180)}


@pytest.fixture
def month(tmp_path: Path) -> list[str]:
    """A month of two accounts of one portfolio and four phone numbers, in no order; the arguments that rate it."""
    events = [
        {
            "type": "message.delivered", "id": f"e{number}", "account_id": f"account-{number % 2}",
            "phone_number_id": f"phone-{number % 4}", "user": "+33612345678", "message_id": f"wamid.{number}",
            "time": f"2026-03-{10 + number % 7:02d}T12:00:00Z",
            "category": "utility", "pricing": {"type": "regular"},
        }
        for number in range(MESSAGES)
    ]  # fmt: skip
    Random(1).shuffle(events)
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    accounts = [{"account_id": f"account-{number}", "timezone": "UTC", "currency": "USD", "portfolio_id": "p"} for number in range(2)]
    (tmp_path / "accounts.json").write_text(json.dumps(accounts))
    (tmp_path / "own" / "cards").mkdir(parents=True)
    (tmp_path / "own" / "cards" / "mine.csv").write_text(CARD)
    return ["rate", "events.jsonl", "--accounts", "accounts.json", "--catalog", "own"]


def test_the_worked_example_costs_1150(wameter: Wameter, month: list[str], tmp_path: Path) -> None:  # noqa: F811 - it is a fixture
    alone = wameter(*month, "--totals", "-", "--lines", "lines.jsonl")
    assert sum(Decimal(total["cost"]) for total in alone.records) == 1150
    assert wameter(*month, "--totals", "-", "--jobs", "3").out == alone.out
    messages: Counter[str] = Counter()
    cost = Decimal(0)
    for line in map(json.loads, (tmp_path / "lines.jsonl").read_text().splitlines()):
        cost += Decimal(line["cost"])
        if line["kind"] == "adjustment":
            messages[line["tier_from"]] -= line["moved"]
            messages[line["tier_to"]] += line["moved"]
        else:
            messages[line["tier"]] += 1
    assert cost == 1150
    rates = {"1:10000": "0.0400", "10001:25000": "0.0380", "25001:MAX": "0.0360"}
    assert {tier: messages[tier] * Decimal(rate) for tier, rate in rates.items()} == EXPECTED
