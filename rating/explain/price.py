"""Which rows of the catalog led to a price: of the market table and of the card, and what the fee made of it."""

from __future__ import annotations

from typing import Final, Literal

from rating.catalog import Catalog
from rating.catalog.cards import CardRow
from rating.explain.facts import Fee, MarketFound, PriceFound
from rating.explain.masks import masked
from rating.life import Case
from rating.money import Nanos, fee_on
from rating.records import Figures, Version

_SERVICE: Final = "service"
_UTILITY: Final = "utility"


def market_of(catalog: Catalog, case: Case, date: str, given: tuple[str | None, str] | None) -> MarketFound:
    """How the recipient led to a market. `given` is the country and market that the decision found, None where it found none."""
    country, market = given or (None, None)
    if case.recipient.startswith("+"):
        prefix = catalog.prefix_of_phone(case.recipient[1:], date)
        rows = tuple(f"{row.file} line {row.line}" for row in catalog.markets if row.prefix == prefix and row.holds_on(date))
        return MarketFound(masked(case.recipient, prefix), "nothing" if prefix is None else "prefix", prefix, country, market, rows)
    by: Literal["user_country", "scoped id"] = "user_country" if case.user_country else "scoped id"
    named = country or case.user_country
    rows = tuple(
        f"{row.file} line {row.line}" for row in catalog.markets if row.iso2 == named and row.market == market and row.holds_on(date)
    )
    if case.user_country is None and market is None:
        return MarketFound(masked(case.recipient), "nothing", None, None, None, ())
    return MarketFound(masked(case.recipient), by, None, named, market, rows)


def price_of(catalog: Catalog, figures: Figures) -> PriceFound | None:
    """The row that a charge's cost is printed in; None of a free message, or where another catalog than this one priced it."""
    rows = [row for row in catalog.cards if _may_price(row, figures) and row.rate_nanos == figures.cost_nanos]
    if not rows:
        return None
    row = max(rows, key=lambda row: (row.key.category == figures.category, row.effective_from))
    return PriceFound(
        card=row.card,
        tier=row.tier,
        effective_from=row.effective_from,
        row=f"{row.file} line {row.line}",
        source=row.source,
        printed_for=row.key.category,
        cost_nanos=figures.cost_nanos,
    )


def _may_price(row: CardRow, figures: Figures) -> bool:
    currency, market, category = row.key
    same_category = category == figures.category or (figures.category == _SERVICE and category == _UTILITY)
    return (
        row.card == figures.card
        and row.tier == figures.tier
        and (currency, market) == (figures.currency, figures.market)
        and same_category
        and row.effective_from <= figures.date
    )


def fee_of(figures: Figures, version: Version | None) -> Fee | None:
    """The fee in a charge's amount; None where the account has none, or the message is free."""
    if version is None or version.fee_percent is None or figures.card is None:
        return None
    cost = Nanos(figures.cost_nanos)
    fee = fee_on(cost, version.fee_percent, version.fee_decimals)
    exact, ten_to_the = _exact_fee(cost, version.fee_percent)
    return Fee(version.fee_percent, version.fee_decimals, _decimal_text(exact, ten_to_the), fee, exact != fee * 10 ** (ten_to_the - 9))


def _exact_fee(rate: Nanos, percent: str) -> tuple[int, int]:
    """The fee before it is rounded: a whole number, and by how many decimals it is shifted."""
    whole, _, decimals = percent.partition(".")
    return rate * int(whole + decimals), 9 + 2 + len(decimals)


def _decimal_text(number: int, decimals: int) -> str:
    digits = f"{number:0{decimals + 1}d}"
    fraction = digits[-decimals:].rstrip("0")
    return f"{digits[:-decimals]}.{fraction}" if fraction else digits[:-decimals]


def missing_rate(catalog: Catalog, currency: str, market: str, category: str, date: str) -> str:
    """What the cards hold instead of the rate that is missing, in words."""
    categories = (category, _UTILITY) if category == _SERVICE else (category,)
    own = [row for row in catalog.cards if row.key in [(currency, market, each) for each in categories]]
    if not any(row.key.currency == currency for row in catalog.cards):
        return f"no card is in {currency}"
    if not own:
        return f"no card in {currency} has a row for {market}, {category}"
    later = sorted({row.effective_from for row in own if row.effective_from > date})
    if any(row.effective_from <= date for row in own):
        return f"the card in {currency} prints no rate for {market}, {category} on {date}"
    return f"the first card in {currency} with a row for {market}, {category} is in force from {later[0]}"
