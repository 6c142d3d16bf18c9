"""What `wameter cards check` and `wameter cards show` tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from rating.catalog import Catalog, CatalogProblems, load_catalog
from streams.cards.catalog_files import load_directory
from streams.cards.report import check_files, show
from tests.catalog.texts import MARKETS, card, markets


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return load_directory(None)


def file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_card_is_counted_and_what_it_leaves_unpriced_is_told(tmp_path: Path) -> None:
    rows = [f"2025-07-01,GBP,France,{category},1,,0.02" for category in ("marketing", "utility", "authentication")]
    report = check_files([file(tmp_path / "gbp.csv", card(*rows))])
    assert report.problems == ()
    assert report.lines()[0] == "ok: 3 rows, 1 market"
    assert "no rate: GBP, from 2025-07-01: all categories in all markets but France" in report.lines()
    assert all(gap.currency == "GBP" for gap in report.gaps)


def test_a_card_and_its_market_table_are_checked_together(tmp_path: Path) -> None:
    table = file(tmp_path / "markets.csv", markets("999,XX,Atlantis,2025-07-01,"))
    own = file(tmp_path / "own.csv", card("2026-01-01,GBP,Atlantis,utility,1,,0.02"))
    assert check_files([table, own]).lines()[0] == "ok: 2 rows, 1 market"
    [sentence] = check_files([own]).lines()
    assert sentence.startswith(f"{own} line 2, column market: the market 'Atlantis' is named by no row of markets.csv")


def test_what_is_wrong_is_all_that_is_told(tmp_path: Path) -> None:
    own = file(tmp_path / "own.csv", card("2026-01-01,GBP,France,utility,1,,-1", "2026-01-01,GBX,France,utility,1,,1"))
    report = check_files([own, tmp_path / "nowhere.csv"])
    assert len(report.problems) == 3
    assert report.lines() == list(report.problems)


def test_every_rate_is_shown_with_the_days_it_holds(shipped: Catalog) -> None:
    rows = show(shipped, currency="INR", market="India", category="marketing")
    assert [(row.rate, row.effective_from, row.effective_to, row.card) for row in rows] == [
        ("0.7846", "2025-10-01", "2026-06-30", "meta-inr-2025-10-01"),
        ("0.8631", "2026-07-01", "2026-09-30", "meta-inr-2026-07-01"),
        ("0.8631", "2026-10-01", "", "meta-inr-2026-10-01"),
    ]


@pytest.mark.parametrize(
    ("date", "rate"),
    [
        pytest.param("2025-09-30", [], id="before the first"),
        pytest.param("2025-10-01", ["0.7846"], id="the first day"),
        pytest.param("2026-06-30", ["0.7846"], id="the last day of a rate"),
        pytest.param("2026-07-01", ["0.8631"], id="the first day of the next"),
    ],
)
def test_with_a_date_only_the_rate_in_force_is_shown(shipped: Catalog, date: str, rate: list[str]) -> None:
    assert [row.rate for row in show(shipped, currency="INR", market="India", category="marketing", date=date)] == rate


def test_without_filters_every_row_is_shown(shipped: Catalog) -> None:
    assert len(show(shipped)) == len(shipped.cards)


def test_with_a_date_only_markets_of_the_day_are_shown() -> None:
    loaded = load_catalog({"markets.csv": MARKETS, "cards/own.csv": card("2026-01-01,USD,Poland,utility,1,,0.02")})
    assert show(loaded, date="2026-06-30") == []
    assert [row.market for row in show(loaded, date="2026-07-01")] == ["Poland"]


@pytest.mark.parametrize("printed", ["0", "0.03", "0.0300", "78.4917", "0.123456789", "12", ""])
def test_a_rate_is_shown_as_its_card_prints_it(printed: str) -> None:
    loaded = load_catalog({"markets.csv": MARKETS, "cards/own.csv": card(f"2026-01-01,USD,France,utility,1,,{printed}")})
    assert [row.rate for row in show(loaded)] == [printed]


def test_filters_that_nothing_can_match_are_told_all_at_once(shipped: Catalog) -> None:
    with pytest.raises(CatalogProblems) as refused:
        show(shipped, currency="usd", market="Frence", category="utilities", date="2026-02-30")
    assert list(refused.value.problems) == [
        "the catalog knows no currency 'usd'; write USD",
        "the catalog knows no market 'Frence'; write France",
        "the catalog knows no category 'utilities'; write utility",
        "2026-02-30 is no day of the calendar; write one that is",
    ]
