"""Made-to-measure conversations: so many, of so many messages each. The shipped generator makes life; this makes extremes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from benchmarks.traffic import ACCOUNTS, MESSAGES
from rating.stage import Record
from streams.traffic import profiles
from streams.traffic.wire import HOUR_MS, SECOND_MS, at, event

ACCOUNT = "102290129340398"
FROM_MS = at(2026, 10, 5)
"""Under the rules with a monthly allowance."""


def account_records() -> list[Record]:
    """The shipped profiles."""
    return [Record(ACCOUNTS, 0, number, orjson.loads(raw)["account_id"].encode(), raw, None) for number, raw in enumerate(profiles())]


def user(number: int) -> str:
    """A French mobile number."""
    return f"+336{number:08d}"


def _sender(phone_number_id: str) -> str:
    return f'"account_id":"{ACCOUNT}","phone_number_id":"{phone_number_id}"'


def inbound(phone_number_id: str, number: int, turn: int, at_ms: int) -> bytes:
    """A user writes."""
    return event("received", f"r{number:x}-{turn:x}", _sender(phone_number_id), user(number), f"wamid.R{number:08X}{turn:08X}", at_ms)


def delivery(phone_number_id: str, number: int, turn: int, at_ms: int, category: str) -> tuple[bytes, bytes]:
    """A message is sent, and delivered a second later."""
    message_id = f"wamid.S{number:08X}{turn:08X}"
    sender = _sender(phone_number_id)
    more = f',"category":"{category}"' + ("" if category == "service" else ',"template":"order_confirmed"')
    return (
        event("sent", f"s{number:x}-{turn:x}", sender, user(number), message_id, at_ms, more),
        event("delivered", f"d{number:x}-{turn:x}", sender, user(number), message_id, at_ms + SECOND_MS),
    )


def records(values: Iterable[bytes], first: int = 0) -> Iterator[Record]:
    """Input records of one partition, appended an hour after the traffic began."""
    for offset, value in enumerate(values, first):
        yield Record(MESSAGES, 0, offset, None, value, FROM_MS + HOUR_MS)
