"""How much of a paid period a purchase is for: an exact number of months, by a named policy.

`actual-inclusive` counts the day of purchase and the days that the cycle really has; `fixed-30-exclusive` counts neither: thirtieths, from
the day after. So the parts of a period split in two sum to the whole by the first policy, and need not by the second.

Source: billing.md §6; seeds S002 (11.74 months), S004 (15/30).
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Final, Literal

from rating.billing.calendar import Calendar

Policy = Literal["actual-inclusive", "fixed-30-exclusive"]

_FIXED_DAYS: Final = 30


def months_between(policy: Policy, calendar: Calendar, day: date, last: date) -> Fraction:
    """Months from `day` to `last`, which is the last day of `day`'s cycle or of one after it.

    The part of the cycle that `day` lies in, plus the whole cycles after it. Never negative; 0 is possible by `fixed-30-exclusive` alone.
    """
    number = calendar.number_on(day)
    cycle = calendar.cycle(number)
    whole = calendar.number_on(last) - number
    if policy == "actual-inclusive":
        return Fraction((cycle.last - day).days + 1, cycle.days) + whole
    return Fraction(min((cycle.last - day).days, _FIXED_DAYS), _FIXED_DAYS) + whole


def print_months(months: Fraction) -> str:
    """As an invoice shows them: `12`, or half-up with two decimals, `11.74`. Nothing is ever computed from this text."""
    if months.denominator == 1:
        return str(months.numerator)
    hundredths = (200 * months.numerator + months.denominator) // (2 * months.denominator)
    return f"{hundredths // 100}.{hundredths % 100:02d}"
