"""Instants as the contract writes them, and the local calendar of a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR = 60 * 60 * 1000
"""Milliseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


def instant_ms(text: str) -> int | None:
    """Milliseconds since 1970 in UTC, further digits cut off; None when the text is no instant."""
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return None
    fraction, sign, hours, minutes = match.group(7) or "", match.group(8), int(match.group(9) or 0), int(match.group(10) or 0)
    if hours > 23 or minutes > 59:
        return None
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
    try:
        whole = datetime(*(int(match.group(part)) for part in range(1, 7)), tzinfo=UTC)  # type: ignore[misc, arg-type]  # six of them, by the pattern
    except ValueError:
        return None
    seconds = (whole - _EPOCH) // timedelta(seconds=1) - int(offset.total_seconds())
    return seconds * 1000 + int(fraction[:3].ljust(3, "0"))


def written(ms: int) -> str:
    """An instant as the contract writes it: UTC, with milliseconds."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def local_date(ms: int, zone: str) -> str:
    """The calendar day, `2026-01-05`, that an instant has in a zone."""
    return f"{(_EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(zone)):%Y-%m-%d}"
