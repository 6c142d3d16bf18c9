"""A beat to watch: one phone number's messages and its account's licences, and what is said of them. Nothing here knows a rule."""

from __future__ import annotations

from typing import Any

import orjson

from rating.licences import TOPIC as LICENCES
from rating.stage import Record
from schemas.instants import format_instant
from tests.rating.taxi import ACCOUNT, Taxi, ms

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
NINE = "2026-01-05T09:00:00.000Z"
NINE_MS = ms(NINE)


def at(after_ms: int) -> str:
    """An instant so long after nine."""
    return format_instant(NINE_MS + after_ms)


def licence(start: str | int, end: str | int | None = None, **fields: Any) -> dict[str, Any]:
    """A stretch of time, by instants or by milliseconds after nine."""
    first, after = (at(each) if isinstance(each, int) else each for each in (start, end))
    return {"addon": "whatsapp", "consumption": True, "whatsapp_accounts": [ACCOUNT], "from": first, "to": after, **fields}


def told(user: str | None, *licences: dict[str, Any], account: str = "acme", **fields: Any) -> dict[str, Any]:
    """A record of `billing.licences`."""
    return {"v": 1, "account_id": account, "user_id": user, "licences": list(licences), **fields}


UNLICENSED = "m unlicensed_sender"
OUTSIDE = "m outside_window"
BOUGHT = told(None, licence("2025-01-01T00:00:00Z"))


class Beat(Taxi):
    """A partition that also hears of licences. Events are appended when they happen, so that the phone number's clock goes."""

    def tell(self, record: dict[str, Any]) -> None:
        key = f"{record['account_id']}:{record['user_id'] or ''}".encode()
        self.step(Record(LICENCES, 0, next(self._offsets), key, orjson.dumps(record), None))

    def forget(self, user: str | None, account: str = "acme") -> None:
        """A tombstone."""
        self.step(Record(LICENCES, 0, next(self._offsets), f"{account}:{user or ''}".encode(), None, None))

    def sends(self, message: str, after_ms: int = 0, by: str | None = None, category: str = "utility", **fields: Any) -> None:
        self.event("sent", NINE_MS + after_ms, message, category=category, sender_id=by, appended_at_ms=NINE_MS, **fields)

    def hears(self, message: str, after_ms: int, **fields: Any) -> None:
        """The user writes."""
        self.event("received", NINE_MS + after_ms, message, appended_at_ms=NINE_MS + 30 * DAY_MS, **fields)

    def clock(self, after_ms: int) -> None:
        """Something else happens on the phone number, which moves its clock."""
        self.event("received", NINE_MS + after_ms, f"clock-{after_ms}", user="+4915112345678", appended_at_ms=NINE_MS + after_ms)

    @property
    def said(self) -> list[str]:
        """Everything published, in its order: message, kind and whether it was withdrawn."""
        records = self.published("usage.compliance")
        return [f"{each['message_id']} {each['kind']}{' withdrawn' if each.get('withdrawn') else ''}" for each in records]


def judged(*records: dict[str, Any], by: str = "ann", after_ms: int = 0, **fields: Any) -> list[str]:
    """What is said in the end of one message, with licences told before."""
    beat = Beat()
    for record in records:
        beat.tell(record)
    beat.sends("m", after_ms, by=by, **fields)
    beat.tick(0, end_of_input=True)
    return beat.said
