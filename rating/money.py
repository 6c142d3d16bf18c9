"""Money: whole nanos, 10^-9 of a currency's unit, so that no message is ever rounded to cents.

Nine decimals hold every published rate exactly; sums of integers are exact in any order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NewType

Nanos = NewType("Nanos", int)
"""An amount in 10^-9 of its currency's unit. It doesn't know its currency: amounts of two currencies are never added."""

NANOS_PER_UNIT = 1_000_000_000
ZERO = Nanos(0)


def format_nanos(amount: Nanos) -> str:
    """The amount as a decimal string: `0`, or as many decimals as it needs, at least four: `0.0300`, `-0.1159`, `12.3456789`."""
    if amount == 0:
        return "0"
    sign = "-" if amount < 0 else ""
    units, nanos = divmod(abs(amount), NANOS_PER_UNIT)
    decimals = f"{nanos:09d}".rstrip("0").ljust(4, "0")
    return f"{sign}{units}.{decimals}"


@lru_cache(maxsize=1024)
def _percent(text: str) -> tuple[int, int]:
    """A decimal percentage as an exact fraction of 1: numerator and denominator."""
    whole, _, decimals = text.partition(".")
    return int(whole + decimals), 100 * 10 ** len(decimals)


def fee_on(rate: Nanos, percent: str, decimals: int) -> Nanos:
    """The platform's fee on one message: rate × percent, rounded half-up to `decimals` places (contract §3).

    `percent` is a plain non-negative decimal, `decimals` 0 to 9. 20 % of 0.0859 at 4 decimals is 0.0172, not 0.01718.
    """
    numerator, denominator = _percent(percent)
    step = 10 ** (9 - decimals)
    steps = (2 * rate * numerator + denominator * step) // (2 * denominator * step)
    return Nanos(steps * step)
