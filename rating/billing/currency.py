"""Currencies of ISO 4217 and their minor units: to what an invoice line is rounded, and how its amounts are printed.

Source: ISO 4217, list one (codes in use, funds and metals left out); billing.md §7.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

_WITHOUT: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS: Final = "BHD IQD JOD KWD LYD OMR TND"
_TEN_THOUSANDTHS: Final = "CLF UYW"
_HUNDREDTHS: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC "
    "CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD "
    "KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN "
    "QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED "
    "VES WST XCD XCG YER ZAR ZMW ZWG"
)

_MINOR_DIGITS: Final = {
    code: digits for codes, digits in ((_WITHOUT, 0), (_HUNDREDTHS, 2), (_THOUSANDTHS, 3), (_TEN_THOUSANDTHS, 4)) for code in codes.split()
}
_USUAL_DIGITS: Final = 2
_TENS: Final = (1, 10, 100, 1000, 10_000)


def is_known(currency: str) -> bool:
    """Whether ISO 4217 has the code."""
    return currency in _MINOR_DIGITS


def minor_digits(currency: str) -> int:
    """Decimals of the currency's minor unit; 2 for a code that ISO 4217 doesn't have: usage comes in whatever currency it was rated in."""
    return _MINOR_DIGITS.get(currency, _USUAL_DIGITS)


def rounded(amount: Fraction, currency: str) -> int:
    """An exact amount in whole minor units, half-up, negatives away from zero."""
    numerator, denominator = amount.numerator * _TENS[minor_digits(currency)], amount.denominator
    units = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -units if numerator < 0 else units


def print_minor(units: int, currency: str) -> str:
    """Minor units as a decimal text with the currency's usual digits: `140.90`, `-5`."""
    digits = minor_digits(currency)
    whole, part = divmod(abs(units), _TENS[digits])
    return f"{'-' if units < 0 else ''}{whole}" + (f".{part:0{digits}d}" if digits else "")


def print_price(price: Decimal, currency: str) -> str:
    """A price with the currency's usual digits, or with more where it has more: `15.00`, `0.005`."""
    whole, _, decimals = format(price, "f").partition(".")
    decimals = decimals.rstrip("0").ljust(minor_digits(currency), "0")
    return f"{whole}.{decimals}" if decimals else whole
