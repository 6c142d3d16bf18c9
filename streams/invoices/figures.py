"""How figures are printed. Here: as the invoice has them, for a terminal; `locales.py` prints them as people of a country write them."""

from __future__ import annotations

from typing import Final

from streams.invoices.words import ENGLISH, Words


class Figures:
    """Prints the figures of an invoice's JSON, which are exact texts: no digit is added to an amount, and none lost."""

    def __init__(self, words: Words, language: str, direction: str) -> None:
        self.words = words
        self.language = language
        self.direction = direction
        """`ltr` or `rtl`."""

    def decimal(self, text: str) -> str:
        """A decimal text, printed."""
        return text

    def day(self, text: str) -> str:
        """A date, printed."""
        return text

    def span(self, first: str, last: str) -> str:
        """Two days and all between them."""
        return f"{first} … {last}"


PLAIN: Final = Figures(ENGLISH, "en", "ltr")
