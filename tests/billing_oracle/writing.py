"""Commands and totals as tests write them: one line each, readable aloud."""

from __future__ import annotations

import json
from itertools import count
from typing import Any


class Writer:
    """Writes the commands of one account; ids run in the order of writing, times are noon in UTC unless they say more."""

    def __init__(self, account: str = "acme", by: str = "account_manager") -> None:
        self.account, self.by = account, by
        self._ids = count(1)

    def __call__(self, day: str, type_: str, **fields: Any) -> bytes:
        """A command: `write("2024-08-08", "unit.add", kind="user", unit_id="ann")`. `by` names another role than the writer's."""
        command_id = fields.pop("id", f"c{next(self._ids):03d}")
        role = fields.pop("by", "system" if type_ == "cycle.close" else self.by)
        if type_ == "cycle.close":
            fields.setdefault("as_of", day[:10])
        record = {
            "v": 1,
            "id": command_id,
            "account_id": self.account,
            "time": day if "T" in day else f"{day}T12:00:00.000Z",
            "type": type_,
            "actor": {"user_id": "someone", "role": role},
            **fields,
        }
        return json.dumps(record, ensure_ascii=False).encode()

    def start(self, day: str, plan: str = "p", term: str = "monthly", **fields: Any) -> bytes:
        """A start in US dollars, of an account in the United States in UTC, unless it says otherwise."""
        usual = {"plan": plan, "term": term, "currency": "USD", "country": "US", "timezone": "UTC"}
        return self(day, "subscription.start", **{**usual, **fields})


def total(day: str, amount: str, messages: int, **fields: Any) -> bytes:
    """A total of charged marketing messages to France, unless it says otherwise."""
    usual: dict[str, Any] = {
        "v": 1,
        "account_id": "acme",
        "phone_number_id": "phone",
        "date": day,
        "country": "FR",
        "market": "France",
        "category": "marketing",
        "outcome": "charged",
        "currency": "USD",
        "messages": messages,
        "cost": amount,
        "amount": amount,
    }
    return json.dumps({**usual, **fields}).encode()
