"""Amounts, quantities and dates as an account's locale writes them (by Babel, which is an extra)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal

from streams.errors import UserError
from streams.invoices.figures import Figures
from streams.invoices.words import words_of


class LocalFigures(Figures):
    """Prints the figures of an invoice's JSON, which are exact texts: no digit is added to an amount, and none lost."""

    def __init__(self, locale: Locale) -> None:
        super().__init__(words_of(locale.language), locale.language, locale.text_direction)
        self.locale = locale

    def decimal(self, text: str) -> str:
        """`-1234.50` with the locale's signs, as many decimals as it has."""
        value = Decimal(text)
        decimals = max(0, -int(value.as_tuple().exponent))
        usual = self.locale.decimal_formats[None].pattern
        return format_decimal(value, format=usual.replace(".###", f".{'0' * decimals}" if decimals else ""), locale=self.locale)

    def day(self, text: str) -> str:
        """`2025-06-10` as a date in a middling form: `Jun 10, 2025`."""
        return format_date(date.fromisoformat(text), format="medium", locale=self.locale)

    def span(self, first: str, last: str) -> str:
        """Both days, inclusive."""
        return self.day(first) if first == last else f"{self.day(first)} – {self.day(last)}"


def figures_of(name: str) -> LocalFigures:
    """The figures of a locale, such as `fr_FR` or `de-CH`. Raises `UserError` for one that nobody knows."""
    try:
        return LocalFigures(Locale.parse(name.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        raise UserError(f"--locale {name}: is no locale; write a language and a country, such as fr_FR") from None
