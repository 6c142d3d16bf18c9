"""How one cell of a card or of the market table is read. Strict: a price is never guessed from something like one.

Every reader takes a cell's text and returns its value, or raises `CellError`.
"""

from __future__ import annotations

import datetime
import re

from rating.catalog.problems import CellError

NANOS_DECIMALS = 9
"""Money is exact to 10^-9 of its currency (contract §8)."""

CURRENCIES = ("AED", "ARS", "AUD", "BRL", "CLP", "COP", "EUR", "GBP", "IDR", "INR", "MXN", "MYR", "PEN", "SAR", "SGD", "USD")
"""The 16 currencies in which WhatsApp bills. A card is printed in one of them and never converted."""

CATEGORIES = ("marketing", "utility", "authentication", "authentication_international", "service")
TIERED_CATEGORIES = ("utility", "authentication", "authentication_international")
"""Those that may have volume bands."""

AUTHENTICATION = "authentication"

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNT = re.compile(r"[0-9]{1,15}")
_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_PREFIX = re.compile(r"[1-9][0-9]{0,14}")
_ISO2 = re.compile(r"[A-Z]{2}")
_WHOLE_DIGITS_MAX = 9


def family_of(category: str) -> str:
    """The category family whose messages are counted together for volume bands: authentication and its international variant are one."""
    return AUTHENTICATION if category == "authentication_international" else category


def local_date(text: str) -> str:
    """A day as ISO text, `2026-01-01`: it compares as text."""
    if _DATE.fullmatch(text):
        try:
            datetime.date.fromisoformat(text)
        except ValueError:
            raise CellError(f"{text} is no day of the calendar", "write one that is") from None
        return text
    raise CellError(f"{_shown(text)} is no date", "write it as 2026-01-01")


def open_or_local_date(text: str) -> str | None:
    """A day, or None for an empty cell: no end."""
    return local_date(text) if text else None


def known_from(text: str) -> str:
    """A day, or the empty text for the beginning, which compares as before every day."""
    return local_date(text) if text else ""


def currency(text: str) -> str:
    """One of `CURRENCIES`."""
    if text in CURRENCIES:
        return text
    raise CellError(f"WhatsApp bills in no currency {_shown(text)}", f"write one of {', '.join(CURRENCIES)}")


def category(text: str) -> str:
    """One of `CATEGORIES`."""
    if text in CATEGORIES:
        return text
    raise CellError(f"{_shown(text)} is no category", f"write one of {', '.join(CATEGORIES)}")


def market(text: str) -> str:
    """A market's name. Whether the market table names it is settled when both are known."""
    if text:
        return text
    raise CellError("the market is empty", "name one, such as France or Other")


def band_start(text: str) -> int:
    """The first message of the month that a band prices, from 1."""
    if _COUNT.fullmatch(text):
        return int(text)
    raise CellError(f"{_shown(text)} is no count of messages", "write a whole number, 1 for the first band")


def band_end(text: str) -> int | None:
    """The last message that a band prices, itself included; None for an empty cell: no end."""
    if not text:
        return None
    if _COUNT.fullmatch(text):
        return int(text)
    raise CellError(f"{_shown(text)} is no count of messages", "write a whole number, or nothing for no end")


def rate(text: str) -> tuple[int, int] | None:
    """A rate in 10^-9 of its currency and its decimals as printed; None for an empty cell: no rate, which is not 0."""
    if not text:
        return None
    matched = _DECIMAL.fullmatch(text)
    if matched is None:
        raise CellError(f"{_shown(text)} is no decimal", "write digits with a point, such as 0.0300, or nothing for no rate")
    sign, whole, fraction = matched[1], matched[2], matched[3] or ""
    if sign:
        raise CellError(f"the rate {_shown(text)} is negative", "write 0 or more")
    if len(fraction) > NANOS_DECIMALS:
        raise CellError(f"the rate {_shown(text)} has {len(fraction)} decimals", f"write at most {NANOS_DECIMALS}")
    if len(whole.lstrip("0")) > _WHOLE_DIGITS_MAX:
        raise CellError(f"the rate {_shown(text)} is a billion or more for one message", "write what one message costs")
    return int(whole + fraction.ljust(NANOS_DECIMALS, "0")), len(fraction)


def prefix(text: str) -> str:
    """The first digits of an international number, without + and without leading zeros."""
    if _PREFIX.fullmatch(text):
        return text
    raise CellError(f"{_shown(text)} is no prefix of digits", "write the calling code and network digits only, such as 33 or 441481")


def iso2(text: str) -> str:
    """A country as two capitals."""
    if _ISO2.fullmatch(text):
        return text
    raise CellError(f"{_shown(text)} is not two capitals", "write the ISO 3166 code of the country, such as FR")


def _shown(text: str) -> str:
    """A cell in a sentence: on one line, short, and visible when empty."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
