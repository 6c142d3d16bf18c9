"""What changes between two price lists, in rate and percent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rating.catalog import load_catalog
from rating.catalog.cards import read_cards
from rating.catalog.diff import Change, compare, rates_of, rates_on
from rating.catalog.problems import Findings
from streams.cards.diff import difference_text, percent_text
from tests.catalog.texts import MARKETS, card
from tests.cli.conftest import Wameter


def changes(old: str, new: str) -> list[Change]:
    sides = [rates_of(read_cards("card.csv", text, Findings())) for text in (old, new)]
    return list(compare(*sides).changes)


def change(old: str, new: str) -> Change:
    """From one rate to another; "-" is no row at all."""
    beside = "2026-01-01,USD,Poland,marketing,1,,1"
    sides = [card(beside, *([] if rate == "-" else [f"2026-01-01,USD,France,utility,1,,{rate}"])) for rate in (old, new)]
    [found] = [one for one in changes(*sides) if one.key.market == "France"]
    return found


@pytest.mark.parametrize(
    ("old", "new", "kind", "difference", "percent"),
    [
        pytest.param("0.0691", "0.0795", "raised", "+0.0104", "+15.05", id="raised"),
        pytest.param("0.0053", "0.0009", "lowered", "-0.0044", "-83.02", id="lowered"),
        pytest.param("0.03", "0.0300", "same", "0.0000", "0.00", id="the same with other decimals"),
        pytest.param("0.03", "0.031", "raised", "+0.001", "+3.33", id="the decimals of the card that prints more"),
        pytest.param("1940.13", "1843.12", "lowered", "-97.01", "-5.00", id="large ones"),
        pytest.param("3", "4", "raised", "+1", "+33.33", id="without decimals"),
        pytest.param("8", "8.001", "raised", "+0.001", "+0.01", id="a hundredth of a percent, rounded to the nearest"),
        pytest.param("800", "800.04", "raised", "+0.04", "+0.01", id="half of one is rounded away from zero"),
        pytest.param("800", "799.96", "lowered", "-0.04", "-0.01", id="below zero too"),
        pytest.param("800", "800.03", "raised", "+0.03", "0.00", id="less than half of one"),
        pytest.param("0.1", "0", "lowered", "-0.1", "-100.00", id="to nothing"),
        pytest.param("0", "0.1", "raised", "+0.1", None, id="from nothing there is no percent"),
        pytest.param("0", "0", "same", "0", None, id="nothing stays nothing"),
    ],
)
def test_a_change_is_told_in_rate_and_percent(old: str, new: str, kind: str, difference: str, percent: str | None) -> None:
    found = change(old, new)
    assert (found.kind, difference_text(found)) == (kind, difference)
    assert (None if found.percent_hundredths is None else percent_text(found.percent_hundredths)) == percent


@pytest.mark.parametrize(("old", "new", "kind"), [("-", "0.1", "new"), ("", "0.1", "new"), ("0.1", "-", "gone"), ("0.1", "", "gone")])
def test_a_rate_that_only_one_side_has_is_new_or_gone_be_its_row_missing_or_empty(old: str, new: str, kind: str) -> None:
    found = change(old, new)
    assert (found.kind, found.difference_nanos, found.percent_hundredths) == (kind, None, None)


def test_what_neither_side_prices_is_no_change() -> None:
    old, new = card("2026-01-01,USD,France,utility,1,,"), card("2026-01-01,USD,France,marketing,1,,")
    assert changes(old, new) == []


def test_of_several_dates_the_latest_counts() -> None:
    old = card("2026-01-01,USD,France,utility,1,,1", "2026-07-01,USD,France,utility,1,,2")
    new = card("2026-10-01,USD,France,utility,1,,3", "2026-04-01,USD,France,utility,1,,9")
    [found] = changes(old, new)
    assert difference_text(found) == "+1"


def test_bands_are_compared_by_their_bounds_and_stand_in_their_order() -> None:
    old = card("2026-01-01,USD,France,utility,1,100,3", "2026-01-01,USD,France,utility,101,,2")
    new = card(*(f"2026-01-01,USD,France,utility,{band}" for band in ("1,100,4", "101,2000,2", "2001,,1")))
    assert [(one.tier, one.kind) for one in changes(old, new)] == [
        ("1:100", "raised"),
        ("101:2000", "new"),
        ("101:MAX", "gone"),
        ("2001:MAX", "new"),
    ]


def test_currencies_that_one_side_has_alone_are_named_and_never_compared() -> None:
    old, new = card("2026-01-01,USD,France,utility,1,,1", "2026-01-01,EUR,France,utility,1,,1"), card("2026-01-01,USD,France,utility,1,,1")
    sides = [rates_of(read_cards("card.csv", text, Findings())) for text in (old, new)]
    found = compare(*sides)
    assert ({one.key.currency for one in found.changes}, found.only_old, found.only_new) == ({"USD"}, ("EUR",), ())


def test_on_a_day_only_what_is_in_force_in_markets_of_that_day_counts() -> None:
    rows = ["2026-01-01,USD,France,utility,1,,1", "2026-07-01,USD,France,utility,1,,2", "2026-01-01,USD,Poland,utility,1,,3"]
    loaded = load_catalog({"markets.csv": MARKETS, "cards/card.csv": card(*rows)})
    for date, found in (
        ("2025-12-31", []),
        ("2026-06-30", [("France", 1)]),
        ("2026-07-01", [("France", 2), ("Poland", 3)]),
    ):
        assert sorted((key.market, (row.rate_nanos or 0) // 10**9) for (key, _), row in rates_on(loaded, date).items()) == found


def test_a_service_message_without_a_rate_of_its_own_costs_what_utility_does_once_it_is_charged() -> None:
    rows = ["2026-01-01,USD,France,utility,1,,0.03", "2026-01-01,USD,Other,utility,1,,0.01", "2026-01-01,USD,Other,service,1,,"]
    loaded = load_catalog({"markets.csv": MARKETS, "cards/card.csv": card(*rows)})
    services = [
        [(key.market, row.rate_nanos) for (key, _), row in rates_on(loaded, date).items() if key.category == "service"]
        for date in ("2026-09-30", "2026-10-01")
    ]
    assert services == [[], [("France", 30_000_000)]]


def test_the_table_names_both_sides_and_counts_what_it_does_not_show(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(card("2026-01-01,GBP,France,utility,1,,0.0220", "2026-01-01,GBP,France,marketing,1,,0.0600"))
    (tmp_path / "new.csv").write_text(card("2026-01-01,GBP,France,utility,1,,0.0220", "2026-01-01,GBP,France,marketing,1,,0.0630"))
    ran = wameter("cards", "diff", "old.csv", "new.csv")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "A: old.csv",
        "B: new.csv",
        "",
        " Currency   Market   Category    Tier        A        B    Change       %",
        " ─────────────────────────────────────────────────────────────────────────────────",
        " GBP        France   marketing          0.0600   0.0630   +0.0030   +5.00   raised",
        "",
        "GBP: 1 raised, 1 the same",
    ]
    assert "0.0220" in wameter("cards", "diff", "old.csv", "new.csv", "--all").out
    assert wameter("cards", "diff", "old.csv", "old.csv").out.splitlines()[-1] == "GBP: nothing changes, 2 the same"


def test_json_is_a_line_for_each_change(wameter: Wameter, tmp_path: Path) -> None:
    ran = wameter("cards", "diff", "2026-06-30", "2026-07-01", "--currency", "USD", "--json")
    italy = next(record for record in ran.records if record["market"] == "Italy")
    assert italy == {
        "currency": "USD",
        "market": "Italy",
        "category": "marketing",
        "tier": "1:MAX",
        "change": "raised",
        "old": "0.0691",
        "new": "0.0795",
        "difference": "+0.0104",
        "percent": "+15.05",
        "old_card": "meta-usd-2026-01-01",
        "new_card": "meta-usd-2026-07-01",
    }
    assert wameter("cards", "diff", "2026-06-30", "2026-07-01", "--currency", "USD", "--json", "out.jsonl").out == ""
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()] == ran.records


def test_a_directory_is_compared_as_it_is_used_laid_over_the_shipped_catalog(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "own" / "cards").mkdir(parents=True)
    (tmp_path / "own" / "cards" / "mine.csv").write_text(card("2026-10-01,USD,France,utility,1,,0.0310"))
    ran = wameter("cards", "diff", "2026-10-15", "own")
    assert ran.out.splitlines()[:2] == ["A: the shipped catalog on 2026-10-15", "B: own over the shipped catalog on 2026-10-15"]
    assert "USD: 1 raised, 202 the same" in ran.out
    early = wameter("cards", "diff", "2026-10-15", "own", "--date", "2026-09-30")
    assert "own over the shipped catalog on 2026-09-30" in early.out
    assert wameter("cards", "diff", "own", "own").out.splitlines()[0] == "A: own over the shipped catalog on 2026-10-01"


def test_a_directory_with_a_market_table_alone_is_compared_on_the_latest_day(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "markets.csv").write_text("prefix,iso2,market,valid_from,valid_to\n960,MV,Rest of Asia Pacific,2025-07-01,\n")
    assert wameter("cards", "diff", "own", "own").out.splitlines()[0] == "A: own over the shipped catalog on 2026-10-01"


def test_two_without_a_currency_in_common_are_told_so(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(card("2026-01-01,GBP,France,utility,1,,0.0220"))
    (tmp_path / "new.csv").write_text(card("2026-01-01,EUR,France,utility,1,,0.0220"))
    assert wameter("cards", "diff", "old.csv", "new.csv").out.splitlines()[3:] == [
        "nothing to compare: the two have no currency in common",
        "only in old.csv, and not compared: GBP",
        "only in new.csv, and not compared: EUR",
    ]


def test_wrong_use_is_told_all_at_once(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(card("2026-01-01,GBP,France,utility,1,,-1", "2026-01-01,GBX,France,utility,1,,1"))
    (tmp_path / "empty").mkdir()
    prefix = "wameter cards diff: "
    assert wameter("cards", "diff", "nowhere", "2026-02-30", "--date", "x").err.splitlines() == [
        f"{prefix}nowhere does not exist; name a card, a catalog directory, or a day of the shipped catalog, such as 2026-10-01",
        f"{prefix}2026-02-30 is no day of the calendar; write one that is",
        f"{prefix}--date x is no date; write it as 2026-01-01",
    ]
    found = wameter("cards", "diff", "bad.csv", "empty").err.splitlines()
    assert [line.partition(" line ")[0] for line in found[:2]] == [f"{prefix}bad.csv"] * 2
    assert found[2] == f"{prefix}empty holds neither cards/*.csv nor markets.csv; put a card or a market table in it"
    assert "'--currency': 'XXX' is not one of" in wameter("cards", "diff", "2026-01-01", "2026-10-01", "--currency", "XXX").err
