"""Calendar dates in an account's time zone: the only way from an instant to a day, a month or a rule."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from rating.ids import LocalDate, Month

_QUARTER_HOUR_MS = 15 * 60 * 1000
_EPOCH = date(1970, 1, 1).toordinal()


def local_date(instant_ms: int, zone: str) -> LocalDate:
    """The calendar date of an instant in an IANA zone.

    Since 2009 every zone's offset is a whole number of quarter hours, so a quarter hour has one date: that is what is remembered.
    """
    return _date_of_quarter_hour(instant_ms // _QUARTER_HOUR_MS, zone)


@lru_cache(maxsize=65_536)
def _date_of_quarter_hour(quarter_hour: int, zone: str) -> LocalDate:
    instant = datetime.fromtimestamp(quarter_hour * _QUARTER_HOUR_MS // 1000, tz=UTC)
    return LocalDate(instant.astimezone(ZoneInfo(zone)).date().isoformat())


def month_of(date: LocalDate) -> Month:
    """The calendar month of a date: the period of an allowance."""
    return Month(date[:7])


@lru_cache(maxsize=4096)
def day_of_date(day: str) -> int:
    """A date `YYYY-MM-DD` as days since 1970, without any zone: what can be compared with an instant only by a margin of a day."""
    return date.fromisoformat(day).toordinal() - _EPOCH


@lru_cache(maxsize=256)
def day_of_next_month(month: str) -> int:
    """The first day of the month after `YYYY-MM`, as days since 1970."""
    year, number = int(month[:4]), int(month[5:])
    return day_of_date(f"{year + number // 12:04d}-{number % 12 + 1:02d}-01")
