"""`wameter cards check`: without files, where the catalog has no price."""

from __future__ import annotations

from pathlib import Path

import pytest

from rating.catalog.cells import CURRENCIES
from rating.catalog.gaps import gaps
from streams.cards.catalog_files import load_directory
from streams.cli import cards_check
from tests.catalog.texts import card
from tests.cli.conftest import Wameter


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A directory that prices two categories of one market in pounds."""
    (tmp_path / "own" / "cards").mkdir(parents=True)
    (tmp_path / "own" / "cards" / "gbp.csv").write_text(card(*(f"2025-07-01,GBP,France,{one},1,,0.02" for one in ("marketing", "utility"))))
    return tmp_path / "own"


def test_every_gap_is_told_by_currency_days_categories_and_markets(wameter: Wameter) -> None:
    ran = wameter("cards", "check")
    assert ran.code == 0
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "EUR 2025-07-01 to 2026-06-30 all categories all markets" in lines
    assert "USD 2025-07-01 to 2025-12-31 all categories all markets but Argentina" in lines
    assert "from 2026-10-01 authentication_international Bangladesh" in lines
    assert lines[-1] == "no card at all: ARS, AUD, BRL, COP, GBP, IDR, MXN, MYR, PEN, SAR, SGD"
    assert len(lines) < 40
    assert max(map(len, ran.out.splitlines())) <= 140


def test_json_lists_every_gap_by_itself(wameter: Wameter) -> None:
    records = wameter("cards", "check", "--json").records
    assert records == [gap._asdict() for gap in gaps(load_directory(None))]
    assert records[0] == {
        "currency": "AED",
        "market": "Argentina",
        "category": "marketing",
        "first_day": "2025-07-01",
        "last_day": "2026-09-30",
    }


def test_a_date_and_a_currency_narrow_it(wameter: Wameter) -> None:
    records = wameter("cards", "check", "--json", "--date", "2026-10-15", "--currency", "EUR").records
    assert {record["currency"] for record in records} == {"EUR"}
    assert {record["market"] for record in records} >= {"Ukraine", "Oman"}
    assert len({record["market"] for record in records}) == 9
    assert (
        wameter("cards", "check", "--date", "2026-09-30", "--currency", "EUR").out
        == "no gap: every message that can be charged has a rate\n"
    )
    assert wameter("cards", "check", "--currency", "GBP").out == "no card at all: GBP\n"


def test_a_directory_is_laid_over_the_shipped_catalog(wameter: Wameter, own: Path) -> None:
    records = wameter("cards", "check", "--catalog", own, "--currency", "GBP", "--json").records
    assert [record for record in records if record["market"] == "France"] == [
        {"currency": "GBP", "market": "France", "category": "authentication", "first_day": "2025-07-01", "last_day": None}
    ]
    assert wameter("cards", "check", "--catalog", own).out.splitlines()[-1].startswith("no card at all: ARS, AUD, BRL, COP, IDR")


def test_a_market_that_prints_no_international_rate_misses_none(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "own" / "cards").mkdir(parents=True)
    (tmp_path / "own" / "cards" / "usd.csv").write_text(card("2026-10-01,USD,France,authentication_international,1,,"))
    with_row = wameter("cards", "check", "--catalog", "own", "--json").records
    assert with_row == wameter("cards", "check", "--json").records


def test_a_long_list_is_cut_and_says_how_to_see_the_rest(wameter: Wameter, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = wameter("cards", "check").out.splitlines()
    monkeypatch.setattr(cards_check, "LINES_MAX", 3)
    lines = wameter("cards", "check").out.splitlines()
    assert len(lines) < len(whole)
    [more] = [line for line in lines if line.startswith("and ")]
    assert more.endswith("more lines; --currency and --date show a part, --json every gap")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x.csv", "--date", "2026-10-01", "--json"], "--date, --json and files exclude each other; leave one of them out"),
        (["--currency", "usd"], "the catalog knows no currency 'usd'; write USD"),
        (["--date", "2026-02-30"], "2026-02-30 is no day of the calendar; write one that is"),
        (["--catalog", "nowhere"], "nowhere does not exist; name a directory that holds cards/*.csv or markets.csv"),
    ],
)
def test_wrong_use_is_a_sentence(wameter: Wameter, arguments: list[str], sentence: str) -> None:
    ran = wameter("cards", "check", *arguments)
    assert (ran.code, ran.out, ran.err) == (2, "", f"wameter cards check: {sentence}\n")


def test_the_currencies_are_those_in_which_whatsapp_bills() -> None:
    assert len(CURRENCIES) == 16
