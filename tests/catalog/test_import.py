"""`wameter cards import`: where cards go, and that what was imported prices messages as the list prints it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from rating.catalog import Catalog
from rating.catalog.cards import CardRow
from rating.catalog.cells import CATEGORIES, CURRENCIES
from streams.cards.catalog_files import load_directory
from streams.cards.importing import import_files, write
from streams.cards.report import printed_rate
from tests.catalog.published import card, files, rates, tiers, utility
from tests.cli.conftest import Wameter

FRANCE = "France,$US,0.0859,0.0300,0.0300,n/a,0.0300"
AFRICA = (utility("Rest of Africa", "0", "100,000", "0.0040"), utility("", "100,001", "--", "0.0038"))


@pytest.fixture
def list_file(tmp_path: Path) -> Path:
    return files(tmp_path, rates(FRANCE))[0]


def published(rows: list[CardRow]) -> str:
    """A card's rows as Meta would print them."""
    effective_from, currency = rows[0].effective_from, rows[0].key.currency
    by_market: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.tier_from == 1:
            by_market.setdefault(row.key.market, {})[row.key.category] = printed_rate(row)
    lines = [",".join([market, currency, *(said.get(category, "n/a") for category in CATEGORIES)]) for market, said in by_market.items()]
    return rates(*lines, title=f'"Cost per message in {currency}, effective {effective_from}"')


def published_tiers(rows: list[CardRow]) -> list[str]:
    """The utility rates of a card that have several bands, as Meta would print them; none where it has none."""
    names = sorted({row.key.market for row in rows if row.tier_from > 1})
    lines = []
    for name in names:
        for row in (row for row in rows if (row.key.market, row.key.category) == (name, "utility")):
            last = "--" if row.tier_to is None else f"{row.tier_to:,}"
            lines.append(utility(name if row.tier_from == 1 else "", f"{row.tier_from:,}", last, printed_rate(row)))
    return [tiers(*lines, title=f'"Volume tiers, effective {rows[0].effective_from}"')] if lines else []


def by_card(catalog: Catalog) -> dict[str, list[CardRow]]:
    cards: dict[str, list[CardRow]] = {}
    for row in catalog.cards:
        cards.setdefault(row.card, []).append(row)
    return cards


def test_every_shipped_card_comes_back_from_metas_layout_to_the_last_digit(tmp_path: Path) -> None:
    for name, rows in by_card(load_directory(None)).items():
        made = card(tmp_path, published(rows), *published_tiers(rows))
        assert made.name == name
        imported = {(one.key, one.tier_from, one.tier_to, one.rate) for one in made.rates if one.rate is not None}
        assert imported == {(row.key, row.tier_from, row.tier_to, printed_rate(row)) for row in rows}


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_list_in_each_currency_becomes_prices_in_that_currency_alone(tmp_path: Path, currency: str) -> None:
    text = rates(f'France,{currency},"1,940.1300",0.5,0.25,n/a,0.5', title="Rates, effective 2025-07-01")
    made = import_files(files(tmp_path, text))
    write({one: tmp_path / "own" / "cards" / f"{one.name}.csv" for one in made.cards})
    before, after = load_directory(None), load_directory(tmp_path / "own")
    rate = after.rate(currency, "France", "marketing", "2026-10-01")
    assert rate is not None
    assert (rate.rate_nanos, rate.decimals, rate.card) == (1_940_130_000_000, 4, f"meta-{currency.lower()}-2025-07-01")
    assert after.rate(currency, "France", "authentication_international", "2026-10-01") is None
    for other in set(CURRENCIES) - {currency}:
        assert after.rate(other, "France", "marketing", "2026-10-01") == before.rate(other, "France", "marketing", "2026-10-01")


def test_the_examples_make_the_card_that_was_checked_by_hand(wameter: Wameter) -> None:
    examples = Path(__file__).parents[2] / "examples" / "price-lists"
    ran = wameter("cards", "import", examples / "usd.csv", examples / "usd-volume-tiers.csv", "-o", "-")
    assert ran.out == (Path(__file__).parent / "golden" / "meta-usd-2026-10-01.csv").read_text(encoding="utf-8")


def test_no_rate_is_never_a_price_of_nothing(tmp_path: Path) -> None:
    made = import_files(files(tmp_path, rates("France,EUR,n/a,0.01,0.01,n/a,n/a", title="effective 2026-10-01")))
    write({one: tmp_path / "own" / "cards" / f"{one.name}.csv" for one in made.cards})
    catalog = load_directory(tmp_path / "own")
    for category in ("marketing", "authentication_international", "service"):
        assert catalog.charge_rate("EUR", "France", category, "2026-10-01") is None


def test_a_directory_gets_a_card_that_the_catalog_takes(wameter: Wameter, list_file: Path, tmp_path: Path) -> None:
    ran = wameter("cards", "import", list_file, "-o", "own")
    assert (ran.code, ran.out) == (0, "own/cards/meta-usd-2026-10-01.csv: USD from 2026-10-01, 4 rates in 1 market, 1 marked n/a\n")
    assert ran.err == f"{list_file} line 4: the currency '$US' is read as USD\n"
    shown = wameter("cards", "show", "--catalog", "own", "--market", "France", "--currency", "USD", "--category", "utility").out
    assert "0.0300   2026-10-01        meta-usd-2026-10-01" in shown
    assert list((tmp_path / "own" / "cards").iterdir()) == [tmp_path / "own" / "cards" / "meta-usd-2026-10-01.csv"]


def test_a_file_gets_the_card_under_the_name_that_is_given(wameter: Wameter, list_file: Path, tmp_path: Path) -> None:
    assert wameter("cards", "import", list_file, "-o", "mine.csv").code == 0
    with (tmp_path / "mine.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["category"], row["tier_from"], row["tier_to"], row["rate"]) for row in rows] == [
        ("marketing", "1", "", "0.0859"),
        ("utility", "1", "", "0.0300"),
        ("authentication", "1", "", "0.0300"),
        ("authentication_international", "1", "", ""),
        ("service", "1", "", "0.0300"),
    ]
    assert wameter("cards", "check", "mine.csv").out.startswith("ok: 5 rows, 1 market\n")


def test_standard_output_gets_the_card_and_nothing_else(wameter: Wameter, list_file: Path) -> None:
    ran = wameter("cards", "import", list_file, "-o", "-", "--source", "Meta")
    assert ran.out.splitlines()[:2] == [
        "effective_from,currency,market,category,tier_from,tier_to,rate,source",
        "2026-10-01,USD,France,marketing,1,,0.0859,Meta",
    ]


def test_two_cards_need_a_directory(wameter: Wameter, tmp_path: Path) -> None:
    two = files(tmp_path, rates(FRANCE), rates(FRANCE).replace("$US", "EUR").replace("USD", "EUR"))
    for output, sentence in (
        ("-", "the lists make 2 cards, and standard output takes one; name a directory with -o"),
        ("one.csv", "one.csv is one file, and the lists make 2 cards (meta-eur-2026-10-01, meta-usd-2026-10-01); name a directory"),
    ):
        ran = wameter("cards", "import", *two, "-o", output)
        assert (ran.code, ran.out, ran.err) == (2, "", f"wameter cards import: {sentence}\n")
    assert wameter("cards", "import", *two, "-o", "own").code == 0
    assert {path.name for path in (tmp_path / "own" / "cards").iterdir()} == {"meta-eur-2026-10-01.csv", "meta-usd-2026-10-01.csv"}


def test_a_card_that_is_there_already_is_replaced_only_when_asked(wameter: Wameter, tmp_path: Path) -> None:
    first, second = files(tmp_path, rates(FRANCE), rates(FRANCE.replace("0.0859", "0.0860")))
    place = tmp_path / "own" / "cards" / "meta-usd-2026-10-01.csv"
    wameter("cards", "import", first, "-o", "own")
    before = place.read_text(encoding="utf-8")
    assert wameter("cards", "import", first, "-o", "own").code == 0
    ran = wameter("cards", "import", second, "-o", "own")
    what = "own/cards/meta-usd-2026-10-01.csv is there already and says something else; write elsewhere, or give --replace"
    assert (ran.code, ran.err) == (2, f"wameter cards import: {what}\n")
    assert place.read_text(encoding="utf-8") == before
    assert wameter("cards", "import", second, "-o", "own", "--replace").code == 0
    assert "0.0860" in place.read_text(encoding="utf-8")


def test_with_one_mistake_in_one_of_two_files_nothing_is_written(wameter: Wameter, tmp_path: Path) -> None:
    good, bad = files(tmp_path, rates(FRANCE), rates(FRANCE.replace("$US", "EUR")).replace("USD", "EUR").replace("0.0859", "?"))
    ran = wameter("cards", "import", good, bad, "-o", "own")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["-o", "0.csv", "--replace"], "-o 0.csv is also read; write to another file", id="over a list that is read"),
        pytest.param(["-o", "taken.txt"], "taken.txt is no directory; name one, or a file that ends in .csv", id="no directory"),
        pytest.param(
            ["-o", "0.csv/own"],
            "0.csv/own/cards/meta-usd-2026-10-01.csv: cannot be written (not a directory); choose another place",
            id="in a file",
        ),
        pytest.param(
            ["-o", "own", "--market", "Turkey"], "write the printed name, = and the market table's name", id="a market without a name"
        ),
        pytest.param(
            ["-o", "own", "--effective-from", "soon"], "--effective-from: 'soon' is no date; write it as 2026-01-01", id="no date"
        ),
        pytest.param(["-o", "own", "--catalog", "nowhere"], "nowhere/markets.csv cannot be read", id="no market table"),
        pytest.param([], "missing option '-o' / '--output'", id="no output"),
    ],
)
def test_wrong_use_is_a_sentence(wameter: Wameter, list_file: Path, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "taken.txt").write_text("")
    before = list_file.read_text(encoding="utf-8")
    ran = wameter("cards", "import", list_file.name, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert "Traceback" not in ran.err
    assert list_file.read_text(encoding="utf-8") == before


def test_a_market_of_ones_own_comes_with_its_table(wameter: Wameter, tmp_path: Path) -> None:
    [own] = files(tmp_path, rates(FRANCE.replace("France", "Guernsey")))
    assert wameter("cards", "import", own, "-o", "-").code == 2
    (tmp_path / "own" / "cards").mkdir(parents=True)
    (tmp_path / "own" / "markets.csv").write_text("prefix,iso2,market,valid_from,valid_to\n441481,GG,Guernsey,2026-01-01,\n")
    (tmp_path / "own" / "cards" / "broken.csv").write_text("its cards are nobody's business here\n")
    assert "Guernsey" in wameter("cards", "import", own, "-o", "-", "--catalog", "own").out


def test_a_market_is_renamed_where_the_user_says_so(wameter: Wameter, tmp_path: Path) -> None:
    [own] = files(tmp_path, rates(FRANCE.replace("France", "Türkiye")))
    ran = wameter("cards", "import", own, "-o", "-", "--market", "Türkiye=Turkey", "--market", "Holland=Netherlands")
    assert "2026-10-01,USD,Turkey,marketing,1,,0.0859," in ran.out


def test_a_list_that_was_not_imported_is_told_so_by_the_other_commands(wameter: Wameter, list_file: Path) -> None:
    what = f"{list_file} is a price list as Meta publishes it; make it a card first: wameter cards import {list_file} -o DIR"
    for command in (["check", list_file], ["diff", list_file, "2026-10-01"]):
        ran = wameter("cards", *command)
        assert (ran.code, ran.err) == (2, f"wameter cards {command[0]}: {what}\n")


def test_the_bounds_of_bands_are_those_of_a_card(wameter: Wameter, tmp_path: Path) -> None:
    ran = wameter("cards", "import", *files(tmp_path, tiers(*AFRICA)), "-o", "-")
    assert [line.split(",")[4:7] for line in ran.out.splitlines()[1:]] == [["1", "100000", "0.0040"], ["100001", "", "0.0038"]]


def test_a_card_needs_no_import(wameter: Wameter, tmp_path: Path) -> None:
    [own] = files(tmp_path, "effective_from,currency,market,category,tier_from,tier_to,rate,source\n")
    assert wameter("cards", "import", own, "-o", "-").err == f"wameter cards import: {own}: is a card already; use it as it is\n"
