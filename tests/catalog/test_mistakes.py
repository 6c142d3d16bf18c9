"""A catalog is right or refused: every mistake, at its place, with the mend, all of them at once."""

from __future__ import annotations

import pytest

from rating.catalog import CatalogProblems, load_catalog
from tests.catalog.texts import CARD_HEADER, MARKETS, MARKETS_HEADER, card, markets

SHIPPED = {"markets.csv": MARKETS, "cards/shipped.csv": card("2026-01-01,USD,France,utility,1,,0.03")}
CURRENCIES = "AED, ARS, AUD, BRL, CLP, COP, EUR, GBP, IDR, INR, MXN, MYR, PEN, SAR, SGD, USD"
TIERED = "utility, authentication, authentication_international"


def problems_of(overlay: dict[str, str]) -> list[str]:
    with pytest.raises(CatalogProblems) as refused:
        load_catalog(SHIPPED, overlay)
    assert str(refused.value) == "\n".join(refused.value.problems)
    return list(refused.value.problems)


CARD_MISTAKES = [
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,-0.03"),
        "line 2, column rate: the rate '-0.03' is negative; write 0 or more",
        id="a negative rate",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,3 cents"),
        "line 2, column rate: '3 cents' is no decimal; write digits with a point, such as 0.0300, or nothing for no rate",
        id="a rate that is no number",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,3e-2"),
        "line 2, column rate: '3e-2' is no decimal; write digits with a point, such as 0.0300, or nothing for no rate",
        id="a rate with an exponent",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,n/a"),
        "line 2, column rate: 'n/a' is no decimal; write digits with a point, such as 0.0300, or nothing for no rate",
        id="a rate marked as not available",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,٣"),
        "line 2, column rate: '٣' is no decimal; write digits with a point, such as 0.0300, or nothing for no rate",
        id="a rate in other digits",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,0.0300000000"),
        "line 2, column rate: the rate '0.0300000000' has 10 decimals; write at most 9",
        id="ten decimals, be they zeros",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,1000000000"),
        "line 2, column rate: the rate '1000000000' is a billion or more for one message; write what one message costs",
        id="a rate of a billion",
    ),
    pytest.param(
        card("2026-01-01,USX,France,utility,1,,0.03"),
        f"line 2, column currency: WhatsApp bills in no currency 'USX'; write one of {CURRENCIES}",
        id="a currency that WhatsApp does not bill in",
    ),
    pytest.param(
        card("2026-01-01,usd,France,utility,1,,0.03"),
        f"line 2, column currency: WhatsApp bills in no currency 'usd'; write one of {CURRENCIES}",
        id="a currency in small letters",
    ),
    pytest.param(
        card("2026-01-01,USD,France,reminder,1,,0.03"),
        f"line 2, column category: 'reminder' is no category; write one of marketing, {TIERED}, service",
        id="a category that does not exist",
    ),
    pytest.param(
        card("01/01/2026,USD,France,utility,1,,0.03"),
        "line 2, column effective_from: '01/01/2026' is no date; write it as 2026-01-01",
        id="a date in another order",
    ),
    pytest.param(
        card("20260101,USD,France,utility,1,,0.03"),
        "line 2, column effective_from: '20260101' is no date; write it as 2026-01-01",
        id="a date without dashes",
    ),
    pytest.param(
        card("2026-02-30,USD,France,utility,1,,0.03"),
        "line 2, column effective_from: 2026-02-30 is no day of the calendar; write one that is",
        id="the 30th of February",
    ),
    pytest.param(
        card(",USD,France,utility,1,,0.03"),
        "line 2, column effective_from: '' is no date; write it as 2026-01-01",
        id="no date at all",
    ),
    pytest.param(
        card("2026-01-01,USD,,utility,1,,0.03"),
        "line 2, column market: the market is empty; name one, such as France or Other",
        id="no market",
    ),
    pytest.param(
        card("2026-01-01,USD,Frence,utility,1,,0.03"),
        "line 2, column market: the market 'Frence' is named by no row of markets.csv; write France, or add a row for it there",
        id="a misprinted market",
    ),
    pytest.param(
        card("2026-01-01,USD,Atlantis,utility,1,,0.03"),
        "line 2, column market: the market 'Atlantis' is named by no row of markets.csv;"
        " add a row for it there, or write a market that has one",
        id="a market that nothing leads to",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,one,,0.03"),
        "line 2, column tier_from: 'one' is no count of messages; write a whole number, 1 for the first band",
        id="a band that starts at no number",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,-- ,0.03"),
        "line 2, column tier_to: '--' is no count of messages; write a whole number, or nothing for no end",
        id="a band that ends at no number",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,9,1,0.03"),
        "line 2, column tier_to: the band 9:1 ends before it starts; make it end at 9 or later, or nowhere",
        id="a band that ends before it starts",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,0,,0.03"),
        "line 2, column tier_from: the first band 0:MAX does not start at 1; make it start at 1",
        id="a first band from 0",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,100000,0.03"),
        "line 2, column tier_to: the last band 1:100000 has an end; leave its tier_to empty",
        id="a last band that ends",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,4999,0.03", "2026-01-01,USD,France,utility,5001,,0.02"),
        "line 3, column tier_from: the band 5001:MAX leaves a gap after 1:4999 of line 2; make it start at 5000",
        id="a gap of one message between bands",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,5000,0.03", "2026-01-01,USD,France,utility,5000,,0.02"),
        "line 3, column tier_from: the band 5000:MAX overlaps 1:5000 of line 2; make it start at 5001",
        id="bands that overlap by one message",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,0.03", "2026-01-01,USD,France,utility,5000,,0.02"),
        "line 3, column tier_from: the band 5000:MAX overlaps 1:MAX of line 2; make that one end at 4999",
        id="a band without end before another",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,0.03", "2026-01-01,USD,France,utility,1,,0.02"),
        "line 3: USD, France, utility from 2026-01-01 already stands in line 2; delete one of the two lines",
        id="a rate twice",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,9,0.03", "2026-01-01,USD,France,utility,10,,"),
        "line 3, column rate: the band 10:MAX lacks its rate beside other bands; write its rate",
        id="a band without a rate beside one with",
    ),
    pytest.param(
        card("2026-01-01,USD,France,marketing,1,9,0.03", "2026-01-01,USD,France,marketing,10,,0.02"),
        f"line 3, column tier_from: USD, France, marketing from 2026-01-01 has several bands; keep one; only {TIERED} may have several",
        id="several bands for marketing",
    ),
    pytest.param(
        card("2026-01-01,USD,France,service,1,9,0.03", "2026-01-01,USD,France,service,10,,0.02"),
        f"line 3, column tier_from: USD, France, service from 2026-01-01 has several bands; keep one; only {TIERED} may have several",
        id="several bands for service",
    ),
    pytest.param(
        card("2026-01-01,USD,France,utility,1,,0,03"),
        "line 2: 9 cells stand under 8 columns; write one cell for every column and quote a cell that holds a comma",
        id="a decimal comma",
    ),
    pytest.param(
        f"{CARD_HEADER}\n2026-01-01,USD,France,utility,1,,0.03\n",
        "line 2: 7 cells stand under 8 columns; write one cell for every column and quote a cell that holds a comma",
        id="a cell too few",
    ),
    pytest.param(
        "effective_from,currency,market,category,tier_from,tier_to,source\n",
        f"line 1, column rate: the column is missing; begin the file with the line {CARD_HEADER}",
        id="no column for the rate",
    ),
    pytest.param(
        f"{CARD_HEADER},rate\n",
        f"line 1, column rate: the column stands twice; begin the file with the line {CARD_HEADER}",
        id="two columns for the rate",
    ),
    pytest.param("", f"line 1: the file is empty; begin it with the line {CARD_HEADER}", id="an empty file"),
    pytest.param(
        f'{CARD_HEADER}\n\n2026-01-01,USD,France,utility,1,,0.03,"list\n2026-01-01,USD,Other,utility,1,,0.03,list\n',
        "line 3: the line is no CSV (unexpected end of data); close every quote, and double one inside a cell",
        id="a quote that never closes",
    ),
    pytest.param(
        f'{CARD_HEADER}\n2026-01-01,USD,France,utility,1,,0.03,"two\nlines"\n2026-01-01,USD,Other,utility,1,,x,list\n',
        "line 4, column rate: 'x' is no decimal; write digits with a point, such as 0.0300, or nothing for no rate",
        id="a mistake below a quoted line break",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), CARD_MISTAKES)
def test_a_card_is_refused_with_one_sentence_for_its_one_mistake(text: str, sentence: str) -> None:
    assert problems_of({"cards/mine.csv": text}) == [f"cards/mine.csv {sentence}"]


MARKET_MISTAKES = [
    pytest.param(
        markets("+33,FR,France,2025-07-01,"),
        "line 2, column prefix: '+33' is no prefix of digits; write the calling code and network digits only, such as 33 or 441481",
        id="a prefix with a plus",
    ),
    pytest.param(
        markets("0033,FR,France,2025-07-01,"),
        "line 2, column prefix: '0033' is no prefix of digits; write the calling code and network digits only, such as 33 or 441481",
        id="a prefix dialled with zeros",
    ),
    pytest.param(
        markets('"44 (1481,7781)",GG,United Kingdom,2025-07-01,'),
        "line 2, column prefix: '44 (1481,7781)' is no prefix of digits;"
        " write the calling code and network digits only, such as 33 or 441481",
        id="several prefixes in one cell",
    ),
    pytest.param(
        markets(",FR,France,2025-07-01,"),
        "line 2, column prefix: '' is no prefix of digits; write the calling code and network digits only, such as 33 or 441481",
        id="no prefix",
    ),
    pytest.param(
        markets("33,fr,France,2025-07-01,"),
        "line 2, column iso2: 'fr' is not two capitals; write the ISO 3166 code of the country, such as FR",
        id="a country in small letters",
    ),
    pytest.param(
        markets("33,FRA,France,2025-07-01,"),
        "line 2, column iso2: 'FRA' is not two capitals; write the ISO 3166 code of the country, such as FR",
        id="a country of three letters",
    ),
    pytest.param(
        markets("33,FR,,2025-07-01,"),
        "line 2, column market: the market is empty; name one, such as France or Other",
        id="no market",
    ),
    pytest.param(
        markets("33,FR,France,,"),
        "line 2, column valid_from: '' is no date; write it as 2026-01-01",
        id="no beginning",
    ),
    pytest.param(
        markets("33,FR,France,2025-07-01,soon"),
        "line 2, column valid_to: 'soon' is no date; write it as 2026-01-01",
        id="an end that is no date",
    ),
    pytest.param(
        markets("33,FR,France,2025-07-01,2025-06-30"),
        "line 2, column valid_to: the row ends on 2025-06-30, before it begins on 2025-07-01; write a later day, or nothing for no end",
        id="an end before the beginning",
    ),
    pytest.param(
        markets("33,FR,France,2025-07-01,2026-06-30", "33,MC,Other,2026-06-30,"),
        "line 3, column market: prefix 33 is Other here and France in line 2 on some days;"
        " let countries that share a prefix share a market, or part their periods",
        id="two countries with different markets on one day",
    ),
    pytest.param(
        markets("33,FR,France,2025-07-01,2026-06-30", "33,FR,Other,2026-06-30,"),
        "line 3, column valid_from: prefix 33, FR already holds on some of these days by line 2;"
        " let one period end the day before the other begins",
        id="two periods of a country that overlap by a day",
    ),
    pytest.param(
        markets("33,FR,France,2025-07-01,", "33,FR,France,2025-07-01,"),
        "line 3, column valid_from: prefix 33, FR already holds on some of these days by line 2;"
        " let one period end the day before the other begins",
        id="a row twice",
    ),
    pytest.param(
        "prefix,iso2,market,valid_from\n",
        "line 1, column valid_to: the column is missing; begin the file with the line prefix,iso2,market,valid_from,valid_to",
        id="no column for the end",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), MARKET_MISTAKES)
def test_a_market_table_is_refused_with_one_sentence_for_its_one_mistake(text: str, sentence: str) -> None:
    assert problems_of({"markets.csv": text}) == [f"markets.csv {sentence}"]


def test_all_mistakes_of_all_files_are_told_at_once_by_file_and_line() -> None:
    found = problems_of(
        {
            "markets.csv": markets("33,fr,France,2025-07-01,"),
            "cards/b.csv": card("2026-01-01,USD,France,utility,1,,-1", "2026-01-01,EUR,Frence,utility,1,7,1"),
            "cards/a.csv": card("2026-13-01,XXX,France,promo,1,,1"),
        }
    )
    assert [sentence.partition(":")[0] for sentence in found] == [
        "cards/a.csv line 2, column effective_from",
        "cards/a.csv line 2, column currency",
        "cards/a.csv line 2, column category",
        "cards/b.csv line 2, column rate",
        "cards/b.csv line 3, column tier_to",
        "cards/b.csv line 3, column market",
        "markets.csv line 2, column iso2",
    ]


def test_one_rate_in_two_files_is_refused_once_for_the_second_file() -> None:
    rates = card("2026-01-01,USD,France,utility,1,9,0.03", "2026-01-01,USD,France,utility,10,,0.02")
    assert problems_of({"cards/a.csv": rates, "cards/b.csv": rates}) == [
        "cards/b.csv line 2: USD, France, utility from 2026-01-01 already stands in cards/a.csv line 2; "
        "keep it in one of the two files, or give a correction its known_from"
    ]


def test_a_misprinted_band_is_not_also_called_a_gap() -> None:
    text = card("2026-01-01,USD,France,utility,1,9,0.03", "2026-01-01,USD,France,utility,1O,,0.02")
    assert problems_of({"cards/mine.csv": text}) == [
        "cards/mine.csv line 3, column tier_from: '1O' is no count of messages; write a whole number, 1 for the first band"
    ]


def test_a_misprinted_row_of_the_market_table_does_not_make_its_market_unknown_to_the_cards() -> None:
    overlay = {
        "markets.csv": markets("37,XX,Atlantis,someday,"),
        "cards/mine.csv": card("2026-01-01,USD,Atlantis,utility,1,,0.03"),
    }
    assert problems_of(overlay) == ["markets.csv line 2, column valid_from: 'someday' is no date; write it as 2026-01-01"]


def test_a_market_that_the_overlays_own_table_takes_away_is_unknown_to_its_cards() -> None:
    overlay = {
        "markets.csv": markets("33,FR,Rest of Western Europe,2025-07-01,"),
        "cards/mine.csv": card("2026-01-01,USD,France,utility,1,,0.03"),
    }
    [sentence] = problems_of(overlay)
    assert sentence.startswith("cards/mine.csv line 2, column market: the market 'France' is named by no row of markets.csv")


def test_a_shipped_card_may_keep_a_market_that_the_overlay_took_away() -> None:
    load_catalog(SHIPPED, {"markets.csv": markets("33,FR,Rest of Western Europe,2025-07-01,")})


@pytest.mark.parametrize("category", ["utility", "authentication", "authentication_international"])
def test_bands_that_join_are_a_rate_in_whatever_order_they_stand(category: str) -> None:
    one = card(f"2026-01-01,USD,France,{category},1,100000,0.03", f"2026-01-01,USD,France,{category},100001,,0.02")
    two = card(f"2026-01-01,EUR,France,{category},100001,,0.02", f"2026-01-01,EUR,France,{category},1,100000,0.03")
    catalog = load_catalog({"markets.csv": MARKETS}, {"cards/one.csv": one, "cards/two.csv": two})
    for currency, name in (("USD", "one"), ("EUR", "two")):
        bands = catalog.bands(currency, "France", category, "2026-01-01")
        assert bands == ((30_000_000, 2, name, "1:100000"), (20_000_000, 2, name, "100001:MAX"))
        assert catalog.rate(currency, "France", category, "2026-01-01") == bands[0]


ACCEPTED = [
    pytest.param(f"\ufeff{card('2026-01-01,USD,France,utility,1,,0.03')}", id="a byte-order mark"),
    pytest.param(card("2026-01-01,USD,France,utility,1,,0.03").replace("\n", "\r\n"), id="lines of another system"),
    pytest.param(card("2026-01-01,USD,France,utility,1,,0.03") + "\n,,,,,,,\n", id="blank lines at the end"),
    pytest.param(card(" 2026-01-01 , USD ,France,utility, 1,  ,0.03"), id="blanks around cells"),
    pytest.param(card('"2026-01-01","USD","France","utility","1","","0.03"'), id="quotes around cells"),
    pytest.param(
        "note,rate,tier_to,tier_from,category,market,currency,effective_from,source\nmine,0.03,,1,utility,France,USD,2026-01-01,list\n",
        id="columns in another order, and one more",
    ),
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_spreadsheets_do_to_a_file_changes_no_price(text: str) -> None:
    rate = load_catalog({"markets.csv": MARKETS}, {"cards/mine.csv": text}).rate("USD", "France", "utility", "2026-01-01")
    assert rate == (30_000_000, 2, "mine", "1:MAX")


def test_days_that_no_row_of_a_prefix_covers_are_no_mistake() -> None:
    load_catalog({"markets.csv": f"{MARKETS_HEADER}\n33,FR,France,2025-07-01,2025-12-31,,\n33,FR,France,2026-03-01,,,\n"})
