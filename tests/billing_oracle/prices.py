"""Prices of the plans file, minor units, and how figures are printed (billing contract §2, §3, §7)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from tests.billing_oracle.history import Subscription

NO_MINOR_UNIT = ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"]
THOUSANDTHS = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
"""ISO 4217; all other currencies have hundredths."""


def minor_digits(currency: str) -> int:
    """Decimals of a currency's minor unit."""
    return 0 if currency in NO_MINOR_UNIT else 3 if currency in THOUSANDTHS else 2


def is_priced(table: Mapping[str, Any] | None) -> bool:
    """Billing contract §2: "No price table at all: included"."""
    return table is not None and any(name in table for name in ("monthly", "annual", "by_country"))


def price(sub: Subscription, table: Mapping[str, Any] | None) -> Decimal | None:
    """The price per unit and month; None where there is none.

    Billing contract §2: "chosen by term (`monthly`, `annual`) and currency; `by_country` is looked at first, for each (term, currency) on
    its own".
    """
    term, currency = sub.start["term"], sub.start["currency"]
    table = table or {}
    of_country = table.get("by_country", {}).get(sub.start["country"], {})
    for where in (of_country, table):
        if currency in where.get(term, {}):
            return Decimal(where[term][currency])
    return None


def lacks_price(sub: Subscription, table: Mapping[str, Any] | None, units: int) -> bool:
    """Billing contract §2: "A table without the price that is needed: `no_price` … quantity 0 needs none"."""
    return units > 0 and is_priced(table) and price(sub, table) is None


def rounded(amount: Fraction | Decimal, currency: str) -> Decimal:
    """Billing contract §7: "rounded half-up (negatives away from zero) once to the currency's minor unit (ISO 4217)"."""
    step = Fraction(1, 10 ** minor_digits(currency))
    steps, rest = divmod(abs(Fraction(amount)), step)
    steps += rest * 2 >= step
    return (Decimal(steps) * (1 if amount >= 0 else -1)).scaleb(-minor_digits(currency))


def money(amount: Decimal, currency: str) -> str:
    """Billing contract §3: "money with their usual digits (`12`, `11.74`, `140.90`; currencies without a minor unit none)"."""
    digits = max(minor_digits(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{amount + 0:.{digits}f}"


def months_text(months: Fraction) -> str:
    """Billing contract §6: "an exact fraction, printed half-up to 2 decimals (`11.74`)"; a whole number without."""
    if months.denominator == 1:
        return str(months.numerator)
    exact = Decimal(months.numerator * 10_000 // months.denominator).scaleb(-4)
    return str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))
