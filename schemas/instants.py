"""Instants: RFC 3339 text on the wire, whole milliseconds since 1970 in UTC inside.

Any offset and up to nine fraction digits are read; what is finer than a millisecond is cut off, never rounded, so that no message moves
past the end of its window. The grammar is RFC 3339's own: `T` and `Z` may be small letters, a space may not stand for the `T`, an offset
must be there, and years run from 0000. A leap second names no instant here: our days have 86,400 seconds.

Source: contract, conventions; RFC 3339 §5.6.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

HOUR_MS: Final = 60 * 60 * 1000
DAY_MS: Final = 24 * HOUR_MS

EARLIEST_EVENT_MS: Final = 1_230_768_000_000
"""2009-01-01T00:00:00Z: WhatsApp's first year. An event before it carries a broken clock."""
AFTER_LAST_EVENT_MS: Final = 4_133_980_800_000
"""2101-01-01T00:00:00Z: the first instant that no event may have."""

_ANY = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_CYCLE_DAYS: Final = 146_097
"""The calendar repeats after 400 years; Python's begins with year 1, RFC 3339's with year 0."""

# The shape that we write ourselves is looked up piece by piece: `2026-01-05T09`, `:00:00`, `.000Z`.
_HOURS_MS: Final[dict[str, int]] = {}
_HOURS_KEPT: Final = 4096
_SECONDS_MS: Final = {f":{second // 60:02d}:{second % 60:02d}": second * 1000 for second in range(60 * 60)}
_FRACTIONS_MS: Final = {f".{ms:03d}Z": ms for ms in range(1000)} | {"Z": 0}
_SECONDS: Final = tuple(_SECONDS_MS)
_FRACTIONS: Final = tuple(_FRACTIONS_MS)


def parse_instant(text: str) -> int | None:
    """Milliseconds since 1970 in UTC; None where the text is no instant.

    The result may lie far outside the years that events have, before 1970 too: the caller asks for those limits.
    """
    try:
        return _HOURS_MS[text[:13]] + _SECONDS_MS[text[13:19]] + _FRACTIONS_MS[text[19:]]
    except KeyError:
        return _parse_any(text)


def format_instant(ms: int) -> str:
    """The instant in UTC with milliseconds, `2026-01-05T09:00:00.000Z`; `parse_instant` gives the same number back.

    Raises `ValueError` outside the years 1 to 9999, where no event, window or line can lie.
    """
    hour, in_hour_ms = divmod(ms, HOUR_MS)
    second, millisecond = divmod(in_hour_ms, 1000)
    return _hour_text(hour) + _SECONDS[second] + _FRACTIONS[millisecond]


def _parse_any(text: str) -> int | None:
    match = _ANY.fullmatch(text)
    if match is None:
        return None
    day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups()
    day_ms = _day_ms(day)
    if day_ms is None:
        return None
    if len(_HOURS_MS) >= _HOURS_KEPT:
        _HOURS_MS.clear()
    _HOURS_MS[f"{day}T{hour}"] = day_ms + int(hour) * HOUR_MS
    minutes = int(hour) * 60 + int(minute)
    if sign is not None:
        offset = int(offset_hours) * 60 + int(offset_minutes)
        minutes += offset if sign == "-" else -offset
    return day_ms + (minutes * 60 + int(second)) * 1000 + int((fraction or "")[:3].ljust(3, "0"))


def _day_ms(text: str) -> int | None:
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:])
    try:
        ordinal = date(year or 400, month, day).toordinal() - (0 if year else _CYCLE_DAYS)
    except ValueError:
        return None
    return (ordinal - _EPOCH_DAY) * DAY_MS


@lru_cache(maxsize=4096)
def _hour_text(hour: int) -> str:
    day, hour_of_day = divmod(hour, 24)
    try:
        return f"{date.fromordinal(_EPOCH_DAY + day).isoformat()}T{hour_of_day:02d}"
    except (ValueError, OverflowError):
        raise ValueError("an instant outside the years 1 to 9999 has no text") from None
