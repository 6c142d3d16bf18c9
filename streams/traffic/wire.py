"""Message events as bytes, written by hand: the generator must outrun what it feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

SECOND_MS: Final = 1000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

_minutes: dict[int, str] = {}
_REMEMBERED_MINUTES: Final = 100_000


def at(year: int, month: int, day: int) -> int:
    """Midnight UTC of a day, in ms since the epoch."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * SECOND_MS


def instant(time_ms: int) -> str:
    """An instant as events carry it."""
    minute, rest = divmod(time_ms, MINUTE_MS)
    head = _minutes.get(minute)
    if head is None:
        if len(_minutes) > _REMEMBERED_MINUTES:
            _minutes.clear()
        head = _minutes[minute] = datetime.fromtimestamp(minute * 60, tz=UTC).strftime("%Y-%m-%dT%H:%M:")
    return f"{head}{rest // 1000:02d}.{rest % 1000:03d}Z"


def event(kind: str, event_id: str, sender: str, user: str, message_id: str, time_ms: int, more: str = "") -> bytes:
    """One event. `sender` is the JSON of account and phone number, `more` that of all further fields, each with its comma before."""
    return (
        f'{{"v":1,"type":"message.{kind}","id":"{event_id}",{sender},"user":"{user}","message_id":"{message_id}","time":"{instant(time_ms)}"{more}}}'
    ).encode()
