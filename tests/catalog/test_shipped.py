"""The shipped catalog: the published figures, on both sides of every change, and what it says about itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from importlib import resources

import pytest

from rating.catalog import Catalog, MarketMatch
from rating.catalog.cells import CATEGORIES
from rating.catalog.gaps import GapSummary, currencies_without_cards, gaps, summarise
from rating.catalog.markets import named_on
from rating.money import Nanos, format_nanos
from rating.rulebooks import RULEBOOKS
from streams.cards.catalog_files import load_directory

SOURCES = (resources.files("rating.catalog") / "SOURCES.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return load_directory(None)


@pytest.mark.parametrize(
    ("card", "rows", "sum_of_rates"),
    [
        ("meta-usd-2025-07-01", 3, "0.1196"),
        ("meta-inr-2025-10-01", 105, "261.9316"),
        ("meta-usd-2026-01-01", 105, "3.4698"),
        ("meta-usd-2026-07-01", 80, "2.7662"),
        ("meta-eur-2026-07-01", 123, "3.4435"),
        ("meta-inr-2026-07-01", 3, "1.0931"),
        ("meta-clp-2026-07-01", 3, "113.8085"),
        ("meta-usd-2026-10-01", 197, "5.5872"),
        ("meta-aed-2026-10-01", 24, "2.3441"),
        ("meta-inr-2026-10-01", 5, "3.7052"),
    ],
)
def test_a_shipped_card_holds_every_figure_of_its_source(shipped: Catalog, card: str, rows: int, sum_of_rates: str) -> None:
    of_card = [row for row in shipped.cards if row.card == card]
    rates = [row.rate_nanos for row in of_card if row.rate_nanos is not None]
    assert (len(of_card), format_nanos(Nanos(sum(rates)))) == (rows, sum_of_rates)
    assert {f"meta-{row.key.currency.lower()}-{row.effective_from}" for row in of_card} == {card}
    assert f"| `{card}` | {rows} |" in SOURCES


def test_nothing_else_ships(shipped: Catalog) -> None:
    assert len(shipped.cards) == 648
    assert len(shipped.markets) == 193
    assert len({row.card for row in shipped.cards}) == 10


@pytest.mark.parametrize(
    ("currency", "market", "category", "date", "printed", "card"),
    [
        pytest.param("USD", "France", "marketing", "2026-01-01", "0.0859", "meta-usd-2026-01-01", id="seed S003, marketing"),
        pytest.param("USD", "France", "utility", "2026-01-01", "0.0300", "meta-usd-2026-01-01", id="seed S003, utility"),
        pytest.param("USD", "France", "utility", "2026-10-01", "0.0300", "meta-usd-2026-10-01", id="seed S003 under the later rulebook"),
        pytest.param("USD", "Italy", "marketing", "2026-06-30", "0.0691", "meta-usd-2026-01-01", id="Italy, the day before its rise"),
        pytest.param("USD", "Italy", "marketing", "2026-07-01", "0.0795", "meta-usd-2026-07-01", id="Italy, the day of its rise"),
        pytest.param("USD", "Mexico", "marketing", "2026-09-30", "0.0305", "meta-usd-2026-07-01", id="Mexico, the day before its rise"),
        pytest.param("USD", "Mexico", "marketing", "2026-10-01", "0.0397", "meta-usd-2026-10-01", id="Mexico, the day of its rise"),
        pytest.param(
            "USD", "Turkey", "utility", "2026-09-30", "0.0053", "meta-usd-2026-01-01", id="a market that the partial list leaves out"
        ),
        pytest.param("USD", "Poland", "utility", "2026-10-01", "0.0122", "meta-usd-2026-10-01", id="Poland, priced since October"),
        pytest.param("USD", "Rest of Africa", "service", "2026-10-01", "0.0040", "meta-usd-2026-10-01", id="service has rates of its own"),
        pytest.param(
            "EUR", "France", "service", "2026-10-01", "0.0248", "meta-eur-2026-07-01", id="a card without service rates lends utility's"
        ),
        pytest.param("AED", "Egypt", "service", "2026-10-01", "0.0132", "meta-aed-2026-10-01", id="a market without one of its own, too"),
        pytest.param(
            "USD", "India", "authentication_international", "2026-06-30", "0.0280", "meta-usd-2026-01-01", id="India's international one"
        ),
        pytest.param("USD", "India", "authentication_international", "2026-07-01", "0.0304", "meta-usd-2026-07-01", id="and since July"),
        pytest.param("INR", "India", "marketing", "2026-06-30", "0.7846", "meta-inr-2025-10-01", id="India in its own currency"),
        pytest.param("INR", "India", "marketing", "2026-07-01", "0.8631", "meta-inr-2026-07-01", id="and since July 2026"),
        pytest.param("CLP", "Chile", "marketing", "2026-07-01", "78.4917", "meta-clp-2026-07-01", id="Chile in its own currency"),
        pytest.param(
            "USD", "Argentina", "utility", "2025-07-01", "0.0289", "meta-usd-2025-07-01", id="the one market priced from the first day"
        ),
    ],
)
def test_a_published_rate_is_found(shipped: Catalog, currency: str, market: str, category: str, date: str, printed: str, card: str) -> None:
    rate = shipped.charge_rate(currency, market, category, date)
    assert rate is not None
    assert (format_nanos(Nanos(rate.rate_nanos)), rate.card, rate.tier) == (printed, card, "1:MAX")


@pytest.mark.parametrize(
    ("currency", "market", "category", "date"),
    [
        pytest.param("USD", "France", "utility", "2025-12-31", id="USD before its first whole list"),
        pytest.param("USD", "Poland", "utility", "2026-07-01", id="Poland in its own market, before a list has it"),
        pytest.param("USD", "France", "authentication_international", "2026-10-01", id="a market without an international rate"),
        pytest.param("EUR", "Ukraine", "service", "2026-10-01", id="a market in neither column"),
        pytest.param("GBP", "United Kingdom", "utility", "2026-10-01", id="a currency without a card"),
        pytest.param("MXN", "Mexico", "utility", "2026-10-01", id="a list without a date"),
    ],
)
def test_what_no_shipped_list_prices_has_no_rate(shipped: Catalog, currency: str, market: str, category: str, date: str) -> None:
    assert shipped.charge_rate(currency, market, category, date) is None


@pytest.mark.parametrize(
    ("phone", "date", "country", "market"),
    [
        ("+5511999990000", "2026-01-01", "BR", "Brazil"),
        ("+14155550100", "2026-01-01", "US", "North America"),
        ("+18095550100", "2026-01-01", "DO", "Rest of Latin America"),
        ("+12425550100", "2026-01-01", "BS", "Other"),
        ("+351912345678", "2026-01-01", "PT", "Rest of Western Europe"),
        ("+9607771234", "2026-01-01", None, "Other"),
        ("+380501234567", "2026-09-30", "UA", "Rest of Central & Eastern Europe"),
        ("+380501234567", "2026-10-01", "UA", "Ukraine"),
        ("+76011234567", "2026-09-30", "KZ", "Other"),
        ("+76011234567", "2026-10-01", "KZ", "Kazakhstan"),
        ("+77011234567", "2026-09-30", "KZ", "Other"),
        ("+77011234567", "2026-10-01", "KZ", "Kazakhstan"),
        ("+79161234567", "2026-10-01", "RU", "Russia"),
        ("+48501234567", "2026-06-30", "PL", "Rest of Central & Eastern Europe"),
        ("+48501234567", "2026-07-01", "PL", "Poland"),
        ("+263712345678", "2025-09-30", "ZW", "Other"),
        ("+263712345678", "2025-10-01", "ZW", "Rest of Africa"),
        ("+212612345678", "2026-09-30", "MA", "Rest of Africa"),
        ("+212612345678", "2026-10-01", "MA", "Morocco"),
        ("+447911123456", "2026-01-01", "GG", "United Kingdom"),
        ("+441534123456", "2026-01-01", "JE", "United Kingdom"),
        ("+447624123456", "2026-01-01", "IM", "United Kingdom"),
        ("+442071234567", "2026-01-01", "GB", "United Kingdom"),
        ("+16715550100", "2026-01-01", "GU", "North America"),
        ("+13405550100", "2026-01-01", "VI", "North America"),
        ("+16845550100", "2026-01-01", "AS", "North America"),
        ("+16705550100", "2026-01-01", "MP", "North America"),
        ("+14165550100", "2026-01-01", "CA", "North America"),
        ("+390669812345", "2026-01-01", "IT", "Italy"),
        ("+4779123456", "2026-01-01", "NO", "Rest of Western Europe"),
        ("+590690001234", "2026-01-01", None, "Other"),
        ("+821012345678", "2026-01-01", None, "Other"),
        ("+243812345678", "2026-01-01", None, "Other"),
        ("+5215512345678", "2026-01-01", "MX", "Mexico"),
    ],
)
def test_a_published_test_number_is_in_its_market(shipped: Catalog, phone: str, date: str, country: str | None, market: str) -> None:
    assert shipped.market_of_phone(phone[1:], date) == MarketMatch(country, market)


@pytest.mark.parametrize(
    ("date", "markets"),
    [
        pytest.param("2025-07-01", 32, id="the first day"),
        pytest.param("2026-06-30", 32, id="before six markets leave their regions"),
        pytest.param("2026-07-01", 38, id="since they left"),
        pytest.param("2026-09-30", 38, id="before nine more leave"),
        pytest.param("2026-10-01", 47, id="since those left"),
    ],
)
def test_there_are_as_many_markets_as_published(shipped: Catalog, date: str, markets: int) -> None:
    assert len(named_on(shipped.markets, date)) == markets


REGIONS = {
    "2025-07-01": "6 North America, 19 Other, 40 Rest of Africa, 21 Rest of Asia Pacific, 20 Rest of Central & Eastern Europe,"
    " 19 Rest of Latin America, 8 Rest of Middle East, 9 Rest of Western Europe, 11 United Kingdom",
    "2026-07-01": "6 North America, 18 Other, 41 Rest of Africa, 19 Rest of Asia Pacific, 17 Rest of Central & Eastern Europe,"
    " 19 Rest of Latin America, 7 Rest of Middle East, 9 Rest of Western Europe, 11 United Kingdom",
    "2026-10-01": "2 Kazakhstan, 6 North America, 16 Other, 40 Rest of Africa, 16 Rest of Asia Pacific,"
    " 16 Rest of Central & Eastern Europe, 19 Rest of Latin America, 4 Rest of Middle East, 9 Rest of Western Europe, 11 United Kingdom",
}


@pytest.mark.parametrize("date", REGIONS)
def test_a_market_of_several_prefixes_has_as_many_as_its_source(shipped: Catalog, date: str) -> None:
    prefixes = Counter(row.market for row in shipped.markets if row.holds_on(date))
    assert ", ".join(f"{count} {market}" for market, count in sorted(prefixes.items()) if count > 1) == REGIONS[date]


def test_every_shipped_rate_is_for_a_market_of_its_day_and_has_a_source(shipped: Catalog) -> None:
    for row in shipped.cards:
        assert row.key.market in named_on(shipped.markets, row.effective_from), row
        assert row.rate_nanos is not None, row
        assert row.source, row


def test_the_service_rates_of_october_2026_equal_the_utility_rates(shipped: Catalog) -> None:
    by_market: dict[str, dict[str, int | None]] = defaultdict(dict)
    for row in shipped.cards:
        if row.card == "meta-usd-2026-10-01" and row.tier_from == 1:
            by_market[row.key.market][row.key.category] = row.rate_nanos
    assert len(by_market) == 47
    assert all(rates["service"] == rates["utility"] for rates in by_market.values())


def test_only_plus_one_is_shared(shipped: Catalog) -> None:
    rows_of_prefix = Counter((row.prefix, row.valid_from) for row in shipped.markets)
    assert [prefix for (prefix, _), count in rows_of_prefix.items() if count > 1] == ["1"]


def test_the_sources_page_tells_every_gap_and_no_other(shipped: Catalog) -> None:
    table = SOURCES.partition("| currency | days | no rate for | in |")[2]
    told = [GapSummary(*(cell.strip() for cell in line.strip("|").split("|"))) for line in table.splitlines() if line.startswith("| ")]
    assert [line for line in told if line.currency.isalpha()] == summarise(gaps(shipped), shipped)
    assert f"No card at all: {', '.join(currencies_without_cards(shipped))}." in SOURCES


def test_the_categories_are_those_of_the_rulebooks() -> None:
    for rulebook in RULEBOOKS:
        assert set(rulebook.clauses) == set(CATEGORIES)
