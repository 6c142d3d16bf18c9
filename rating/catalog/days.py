"""Local dates as ISO text: they compare as text, and these are their neighbours."""

from __future__ import annotations

import datetime

_ONE = datetime.timedelta(days=1)
_AFTER_ALL = "9999-12-32"
"""No date, and later than every one."""


def day_after(date: str) -> str:
    """The next day; of the calendar's last one, a text that no date reaches."""
    day = datetime.date.fromisoformat(date)
    return _AFTER_ALL if day == datetime.date.max else (day + _ONE).isoformat()


def day_before(date: str) -> str:
    """The day before; the inverse of `day_after`."""
    return datetime.date.max.isoformat() if date == _AFTER_ALL else (datetime.date.fromisoformat(date) - _ONE).isoformat()
