"""Meta's tables of volume tiers: bands that join are read, and nothing is made of those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rating.catalog.cards import read_cards
from rating.catalog.problems import Findings
from rating.catalog.published import write_card
from tests.catalog.published import NO_BAND, TIER_HEADER, TIER_HEADINGS, bands, card, imported, problems, rates, tiers, utility

BRAZIL = (
    f'Brazil,$US,0,"250,000",List rate,0.0350,0%,0,"500,000",List rate,0.0350,0%,{NO_BAND}',
    f',$US,"250,001","2,000,000",Tier rate,0.0333,-5%,"500,001",--,Tier rate,0.0333,-5%,{NO_BAND}',
    f',$US,"2,000,001",--,Tier rate,0.0315,-10%,{NO_BAND},{NO_BAND}',
)
THREE = f"{TIER_HEADINGS.splitlines()[0]},Authentication-International,,,,"
THREE_HEADER = f"{TIER_HEADER},From,To,Rate type,Rate,vs. List rate"
AFRICA = (
    utility("Rest of Africa", "0", "100,000", "0.0040"),
    utility("", "100,001", "1,000,000", "0.0038"),
    utility("", "1,000,001", "--", "0.0036"),
)


def test_the_bands_of_every_category_are_read_side_by_side(tmp_path: Path) -> None:
    assert bands(card(tmp_path, tiers(*BRAZIL, headings=THREE, header=THREE_HEADER))) == [
        ("Brazil", "utility", "1:250000", "0.0350"),
        ("Brazil", "utility", "250001:2000000", "0.0333"),
        ("Brazil", "utility", "2000001:MAX", "0.0315"),
        ("Brazil", "authentication", "1:500000", "0.0350"),
        ("Brazil", "authentication", "500001:MAX", "0.0333"),
    ]


def test_a_market_is_named_in_its_first_row_alone_and_the_next_one_ends_it(tmp_path: Path) -> None:
    rows = [*AFRICA, utility("Other", "0", "100,000", "0.0077"), utility("", "100,001", "--", "0.0073")]
    assert [(market, tier) for market, _, tier, _ in bands(card(tmp_path, tiers(*rows)))] == [
        ("Other", "1:100000"),
        ("Other", "100001:MAX"),
        ("Rest of Africa", "1:100000"),
        ("Rest of Africa", "100001:1000000"),
        ("Rest of Africa", "1000001:MAX"),
    ]


def test_a_card_of_bands_is_one_that_the_catalog_reads(tmp_path: Path) -> None:
    findings = Findings()
    rows = read_cards("made.csv", write_card(card(tmp_path, tiers(*AFRICA))), findings)
    assert findings.sentences() == []
    assert [(row.tier, row.rate_nanos, row.decimals) for row in rows] == [
        ("1:100000", 4_000_000, 4),
        ("100001:1000000", 3_800_000, 4),
        ("1000001:MAX", 3_600_000, 4),
    ]


def test_the_first_band_starts_at_the_first_message_be_it_printed_0_or_1(tmp_path: Path) -> None:
    rows = [utility("Other", "1", "10", "0.2"), utility("", "11", "--", "0.1")]
    assert [tier for _, _, tier, _ in bands(card(tmp_path, tiers(*rows)))] == ["1:10", "11:MAX"]


def test_without_a_second_band_the_rate_is_one_for_all(tmp_path: Path) -> None:
    made = card(tmp_path, tiers(utility("Other", "0", "--", "0.0077")))
    assert bands(made) == [("Other", "utility", "1:MAX", "0.0077")]
    assert made.said == "USD from 2026-10-01, 1 rate in 1 market"


def test_thousands_commas_are_read_in_rates_too(tmp_path: Path) -> None:
    rows = [utility("Other", "0", "100", '"1,940.13"'), utility("", "101", "--", '"1,843.12"')]
    assert [rate for *_, rate in bands(card(tmp_path, tiers(*rows)))] == ["1940.13", "1843.12"]


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        pytest.param(
            [utility("Other", "0", "100", "0.2"), utility("", "201", "--", "0.1")],
            "line 7, column Utility From: the band starts at 201, and 101 comes next; make the bands join",
            id="a gap",
        ),
        pytest.param(
            [utility("Other", "0", "100", "0.2"), utility("", "100", "--", "0.1")],
            "line 7, column Utility From: the band starts at 100, and 101 comes next; make the bands join",
            id="an overlap",
        ),
        pytest.param(
            [utility("Other", "100", "--", "0.2")],
            "line 6, column Utility From: the band starts at 100, and 1 comes next; make the bands join",
            id="a first band that begins later",
        ),
        pytest.param(
            [utility("Other", "0", "--", "0.2"), utility("", "101", "--", "0.1")],
            "line 7, column Utility From: a band follows one without an end; give the one before its end, or write -- here",
            id="a band after the last",
        ),
        pytest.param(
            [utility("Other", "0", "100", "0.2"), utility("", "101", "200", "0.1")],
            "line 7, column Utility To: the last band of Other ends at 200; write -- for no end",
            id="an end of the last band",
        ),
        pytest.param(
            [utility("Other", "0", "100", "0.2"), utility("", "101", "99", "0.1")],
            "line 7, column Utility To: the band ends before it starts; write 101 or more",
            id="a band that runs backwards",
        ),
        pytest.param(
            [utility("Other", "0", "1 00", "0.2"), utility("", "101", "--", "0.1")],
            "line 6, column Utility To: '1 00' is no count of messages; write a whole number, such as 100,000, or -- for no end",
            id="no count, and the bands beside it are not judged",
        ),
        pytest.param(
            [utility("Other", "n/a", "--", "0.2")],
            "line 6, column Utility From: 'n/a' is no count of messages; write a whole number, such as 100,001",
            id="a band that is n/a in one cell only",
        ),
        pytest.param(
            [utility("Other", "0", "UNKNOWN", "0.2")],
            "line 6, column Utility To: 'UNKNOWN' is no count of messages",
            id="an end that nobody knows",
        ),
        pytest.param(
            [utility("Other", "0", "--", "n/a")],
            "line 6, column Utility Rate: the band has no rate: 'n/a'; write its rate",
            id="a band without a rate",
        ),
        pytest.param(
            [utility("", "0", "--", "0.2")],
            "line 6, column Market: the first row of bands names no market; write it there",
            id="no market",
        ),
        pytest.param(
            [*AFRICA, utility("Rest of Africa", "0", "--", "0.1")],
            "line 9, column Market: the bands of Rest of Africa already begin in line 6; keep them together",
            id="a market that begins twice",
        ),
        pytest.param(
            [utility("Atlantis", "0", "--", "0.1")],
            "line 6, column Market: 'Atlantis' is no market that the market table names",
            id="an unknown market",
        ),
        pytest.param(
            [utility("Other", "0", "--", "0.1").replace("$US", "$")],
            "line 6, column Currency: '$' names no currency in which WhatsApp bills, or more than one",
            id="an unknown currency",
        ),
        pytest.param(
            [utility("Other", "0", "--", "0.1") + ",1"],
            "line 6: a cell stands beyond the last column; quote a cell that holds a comma",
            id="a cell too many",
        ),
        pytest.param([], "line 4: no bands stand under the header; name the whole table", id="nothing"),
    ],
)
def test_bands_that_cannot_be_right_are_refused_at_their_place(tmp_path: Path, rows: list[str], what: str) -> None:
    [problem] = problems(tmp_path, tiers(*rows))
    assert problem.startswith(f"0.csv {what}")


@pytest.mark.parametrize(
    ("headings", "header", "what"),
    [
        pytest.param(
            ",,Marketing,,,,,Authentication",
            TIER_HEADER,
            "column From 3: no heading above the column names one of utility, authentication, authentication_international",
            id="a category without bands",
        ),
        pytest.param(",,,,,,,Authentication", TIER_HEADER, "column From 3: no heading above the column names one of", id="no heading"),
        pytest.param(",,Utility,,,,,Utility", TIER_HEADER, "column Utility: the category stands twice", id="a heading twice"),
        pytest.param(
            ",,Utility",
            "Market,Currency,From,To,Rate,Surprise",
            "column From: the column 'surprise' is unknown among those of Utility",
            id="an unknown column",
        ),
    ],
)
def test_columns_that_are_unclear_are_refused(tmp_path: Path, headings: str, header: str, what: str) -> None:
    [problem] = problems(tmp_path, tiers(*AFRICA, headings=headings, header=header))
    assert problem.startswith(f"0.csv line {2 + headings.count(chr(10)) + 1}, {what}")


def test_a_tier_table_and_a_rate_card_make_one_card(tmp_path: Path) -> None:
    made = card(tmp_path, rates("Rest of Africa,$US,0.0225,0.0040,0.0040,n/a,0.0040"), tiers(*AFRICA))
    assert bands(made) == [
        ("Rest of Africa", "marketing", "1:MAX", "0.0225"),
        ("Rest of Africa", "utility", "1:100000", "0.0040"),
        ("Rest of Africa", "utility", "100001:1000000", "0.0038"),
        ("Rest of Africa", "utility", "1000001:MAX", "0.0036"),
        ("Rest of Africa", "authentication", "1:MAX", "0.0040"),
        ("Rest of Africa", "authentication_international", "1:MAX", None),
        ("Rest of Africa", "service", "1:MAX", "0.0040"),
    ]
    assert made.said == "USD from 2026-10-01, 4 rates in 1 market, 1 of them in volume tiers, 1 marked n/a"


def test_a_tier_table_whose_first_band_is_not_the_list_rate_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, rates("Rest of Africa,$US,0.0225,0.0041,0.0040,n/a,0.0040"), tiers(*AFRICA))
    assert found == [
        "1.csv line 6, column Utility Rate: USD, Rest of Africa, utility is 0.0040 here and 0.0041 in 0.csv line 4; "
        "leave out the list that is wrong"
    ]


def test_a_first_band_with_other_decimals_is_the_list_rate_too(tmp_path: Path) -> None:
    made = card(tmp_path, rates("Rest of Africa,$US,0.0225,0.004,0.0040,n/a,0.0040"), tiers(*AFRICA))
    assert [rate for _, category, _, rate in bands(made) if category == "utility"] == ["0.0040", "0.0038", "0.0036"]


@pytest.mark.parametrize(
    "text", [rates("France,$US,0.1,0.1,0.1,n/a,0.1"), tiers(utility("France", "0", "--", "0.1"))], ids=["card", "tiers"]
)
def test_the_same_list_twice_is_refused(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, text, text)
    assert found
    assert all("already stands in 0.csv line" in problem and problem.startswith("1.csv line") for problem in found)


def test_lists_of_several_currencies_and_days_make_a_card_each(tmp_path: Path) -> None:
    dollars = rates("France,$US,0.1,0.1,0.1,n/a,0.1")
    euros = dollars.replace("$US", "EUR").replace("USD", "EUR")
    earlier = dollars.replace("October", "July")
    assert [made.name for made in imported(tmp_path, dollars, euros, earlier).cards] == [
        "meta-eur-2026-10-01",
        "meta-usd-2026-07-01",
        "meta-usd-2026-10-01",
    ]
