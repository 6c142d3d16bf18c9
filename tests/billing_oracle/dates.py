"""The calendar of a subscription: cycles, terms, paid periods, and months of a period as an exact fraction (billing contract §1, §6)."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """Days from the first to the last, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Calendar:
    """What of a subscription decides its dates."""

    start: date
    by_month: bool
    """Billing contract §1: "A plan's `cycle` is `month` or `30-days`"."""
    cycles_per_term: int
    """Billing contract §1: "A term is 12 cycles (`annual`) or one (`monthly`)"."""
    upfront: bool
    inclusive: bool
    """Of the two policies, `actual-inclusive`; else `fixed-30-exclusive`."""

    def cycle_start(self, k: int) -> date:
        """The first day of cycle k.

        Billing contract §1: "Monthly cycle k starts k months after the subscription's start date, clamped to the month's end, counted
        from the
        original date (01-31 → 02-28 → 03-31)"; "A `30-days` cycle k starts 30·k days after it".
        """
        if not self.by_month:
            return self.start + 30 * k * DAY
        months = self.start.month - 1 + k
        year, month = self.start.year + months // 12, months % 12 + 1
        return date(year, month, min(self.start.day, calendar.monthrange(year, month)[1]))

    @lru_cache(maxsize=100_000)  # noqa: B019 - calendars are few and small
    def cycle(self, k: int) -> Period:
        """Cycle k. Billing contract §1: "ends the day before cycle k+1 starts"."""
        return Period(self.cycle_start(k), self.cycle_start(k + 1) - DAY)

    @lru_cache(maxsize=100_000)  # noqa: B019 - as above
    def cycle_number(self, day: date) -> int:
        """The cycle that a day lies in."""
        return next(k for k in range(10_000) if day in self.cycle(k))

    def term(self, day: date) -> Period:
        """The term that a day lies in. Billing contract §1: it "renews itself until cancelled"."""
        first = self.cycle_number(day) // self.cycles_per_term * self.cycles_per_term
        return Period(self.cycle_start(first), self.cycle_start(first + self.cycles_per_term) - DAY)

    def paid_period(self, day: date) -> Period:
        """Billing contract §1: "The paid period is the term for `annual` with `invoicing: "upfront"`, otherwise the cycle"."""
        return self.term(day) if self.upfront else self.cycle(self.cycle_number(day))

    def months(self, day: date, last: date) -> Fraction:
        """Months from a day to the last day of a cycle, exactly.

        Billing contract §6: "(days from d to the end of its cycle, both included) ÷ (days of that cycle) + the whole cycles after it"; with
        `fixed-30-exclusive` "(days after d to the end of the cycle, at most 30) ÷ 30, + whole cycles after it".
        """
        k = self.cycle_number(day)
        cycle = self.cycle(k)
        whole_after = self.cycle_number(last) - k
        days_after = (cycle.last - day).days
        in_its_cycle = Fraction(days_after + 1, cycle.days) if self.inclusive else Fraction(min(days_after, 30), 30)
        return in_its_cycle + whole_after


def local_day(ms: int, zone: str) -> date:
    """Billing contract §1: "a command's date is the local date of its `time`" in the subscription's time zone."""
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(zone)).date()


def end_of_day_ms(day: date, zone: str) -> int:
    """The last millisecond of a local day."""
    midnight = datetime.combine(day + DAY, datetime.min.time(), ZoneInfo(zone))
    return (midnight.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1) - 1
