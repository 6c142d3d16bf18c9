"""Small worlds in which messages, windows and licences meet at their boundaries, and everything may come late, twice and in any order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from rating.licences import TOPIC as LICENCES
from rating.meter import ACCOUNTS, MESSAGES
from rating.stage import Record, Tick
from schemas.instants import format_instant
from tests.compliance.beat import DAY_MS, HOUR_MS, NINE_MS
from tests.rating.taxi import ACCOUNT, PROFILE

ACCOUNT_IDS = (ACCOUNT, "another")
PHONES = ("7", "8")
PEOPLE = ("+33612345678", "+4915112345678", "group:1")
SENDERS = ("ann", "bob", "cid", None)
MEMBERS = ("+33600000001", "+33600000002")

INSTANTS_MS = sorted(
    NINE_MS + base + beside for base in (0, HOUR_MS, DAY_MS, DAY_MS + HOUR_MS, 2 * DAY_MS, 3 * DAY_MS) for beside in (-1, 0, 1)
)


@dataclass(frozen=True)
class World:
    """Events that happened, and what was told of licences: a list for each key, in the order in which it was told."""

    events: list[dict[str, Any]]
    licences: dict[bytes, list[dict[str, Any]]]


def world(rng: Random) -> World:
    """One world."""
    events = [event for number in range(rng.randrange(4, 40)) for event in _happens(rng, number)]
    licences = {}
    for account in rng.sample(("acme", "other"), rng.randrange(3)):
        for user in rng.sample((None, "ann", "bob"), rng.randrange(1, 4)):
            told = [_told(rng, account, user) for _ in range(rng.randrange(1, 4))]
            if len(told) == 1 and rng.random() < 0.3:
                told[0]["since"] = format_instant(rng.choice(INSTANTS_MS))
            licences[f"{account}:{user or ''}".encode()] = told
    return World(events, licences)


def _happens(rng: Random, number: int) -> Iterator[dict[str, Any]]:
    user = rng.choice(PEOPLE)
    common = {
        "account_id": rng.choice(ACCOUNT_IDS) if rng.random() < 0.3 else ACCOUNT,
        "phone_number_id": rng.choice(PHONES),
        "user": user,
        "message_id": f"m{number}",
    }
    copies = 2 if rng.random() < 0.2 else 1
    if rng.random() < 0.35:
        for copy in range(copies):
            kind = rng.choice(("text", "text", "text", "reaction"))
            fields = {"kind": kind, "edited": rng.random() < 0.1, "user": rng.choice(PEOPLE) if rng.random() < 0.1 else user}
            yield _event(rng, "received", f"in-{number}-{copy}", common | fields)
        return
    if user.startswith("group:") and rng.random() < 0.5:
        common["participant"] = rng.choice(MEMBERS)
    knows = rng.random() < 0.85
    for copy in range(copies):
        fields = {"category": rng.choice(("service", "service", "utility")), "sender_id": rng.choice(SENDERS)}
        if not knows:
            fields |= {"category": None, "category_unknown": True}
        if copy:
            fields |= {"user": rng.choice(PEOPLE), "account_id": rng.choice(ACCOUNT_IDS)}
        yield _event(rng, "sent", f"out-{number}-{copy}", common | fields)
    for kind in ("delivered", "read"):
        if rng.random() < 0.5 and not (user.startswith("group:") and "participant" not in common):
            pricing = {"type": "regular", "category": rng.choice(("service", "utility", "referral_conversion"))}
            yield _event(rng, kind, f"{kind}-{number}", common | ({"pricing": pricing} if rng.random() < 0.7 else {}))


def _event(rng: Random, kind: str, event_id: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"v": 1, "type": f"message.{kind}", "id": event_id, "time": format_instant(rng.choice(INSTANTS_MS)), **fields}


def _told(rng: Random, account: str, user: str | None) -> dict[str, Any]:
    licences = []
    for _ in range(rng.randrange(4)):
        start_ms, end_ms = sorted(rng.choices(INSTANTS_MS, k=2))
        licences.append(
            {
                "addon": rng.choice(("whatsapp", "other")),
                "consumption": rng.random() < 0.85,
                "whatsapp_accounts": rng.choice(([ACCOUNT], [ACCOUNT], ["another"], [ACCOUNT, "another"])),
                "from": format_instant(start_ms),
                "to": None if rng.random() < 0.4 else format_instant(end_ms),
                "everyone": user is None and rng.random() < 0.2,
            }
        )
    return {"v": 1, "account_id": account, "user_id": user, "licences": licences}


def arrivals(rng: Random, one: World, *, in_the_stream: bool) -> list[Record | Tick]:
    """Everything in some order, some of it twice, with ticks between where something is appended. The order of one key stays as it is."""
    events = [orjson.dumps(event) for event in one.events]
    events += rng.sample(events, len(events) // 3)
    rng.shuffle(events)
    queues: list[list[tuple[str, bytes, bytes]]] = [[(MESSAGES, b"", event)] for event in events]
    queues += [
        [(LICENCES, key, orjson.dumps(record)) for record in told for _ in range(rng.choice((1, 1, 2)))]
        for key, told in one.licences.items()
    ]
    found: list[Record | Tick] = [Record(ACCOUNTS, 0, 0, None, orjson.dumps(PROFILE), None)]
    appended_ms = NINE_MS - DAY_MS
    while queues:
        queue = rng.choice(queues)
        topic, key, value = queue.pop(0)
        if not queue:
            queues.remove(queue)
        appended_ms += rng.choice((0, 1, HOUR_MS // 2, HOUR_MS, 6 * HOUR_MS))
        found.append(Record(topic, 0, len(found), key, value, appended_ms if in_the_stream else None))
        if in_the_stream and rng.random() < 0.1:
            found.append(Tick(appended_ms))
    return found
