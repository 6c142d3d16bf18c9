"""Instants, lengths of time and money as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from rating.money import Nanos, format_nanos

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"))


def clock(at_ms: int, zone: str | None) -> str:
    """`2026-01-14 10:10:02` in the account's zone, in UTC where there is none; milliseconds only where there are some."""
    moment = _moment(at_ms, zone)
    milliseconds = at_ms % 1000
    return f"{moment:%Y-%m-%d %H:%M:%S}" + (f".{milliseconds:03d}" if milliseconds else "")


def spoken(at_ms: int, zone: str | None) -> str:
    """`14 January 2026 at 10:10:02`."""
    moment = _moment(at_ms, zone)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year} at {clock(at_ms, zone).split()[1]}"


def spoken_month(month: str) -> str:
    """`October 2026` of `2026-10`."""
    year, number = month.split("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def spoken_date(date: str) -> str:
    """`1 October 2026` of `2026-10-01`."""
    return f"{int(date[8:])} {spoken_month(date[:7])}"


def length(ms: int) -> str:
    """`1 d 3 h 20 min`, exact; `0 s` is the shortest."""
    parts = []
    for unit_ms, name in _UNITS:
        count, ms = divmod(ms, unit_ms)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts) or "0 s"


def money(nanos: int, currency: str) -> str:
    """`0.0300 USD`."""
    return f"{format_nanos(Nanos(nanos))} {currency}"


def _moment(at_ms: int, zone: str | None) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, tz=UTC if zone is None else ZoneInfo(zone))
