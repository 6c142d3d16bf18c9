"""Whatever a file holds: it makes a card that the catalog reads, figure for figure, or sentences; never anything else."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from rating.catalog.cards import CardRow, read_cards
from rating.catalog.markets import MarketTable
from rating.catalog.problems import Findings
from rating.catalog.published import PublishedCard, Sheet, SheetRow, Surroundings, cards_of, read_sheet, write_card
from streams.cards.catalog_files import load_directory

MARKETS = load_directory(None).markets
TABLE = MarketTable(list(MARKETS), {row.market for row in MARKETS} | {"Other"})
TITLE = ("Cost per message in USD, effective October 1, 2026",)
HEADER = ("Market", "Currency", "Marketing", "Utility", "Authentication", "Authentication-\nInternational", "Service")
HEADINGS = ("", "", "Utility", "", "", "", "", "Authentication")
TIER_HEADER = ("Market", "Currency", *("From", "To", "Rate type", "Rate", "vs. List rate") * 2)

anything = st.sampled_from(
    ["", "n/a", "--", "0", "1", "100", "101", "1,940", "1,940.13", "0,035", "-1", "$", "€", "Market", "From", "Utility", "effective"]
)
names = st.sampled_from(["France", "Other", "Rest of Africa", "Poland", "", "Atlantis", "Note"])
rates = st.one_of(st.sampled_from(["n/a", "0.0300", "1,940.13", "12"]), st.decimals(0, 2_000, places=4).map(lambda one: f"{one:,}"))
counts = st.sampled_from(["0", "1", "100", "101", "100,000", "100,001", "--"])
currencies = st.sampled_from(["$US", "USD", "USD", "$US", "EUR"])


def rows_of(*cells: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, ...]]]:
    """Rows that look like prices, of which now and then a cell is anything."""
    likely = st.tuples(*(st.one_of(*[cell] * 24, anything, st.text(max_size=6)) for cell in cells))
    return st.lists(likely, max_size=6)


def read(*rows: tuple[str, ...]) -> tuple[list[PublishedCard], list[str]]:
    findings = Findings()
    sheet = Sheet("list.csv", "list.csv", [SheetRow(line, row) for line, row in enumerate(rows, 1)])
    cards = cards_of(read_sheet(sheet, Surroundings(TABLE, None, {}, findings)), findings)
    return cards, findings.sentences()


def loaded(card: PublishedCard) -> list[CardRow]:
    findings = Findings()
    rows = read_cards("card.csv", write_card(card), findings)
    assert findings.sentences() == []
    return rows


def check(cards: list[PublishedCard], sentences: list[str]) -> None:
    for sentence in sentences:
        assert re.match(r"list\.csv( line \d+(, column [^:]+)?)?: .+; .+", sentence, re.DOTALL), sentence
    for card in [] if sentences else cards:
        assert {row.key.currency for row in loaded(card)} == {card.currency}


@settings(deadline=None, max_examples=300)
@given(rows_of(names, currencies, rates, rates, rates, rates, rates))
def test_a_rate_card_is_right_or_refused(rows: list[tuple[str, ...]]) -> None:
    cards, sentences = read(TITLE, HEADER, *rows)
    check(cards, sentences)
    if not sentences:
        printed = [cell for row in rows if any(cell.strip() for cell in row[1:]) for cell in row[2:]]
        read_again = [one for card in cards for one in loaded(card)]
        assert sorted(row.rate_nanos is None for row in read_again) == sorted(cell.casefold().strip() == "n/a" for cell in printed)


@settings(deadline=None, max_examples=300)
@given(
    rows_of(names, currencies, counts, counts, st.just("List rate"), rates, st.just("0%"), counts, counts, st.just(""), rates, st.just(""))
)
def test_a_table_of_tiers_is_right_or_refused(rows: list[tuple[str, ...]]) -> None:
    check(*read(TITLE, HEADINGS, TIER_HEADER, *rows))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(st.one_of(anything, st.text(max_size=8)), max_size=8).map(tuple), max_size=8))
def test_any_table_is_right_or_refused(rows: list[tuple[str, ...]]) -> None:
    check(*read(*rows))
