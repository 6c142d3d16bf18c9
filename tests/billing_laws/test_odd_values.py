"""Every field of every command with values that nobody should send: core and oracle read, reject and refuse the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rating.billing.offline import bill
from tests.billing_laws.compare import differences
from tests.billing_laws.histories import History
from tests.billing_oracle.test_figures import AIRCALL
from tests.billing_oracle.writing import Writer

COMMANDS: dict[str, dict[str, Any]] = {
    "subscription.start": {
        "plan": "p",
        "term": "annual",
        "invoicing": "upfront",
        "currency": "USD",
        "country": "US",
        "timezone": "UTC",
        "minimum": {"user": 1},
        "units": {"user": ["a"]},
        "whatsapp_accounts": ["x"],
    },
    "subscription.cancel": {},
    "unit.add": {"kind": "user", "unit_id": "zoe"},
    "unit.remove": {"kind": "user", "unit_id": "ann"},
    "addon.purchase": {"addon": "whatsapp", "quantity": 2},
    "addon.trial": {"addon": "whatsapp", "by": "owner"},
    "addon.assign": {"addon": "whatsapp", "unit_id": "ann"},
    "addon.remove": {"addon": "analytics"},
    "cycle.close": {},
}

TEXTS = ("", "x", "3", "\u0000", "\ud800", "owner", "OWNER", "monthly", "upfront", "usd", "USDX", "fr", "FR")
DATES = ("2025-02-30", "2025-05-18", "2025-5-18", "20250518", "2025-05-20T12:00:00Z", "2025-05-20t12:00:00.123456789+05:30")
INSTANTS = ("2025-05-20T24:00:00Z", "2025-05-20T12:00:60Z", "2025-05-20 12:00:00Z", "1999-01-01T00:00:00Z", "2101-01-01T00:00:00Z")
ZONES = ("UTC", "Europe/Paris", "europe/paris", "../UTC", "US/Eastern", "EST", "posixrules")
NUMBERS = (0, -1, 1, 1.0, 1.5, True, 2**63, float("inf"))
LISTS: tuple[Any, ...] = ([], [""], ["a", "a"], [1], ["a", None])
OBJECTS: tuple[Any, ...] = (
    {},
    {"user": 1},
    {"user": "1"},
    {"user": None},
    {"user": []},
    {"user": ["a", "a"]},
    {"user": [""]},
    {"robot": 3},
    {"role": "owner"},
)
ACTORS = ({"user_id": "", "role": "owner"}, {"user_id": "a", "role": None}, {"user_id": "a", "role": "system"})
ODD = (None, *TEXTS, *DATES, *INSTANTS, *ZONES, *NUMBERS, *LISTS, *OBJECTS, *ACTORS)


@pytest.mark.parametrize("type_", COMMANDS)
def test_any_value_in_any_field_is_answered_as_the_oracle_answers(type_: str) -> None:
    write = Writer()
    before = () if type_ == "subscription.start" else (write.start("2025-05-10", minimum={"user": 1}, units={"user": ["ann"]}),)
    record = json.loads(write("2025-05-19", type_, **COMMANDS[type_]))
    after = write("2025-06-20", "cycle.close")
    for name in (*record, "unheard_of"):
        odd = [record | {"id": f"odd {n:02d}"} | {name: value} for n, value in enumerate(ODD)]
        absent = [{field: value for field, value in odd[0].items() if field != name}]
        history = History(AIRCALL, (*before, *(json.dumps(each).encode() for each in (*absent, *odd)), after), (), None)
        assert differences(history, bill) == [], name
