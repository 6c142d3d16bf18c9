"""What single cells of a published price list say. Strict: what has two readings, or none, is a `CellError`."""

from __future__ import annotations

import datetime
import re
from typing import Final

from rating.catalog import cells
from rating.catalog.problems import CellError

NONE: Final = "n/a"
"""No rate: never 0."""
UNLIMITED: Final = "--"
"""No end of a volume band."""

SPELLINGS: Final = {
    "$US": "USD",
    "US$": "USD",
    "A$": "AUD",
    "GBD": "GBP",  # a misprint that Meta's cards have carried for years
    "R$": "BRL",
    "RM": "MYR",
    "RP": "IDR",
    "S$": "SGD",
    "S/": "PEN",
    "MX$": "MXN",
    "£": "GBP",
    "€": "EUR",
    "₹": "INR",
}
"""Other ways in which a card writes its currency. A bare `$` is none: seven of the sixteen are written so."""

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sep", "sept"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        1,
    )
    for name in names
}
_EFFECTIVE = re.compile(
    r"\beffective(?: from| as of| on| starting)?[\s,:]+(?:(?P<month>[a-z]+)\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})"
    r"|(?P<day2>\d{1,2})(?:st|nd|rd|th)?\s+(?P<month2>[a-z]+)\.?,?\s+(?P<year2>\d{4})|(?P<iso>\d{4}-\d\d-\d\d))",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?P<fraction>\.[0-9]+)?")
_COUNT = re.compile(r"[0-9]{1,15}|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}")


def heading(text: str) -> str:
    """A heading as sentences name it: one that is broken after a hyphen in one piece."""
    return re.sub(r"-\s+", "-", text)


def is_market_heading(text: str) -> bool:
    """Whether a cell heads the column of markets: `Market`, or `Market (per rate card)`; `Marketing` does not."""
    return re.match(r"market(?:\s|\(|$)", text.casefold()) is not None


def category(text: str) -> str | None:
    """The category that a heading names, or None: `Authentication-International`, with a line break in it or not."""
    name = re.sub(r"[\s-]+", "_", text.strip().casefold())
    return name if name in cells.CATEGORIES else None


def currency(text: str) -> str:
    """The code of a currency, however the card writes it."""
    word = text.upper()
    if word in cells.CURRENCIES:
        return word
    if word in SPELLINGS:
        return SPELLINGS[word]
    if not text:
        raise CellError("the currency is empty", f"write one of {', '.join(cells.CURRENCIES)}")
    raise CellError(f"{text!r} names no currency in which WhatsApp bills, or more than one", f"write one of {', '.join(cells.CURRENCIES)}")


def rate(text: str, *, point_is_decimal: bool) -> str | None:
    """A rate as a decimal text with the card's own decimals; None for `n/a`.

    A comma parts thousands. That `1,940` is no 1.940 is certain only where rates beside it have a decimal point.
    """
    if text.casefold() == NONE:
        return None
    if not text:
        raise CellError("the rate is empty", f"write it, or {NONE} for no rate")
    grouped = _GROUPED.fullmatch(text)
    if grouped is not None and not grouped["fraction"] and not point_is_decimal:
        raise CellError(f"{text!r} may be {text.replace(',', '')} or {text.replace(',', '.')}", "write it with a decimal point")
    if grouped is None and not _PLAIN.fullmatch(text):
        raise CellError(f"{text!r} is no rate", f"write digits with a decimal point, such as 0.0300, or {NONE} for no rate")
    plain = text.replace(",", "")
    cells.rate(plain)
    return plain


def has_decimal_point(text: str) -> bool:
    """Whether a rate shows by itself that the point, not the comma, is the card's decimal mark."""
    return bool(_PLAIN.fullmatch(text) or _GROUPED.fullmatch(text)) and "." in text


def band_start(text: str) -> int:
    """The first message of a band. Meta prints 0 for the first of all, and means the month's first message."""
    return max(_count(text, "write a whole number, such as 100,001"), 1)


def band_end(text: str) -> int | None:
    """The last message of a band, itself included; None for `--`."""
    return None if text == UNLIMITED else _count(text, f"write a whole number, such as 100,000, or {UNLIMITED} for no end")


def days_of_effect(text: str) -> list[str]:
    """The days that a line of text calls effective, `effective October 1, 2026`, as ISO text."""
    found = []
    for match in _EFFECTIVE.finditer(text):
        if match["iso"]:
            found.append(cells.local_date(match["iso"]))
            continue
        month = _MONTHS.get((match["month"] or match["month2"]).lower())
        try:
            found.append(datetime.date(int(match["year"] or match["year2"]), month or 0, int(match["day"] or match["day2"])).isoformat())
        except ValueError:
            raise CellError(f"{match[0]!r} is no day of the calendar", "write one that is") from None
    return found


def _count(text: str, mend: str) -> int:
    if _COUNT.fullmatch(text):
        return int(text.replace(",", ""))
    raise CellError(f"{text!r} is no count of messages", mend)
