"""Which row of the catalog an explanation names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rating.catalog import load_catalog
from rating.explain.price import fee_of, missing_rate, price_of
from rating.records import Figures, Version
from tests.laws.driver import catalog as small_catalog
from tests.rating.taxi import CATALOG

OWN = """effective_from,currency,market,category,tier_from,tier_to,rate,source
2026-01-01,USD,France,utility,1,,0.03,first
2026-06-01,USD,France,utility,1,,0.03,second
2026-09-01,USD,France,utility,1,,0.04,third
"""


def figures(date: str, category: str = "utility", card: str = "own", cost_nanos: int = 30_000_000) -> Figures:
    return Figures("1", "7", date, "FR", "France", category, "charged", "outside_window", "USD", cost_nanos, cost_nanos, "2025-07-01", card,
                   "1:MAX", None, None, b"")  # fmt: skip


@pytest.mark.parametrize(("date", "source"), [("2026-05-31", "first"), ("2026-06-01", "second"), ("2026-08-31", "second")])
def test_of_a_card_with_several_dates_the_row_in_force_is_named(date: str, source: str) -> None:
    price = price_of(load_catalog({"cards/own.csv": OWN}), figures(date))
    assert price is not None
    assert (price.source, price.row) == (source, f"cards/own.csv line {2 if source == 'first' else 3}")


def test_a_line_that_another_catalog_priced_has_no_row_here() -> None:
    assert price_of(load_catalog({"cards/own.csv": OWN}), figures("2026-05-31", cost_nanos=31_000_000)) is None


@given(number=st.from_regex(r"(1|33|44|7|76|77|99|12|48)[0-9]{5,9}", fullmatch=True), date=st.sampled_from(["2025-08-01", "2026-10-01"]))
def test_the_named_prefix_is_the_one_that_led_to_the_market(number: str, date: str) -> None:
    for catalog in (CATALOG, small_catalog()):
        prefix = catalog.prefix_of_phone(number, date)
        market = catalog.market_of_phone(number, date).market
        rows = [row.market for row in catalog.markets if row.prefix == prefix and row.holds_on(date)]
        assert set(rows) == ({market} if prefix is not None else set())
        assert prefix is None or number.startswith(prefix)


@given(
    cost=st.integers(0, 10**12),
    percent=st.from_regex(r"(0|[1-9][0-9]{0,3})(\.[0-9]{1,9})?", fullmatch=True),
    decimals=st.integers(0, 9),
)
def test_the_exact_fee_rounds_to_the_fee(cost: int, percent: str, decimals: int) -> None:
    """Worked out anew with fractions of a nano as whole numbers: 18 decimals are enough for any fee."""
    version = Version("", "UTC", "USD", "1", percent, decimals, None, {})
    fee = fee_of(figures("2026-05-31", cost_nanos=cost), version)
    assert fee is not None
    whole, _, fraction = fee.exact.partition(".")
    exact = int(whole + fraction.ljust(20, "0"))
    step = 10 ** (20 - decimals)
    assert fee.fee_nanos * 10**11 == (exact + step // 2) // step * step
    assert fee.is_rounded is (exact % step != 0)


@pytest.mark.parametrize(
    ("currency", "market", "category", "date", "sentence"),
    [
        ("MXN", "France", "utility", "2026-10-05", "no card is in MXN"),
        ("INR", "Kazakhstan", "utility", "2026-10-05", "no card in INR has a row for Kazakhstan, utility"),
        ("EUR", "France", "utility", "2026-06-30", "the first card in EUR with a row for France, utility is in force from 2026-07-01"),
        ("EUR", "France", "service", "2026-06-30", "the first card in EUR with a row for France, service is in force from 2026-07-01"),
    ],
)
def test_what_the_cards_lack_is_said(currency: str, market: str, category: str, date: str, sentence: str) -> None:
    assert missing_rate(CATALOG, currency, market, category, date) == sentence
