"""Gaps: the days on which a message that can be charged has no price."""

from __future__ import annotations

import pytest

from rating.catalog import Catalog, load_catalog
from rating.catalog.gaps import Gap, currencies_without_cards, gaps, summarise
from tests.catalog.texts import card, markets

TABLE = markets("33,FR,France,2025-07-01,", "48,PL,France,2025-07-01,2026-06-30", "48,PL,Poland,2026-07-01,")
EVERY = ("marketing", "utility", "authentication", "service")


def catalog(*rows: str) -> Catalog:
    return load_catalog({"markets.csv": TABLE, "cards/card.csv": card(*rows)})


def whole(currency: str, market: str, effective_from: str, *, without: str = "") -> list[str]:
    return [f"{effective_from},{currency},{market},{category},1,,0.01" for category in EVERY if category != without]


def test_a_catalog_that_prices_every_market_has_no_gap() -> None:
    rows = [row for market in ("France", "Poland", "Other") for row in whole("USD", market, "2025-07-01")]
    assert gaps(catalog(*rows)) == []


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param(
            whole("USD", "France", "2026-01-01", without="service"),
            [Gap("USD", "France", category, "2025-07-01", "2025-12-31") for category in ("marketing", "utility", "authentication")],
            id="before the first card, and service never, which costs what utility does",
        ),
        pytest.param(
            [*whole("USD", "France", "2025-07-01"), "2026-01-01,USD,France,marketing,1,,"],
            [Gap("USD", "France", "marketing", "2026-01-01", None)],
            id="since an empty rate",
        ),
        pytest.param(
            [*whole("USD", "France", "2025-07-01"), "2026-01-01,USD,France,marketing,1,,", "2026-02-01,USD,France,marketing,1,,0.1"],
            [Gap("USD", "France", "marketing", "2026-01-01", "2026-01-31")],
            id="between two rates",
        ),
        pytest.param(
            [*whole("USD", "France", "2025-07-01"), "2025-08-01,USD,France,service,1,,"],
            [Gap("USD", "France", "service", "2026-10-01", None)],
            id="an empty service rate, only since service is charged",
        ),
        pytest.param(
            whole("USD", "France", "2025-07-01", without="utility"),
            [Gap("USD", "France", "utility", "2025-07-01", None)],
            id="utility, beside a service rate",
        ),
        pytest.param(
            [*whole("USD", "France", "2025-07-01"), "2026-01-01,USD,France,authentication_international,1,,0.1"],
            [Gap("USD", "France", "authentication_international", "2025-07-01", "2025-12-31")],
            id="the international rate of a market that has one",
        ),
    ],
)
def test_a_gap_begins_and_ends_with_a_rate(rows: list[str], found: list[Gap]) -> None:
    assert [gap for gap in gaps(catalog(*rows)) if gap.market == "France"] == found


def test_a_market_lacks_no_rate_before_it_exists() -> None:
    found = [gap for gap in gaps(catalog(*whole("USD", "France", "2025-07-01"))) if gap.market == "Poland"]
    assert {gap.first_day for gap in found if gap.category != "service"} == {"2026-07-01"}


def test_a_currency_without_a_card_is_named_by_itself() -> None:
    loaded = catalog(*whole("USD", "France", "2025-07-01"))
    assert {gap.currency for gap in gaps(loaded)} == {"USD"}
    assert len(currencies_without_cards(loaded)) == 15


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        pytest.param(
            [*whole("USD", "France", "2026-01-01"), *whole("USD", "Other", "2025-07-01")],
            ["2025-07-01 to 2025-12-31: all categories in France", "from 2026-07-01: all categories in Poland"],
            id="few markets lack",
        ),
        pytest.param(
            whole("USD", "Poland", "2026-07-01"),
            ["from 2025-07-01: all categories in all markets"],
            id="all markets of the first day lack",
        ),
        pytest.param(
            [
                *whole("USD", "Other", "2026-07-01"),
                *whole("USD", "France", "2026-07-01", without="marketing"),
                *whole("USD", "Poland", "2026-07-01"),
            ],
            [
                "2025-07-01 to 2026-06-30: all categories in Other",
                "2025-07-01 to 2026-06-30: utility, authentication in France",
                "from 2025-07-01: marketing in France",
            ],
            id="a category of its own days",
        ),
        pytest.param(
            whole("USD", "Other", "2025-07-01"),
            ["from 2025-07-01: all categories in France", "from 2026-07-01: all categories in Poland"],
            id="each market by the days of its life",
        ),
    ],
)
def test_a_summary_says_days_categories_and_markets_in_few_lines(rows: list[str], lines: list[str]) -> None:
    loaded = catalog(*rows)
    assert [f"{line.days}: {line.categories} in {line.markets}" for line in summarise(gaps(loaded), loaded)] == lines


def test_where_most_markets_lack_those_that_do_not_are_named() -> None:
    table = markets(*(f"{prefix},{iso2},{iso2},2025-07-01," for prefix, iso2 in [("33", "FR"), ("34", "ES"), ("39", "IT")]))
    loaded = load_catalog({"markets.csv": table, "cards/card.csv": card(*whole("USD", "ES", "2025-07-01"))})
    assert [line.markets for line in summarise(gaps(loaded), loaded)] == ["all markets but ES"]
