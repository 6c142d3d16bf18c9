"""What is asked of a catalog: the rate and the market of a day, as a plain scan over the rows would answer."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rating.catalog import Catalog, MarketMatch, Rate, load_catalog
from rating.catalog.cards import CardRow
from rating.catalog.markets import MarketRow
from rating.catalog.regions import country_of_number
from tests.catalog.texts import MARKETS, card, markets

DATED_CARD = card(
    "2026-01-01,USD,France,utility,1,,0.03",
    "2026-04-01,USD,France,utility,1,,",
    "2026-07-01,USD,France,utility,1,,0",
    "2026-10-01,USD,France,utility,1,,0.012345678",
)


def catalog(*cards: str, table: str = MARKETS) -> Catalog:
    return load_catalog({"markets.csv": table, **{f"cards/card-{index}.csv": text for index, text in enumerate(cards)}})


@pytest.mark.parametrize(
    ("date", "rate_nanos"),
    [
        pytest.param("2025-12-31", None, id="the day before the first card"),
        pytest.param("2026-01-01", 30_000_000, id="the day of the first card"),
        pytest.param("2026-03-31", 30_000_000, id="its last day"),
        pytest.param("2026-04-01", None, id="the day of an empty rate"),
        pytest.param("2026-06-30", None, id="its last day, the older rate does not return"),
        pytest.param("2026-07-01", 0, id="the day of a rate of 0"),
        pytest.param("2026-10-01", 12_345_678, id="the day of nine decimals"),
        pytest.param("9999-12-31", 12_345_678, id="the calendar's last day"),
    ],
)
def test_a_rate_holds_from_its_day_until_the_next_one(date: str, rate_nanos: int | None) -> None:
    rate = catalog(DATED_CARD).rate("USD", "France", "utility", date)
    assert (rate.rate_nanos if rate else None) == rate_nanos


def test_a_rate_names_its_card_its_band_and_its_decimals_as_printed() -> None:
    text = card("2026-01-01,USD,France,utility,1,,0.0300")
    loaded = load_catalog({"markets.csv": MARKETS, "cards/meta-usd-2026-01-01.csv": text})
    assert loaded.rate("USD", "France", "utility", "2026-01-01") == Rate(30_000_000, 4, "meta-usd-2026-01-01", "1:MAX")


def test_an_empty_rate_is_a_row_and_no_rate() -> None:
    loaded = catalog(DATED_CARD)
    assert loaded.has_row("USD", "France", "utility", "2026-04-01")
    assert not loaded.has_row("USD", "France", "utility", "2025-12-31")
    assert not loaded.has_row("USD", "France", "service", "2026-04-01")


SERVICE_CARDS = (
    card("2026-10-01,USD,France,utility,1,,0.0300", "2026-10-01,USD,France,service,1,,0.0200", "2026-10-01,USD,Poland,utility,1,,0.0122"),
    card("2027-01-01,USD,France,utility,1,,0.0400", "2027-01-01,USD,Poland,service,1,,0.0100"),
    card("2027-07-01,USD,France,service,1,,", "2027-07-01,USD,Poland,service,1,,0"),
)


@pytest.mark.parametrize(
    ("market", "date", "cost"),
    [
        pytest.param("France", "2026-09-30", None, id="neither service nor utility yet"),
        pytest.param("France", "2026-10-01", (20_000_000, "card-0"), id="the card's service rate"),
        pytest.param("France", "2027-01-01", (20_000_000, "card-0"), id="a newer card that is silent about service leaves the older rate"),
        pytest.param("France", "2027-07-01", None, id="an empty service rate is no rate, whatever utility costs"),
        pytest.param("Poland", "2026-12-31", (12_200_000, "card-0"), id="utility, the day before the first service row"),
        pytest.param("Poland", "2027-01-01", (10_000_000, "card-1"), id="the first service row"),
        pytest.param("Poland", "2027-07-01", (0, "card-2"), id="a service rate of 0"),
    ],
)
def test_a_charged_service_message_costs_its_own_rate_or_utilitys(market: str, date: str, cost: tuple[int, str] | None) -> None:
    rate = catalog(*SERVICE_CARDS).charge_rate("USD", market, "service", date)
    assert (None if rate is None else (rate.rate_nanos, rate.card)) == cost


def test_only_service_borrows_another_categorys_rate() -> None:
    loaded = catalog(DATED_CARD)
    for category in ("marketing", "authentication", "authentication_international"):
        assert loaded.charge_rate("USD", "France", category, "2026-01-01") is None


PHONES = [
    pytest.param("33612345678", "2026-01-01", MarketMatch("FR", "France"), id="a prefix of its own"),
    pytest.param("33612345678", "2025-06-30", MarketMatch(None, "Other"), id="the day before the prefix begins"),
    pytest.param("48501234567", "2026-06-30", MarketMatch("PL", "Rest of Central & Eastern Europe"), id="a period's last day is in it"),
    pytest.param("48501234567", "2026-07-01", MarketMatch("PL", "Poland"), id="the next period's first day"),
    pytest.param("18095550100", "2026-01-01", MarketMatch("DO", "Rest of Latin America"), id="the longest prefix wins"),
    pytest.param("14155550100", "2026-01-01", MarketMatch("US", "North America"), id="the number tells the country of a shared prefix"),
    pytest.param("14165550100", "2026-01-01", MarketMatch("CA", "North America"), id="and the other country's"),
    pytest.param("12425550100", "2026-01-01", MarketMatch("BS", "North America"), id="a country that is no row of the shared prefix"),
    pytest.param("10000000000", "2026-01-01", MarketMatch(None, "North America"), id="a number of no country"),
    pytest.param("1", "2026-01-01", MarketMatch(None, "North America"), id="a number that is hardly one"),
    pytest.param("999123456", "2026-01-01", MarketMatch(None, "Other"), id="no prefix at all"),
    pytest.param("3", "2026-01-01", MarketMatch(None, "Other"), id="a number shorter than every prefix"),
]


@pytest.mark.parametrize(("digits", "date", "match"), PHONES)
def test_a_phone_numbers_market_is_that_of_its_longest_prefix_on_the_day(digits: str, date: str, match: MarketMatch) -> None:
    assert catalog().market_of_phone(digits, date) == match


def test_between_two_periods_of_a_prefix_a_shorter_prefix_has_its_numbers() -> None:
    table = markets("7,RU,Russia,2025-07-01,", "77,KZ,Other,2025-07-01,2025-12-31", "77,KZ,Kazakhstan,2026-10-01,")
    loaded = catalog(table=table)
    found = [loaded.market_of_phone("77011234567", date).country for date in ("2025-12-31", "2026-01-01", "2026-09-30", "2026-10-01")]
    assert found == ["KZ", "RU", "RU", "KZ"]


def test_a_prefix_is_shared_only_on_the_days_on_which_two_countries_have_it() -> None:
    loaded = catalog(table=markets("1,US,North America,2025-07-01,", "1,CA,North America,2026-01-01,2026-12-31"))
    found = [loaded.market_of_phone("14165550100", date).country for date in ("2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01")]
    assert found == ["US", "CA", "CA", "US"]


@pytest.mark.parametrize(
    ("iso2", "date", "market"),
    [
        pytest.param("FR", "2025-07-01", "France", id="the first day of its row"),
        pytest.param("FR", "2025-06-30", None, id="the day before"),
        pytest.param("PL", "2026-06-30", "Rest of Central & Eastern Europe", id="the last day of a period"),
        pytest.param("PL", "2026-07-01", "Poland", id="the first day of the next"),
        pytest.param("CA", "2026-01-01", "North America", id="a country of a shared prefix"),
        pytest.param("KR", "2026-01-01", None, id="a country without a row"),
    ],
)
def test_a_recipient_without_a_phone_number_is_in_the_market_of_the_country(iso2: str, date: str, market: str | None) -> None:
    expected = None if market is None else MarketMatch(iso2, market)
    assert catalog().market_of_country(iso2, date) == expected


def test_of_a_countrys_several_markets_the_calling_codes_counts() -> None:
    loaded = catalog(table=markets("441481,GB,Other,2025-07-01,", "44,GB,United Kingdom,2025-07-01,"))
    assert loaded.market_of_country("GB", "2026-01-01") == MarketMatch("GB", "United Kingdom")


def test_an_overlay_replaces_all_dates_of_a_rate_and_no_other_rate() -> None:
    shipped = {"markets.csv": MARKETS, "cards/shipped.csv": DATED_CARD + "2026-01-01,USD,France,marketing,1,,0.09,list\n"}
    own = card("2026-09-01,USD,France,utility,1,,0.05")
    loaded = load_catalog(shipped, {"cards/own.csv": own})
    assert loaded.rate("USD", "France", "utility", "2026-08-31") is None
    assert loaded.rate("USD", "France", "utility", "2026-12-01") == Rate(50_000_000, 2, "own", "1:MAX")
    assert loaded.rate("USD", "France", "marketing", "2026-12-01") == Rate(90_000_000, 2, "shipped", "1:MAX")


def test_an_overlay_replaces_all_periods_and_countries_of_a_prefix_and_no_other_prefix() -> None:
    loaded = load_catalog({"markets.csv": MARKETS}, {"markets.csv": markets("48,PL,Poland,2026-09-01,", "1,US,North America,2025-07-01,")})
    assert loaded.market_of_phone("48501234567", "2026-08-31") == MarketMatch(None, "Other")
    assert loaded.market_of_phone("14165550100", "2026-08-31") == MarketMatch("US", "North America")
    assert loaded.market_of_phone("18095550100", "2026-08-31") == MarketMatch("DO", "Rest of Latin America")


def test_the_content_hash_is_of_what_the_rows_say_and_not_of_how_they_are_written() -> None:
    rows = ("2026-01-01,USD,France,utility,1,,0.03", "2026-01-01,USD,Other,utility,1,,0.01")
    original = catalog(card(*rows)).content_hash
    assert catalog(card(*reversed(rows)).replace("list", "another source")).content_hash == original
    assert catalog(card(rows[0], "2026-01-01,USD,Other,utility,1,,0.02")).content_hash != original
    assert catalog(card(*rows), table=MARKETS.replace("2026-07-01", "2026-07-02").replace("06-30", "07-01")).content_hash != original


# Laws: whatever the rows, a lookup answers as a scan over them does.

DATES = st.dates(datetime.date(2025, 6, 25), datetime.date(2025, 7, 10)).map(str)
RATES = st.one_of(st.just(""), st.decimals(0, 100, places=4).map(str))
CARD_ROWS = st.dictionaries(
    st.tuples(DATES, st.sampled_from(["USD", "EUR"]), st.sampled_from(["France", "Other"]), st.sampled_from(["utility", "service"])), RATES
)


@given(rows=CARD_ROWS, date=DATES)
def test_the_rate_of_a_day_is_that_of_the_latest_row_up_to_it(rows: dict[tuple[str, str, str, str], str], date: str) -> None:
    loaded = catalog(card(*(f"{','.join(key)},1,,{rate}" for key, rate in rows.items())))
    for currency in ("USD", "EUR"):
        for market in ("France", "Other"):
            for category in ("utility", "service"):
                up_to = [row for row in loaded.cards if row.key == (currency, market, category) and row.effective_from <= date]
                latest = max(up_to, key=lambda row: row.effective_from, default=None)
                assert loaded.has_row(currency, market, category, date) is (latest is not None)
                assert loaded.rate(currency, market, category, date) == _rate_of(latest)
                borrows = category == "service" and latest is None
                expected = loaded.rate(currency, market, "utility", date) if borrows else _rate_of(latest)
                assert loaded.charge_rate(currency, market, category, date) == expected


def _rate_of(row: CardRow | None) -> Rate | None:
    return None if row is None or row.rate_nanos is None else Rate(row.rate_nanos, row.decimals, row.card, row.tier)


PERIODS = st.lists(DATES, min_size=2, max_size=6, unique=True).map(sorted).map(lambda days: list(zip(days[::2], days[1::2], strict=False)))
TABLES = st.dictionaries(
    st.text("124", min_size=1, max_size=3),
    st.tuples(PERIODS, st.sampled_from(["US", "FR"]), st.sampled_from(["North America", "France"]), st.booleans()),
    max_size=12,
)


@given(table=TABLES, digits=st.text("1245", min_size=1, max_size=12), date=DATES)
def test_the_market_of_a_day_is_that_of_the_longest_valid_prefix(
    table: dict[str, tuple[list[tuple[str, str]], str, str, bool]], digits: str, date: str
) -> None:
    rows = []
    for prefix, (periods, iso2, market, shared) in table.items():
        for valid_from, valid_to in periods:
            rows.append(f"{prefix},{iso2},{market},{valid_from},{valid_to}")
            if shared:
                rows.append(f"{prefix},CA,{market},{valid_from},{valid_to}")
    loaded = catalog(table=markets(*rows))
    valid = [row for row in loaded.markets if row.holds_on(date)]
    assert loaded.market_of_phone(digits, date) == _market_by_scan(valid, digits)
    for iso2 in ("US", "CA", "FR"):
        of_country = [row for row in valid if row.iso2 == iso2]
        calling_code = min(of_country, key=lambda row: (len(row.prefix), row.prefix), default=None)
        assert loaded.market_of_country(iso2, date) == (None if calling_code is None else MarketMatch(iso2, calling_code.market))


def _market_by_scan(valid: list[MarketRow], digits: str) -> MarketMatch:
    matching = [row for row in valid if digits.startswith(row.prefix)]
    longest = [row for row in matching if len(row.prefix) == max(len(other.prefix) for other in matching)]
    if not longest:
        return MarketMatch(None, "Other")
    return MarketMatch(longest[0].iso2 if len(longest) == 1 else country_of_number(digits), longest[0].market)


BANDED = card(
    "2026-01-01,USD,France,utility,1,10,0.03",
    "2026-01-01,USD,France,utility,11,,0.02",
    "2026-03-15,USD,France,utility,1,,0.025",
    "2026-01-01,EUR,France,utility,1,,0.03",
    "2026-05-01,USD,India,authentication_international,1,5,0.03",
    "2026-05-01,USD,India,authentication_international,6,,0.02",
)


@pytest.mark.parametrize(
    ("market", "family", "month", "counts"),
    [
        pytest.param("France", "utility", "2025-12", False, id="the month before the first card with bands"),
        pytest.param("France", "utility", "2026-01", True, id="the month in which it begins"),
        pytest.param("France", "utility", "2026-02", True, id="a month that begins and ends with it"),
        pytest.param("France", "utility", "2026-03", True, id="the month in which a card with one band follows"),
        pytest.param("France", "utility", "2026-04", False, id="the month after"),
        pytest.param("France", "authentication", "2026-02", False, id="another category family"),
        pytest.param("Other", "utility", "2026-02", False, id="another market"),
        pytest.param("India", "authentication", "2026-05", True, id="a family of which the international variant alone has bands"),
        pytest.param("India", "authentication_international", "2026-05", False, id="what is no family"),
    ],
)
def test_messages_are_counted_in_months_in_which_some_currency_has_bands(market: str, family: str, month: str, counts: bool) -> None:
    assert catalog(BANDED).has_tiers(market, family, month) is counts


@pytest.mark.parametrize(
    ("currency", "date", "tiers"),
    [
        pytest.param("USD", "2025-12-31", [], id="before any card"),
        pytest.param("USD", "2026-03-14", ["1:10", "11:MAX"], id="the last day of the bands"),
        pytest.param("USD", "2026-03-15", ["1:MAX"], id="the first day of the single band after them"),
        pytest.param("EUR", "2026-02-01", ["1:MAX"], id="a currency without bands"),
        pytest.param("INR", "2026-02-01", [], id="a currency without a card"),
    ],
)
def test_a_rate_has_the_bands_of_its_date(currency: str, date: str, tiers: list[str]) -> None:
    assert [band.tier for band in catalog(BANDED).bands(currency, "France", "utility", date)] == tiers
