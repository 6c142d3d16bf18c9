"""Cycles and terms: when a subscription is billed.

Cycles follow one another without gap or overlap, whatever the anchor: each is counted from the subscription's first day, not from the
cycle before it, so that 31 January leads to 28 February and back to 31 March.

Source: billing.md §1.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from rating.localtime import local_date

CycleKind = Literal["month", "30-days"]

CYCLES_OF_A_YEAR: Final = 12
ONE_DAY: Final = timedelta(days=1)
_FIXED_DAYS: Final = 30


class Span(NamedTuple):
    """Local dates, both inclusive."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Calendar:
    """The cycles and terms of one subscription, numbered from 0."""

    start: date
    kind: CycleKind
    cycles_per_term: int = 1

    def begins(self, number: int) -> date:
        """First day of a cycle."""
        if self.kind == "30-days":
            return self.start + timedelta(days=_FIXED_DAYS * number)
        return _months_after(self.start, number)

    def cycle(self, number: int) -> Span:
        """First and last day of a cycle."""
        return Span(self.begins(number), self.begins(number + 1) - ONE_DAY)

    def number_on(self, day: date) -> int:
        """Which cycle a day lies in; a day before the start lies in none, and gets a negative number."""
        if self.kind == "30-days":
            return (day - self.start).days // _FIXED_DAYS
        months = (day.year - self.start.year) * 12 + day.month - self.start.month
        return months - 1 if self.begins(months) > day else months

    def begins_term(self, number: int) -> bool:
        """Whether a term begins with this cycle."""
        return number % self.cycles_per_term == 0

    def term_of(self, number: int) -> Span:
        """The term that a cycle lies in."""
        first = number - number % self.cycles_per_term
        return Span(self.begins(first), self.begins(first + self.cycles_per_term) - ONE_DAY)


@lru_cache(maxsize=65_536)
def _months_after(start: date, months: int) -> date:
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def date_of(instant_ms: int, zone: str) -> date:
    """The local date of an instant."""
    return date.fromisoformat(local_date(instant_ms, zone))


def end_of_day_ms(day: date, zone: str) -> int:
    """The last millisecond of a local date."""
    following = day + ONE_DAY
    midnight = datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(zone))
    return int((midnight.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)) - 1
