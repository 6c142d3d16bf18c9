"""`wameter whatif`: nothing changed is no difference, and what would be is what `wameter rate` says when it is so."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams.settings import Settings
from streams.traffic import events, profiles
from tests.cli import rated_system
from tests.cli.conftest import Wameter
from tests.test_readme import SHOWN, printed
from tests.test_tidy import ROOT

EVENTS = 4000
CARD = "effective_from,currency,market,category,tier_from,tier_to,rate,source\n2025-01-01,USD,France,utility,1,,0.5,own\n"
PAGE = ROOT / "docs" / "whatif.md"


@pytest.fixture
def history(tmp_path: Path) -> tuple[Path, Path]:
    """Sample traffic and its accounts."""
    file, accounts = tmp_path / "events.jsonl", tmp_path / "accounts.jsonl"
    file.write_bytes(b"".join(event + b"\n" for event in events(3, EVENTS)))
    accounts.write_bytes(b"".join(profile + b"\n" for profile in profiles()))
    return file, accounts


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    directory = tmp_path / "own"
    (directory / "cards").mkdir(parents=True)
    (directory / "cards" / "own.csv").write_text(CARD, encoding="utf-8")
    return directory


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_with_nothing_changed_nothing_is_different(history: tuple[Path, Path], wameter: Wameter) -> None:
    file, accounts = history
    ran = wameter("whatif", file, "--accounts", accounts, "--json", "-")
    assert len(ran.records) > 50
    assert all(row["before"] == row["after"] for row in ran.records)
    assert {row["difference"]["amount"] for row in ran.records} <= {"0", "0.0000"}
    assert "Nothing would be different." in wameter("whatif", file, "--accounts", accounts).out


def test_what_would_be_is_what_rate_says_with_those_cards_and_fees(
    history: tuple[Path, Path], cards: Path, wameter: Wameter, tmp_path: Path
) -> None:
    file, accounts = history
    changed = tmp_path / "changed.jsonl"
    fee = {"percent": "12.5", "decimals": 6}
    changed.write_text("".join(json.dumps({**profile, "fee": fee}) + "\n" for profile in read(accounts)), encoding="utf-8")
    wameter("rate", file, "--accounts", accounts, "--totals", "before.jsonl")
    wameter("rate", file, "--accounts", changed, "--catalog", cards, "--totals", "after.jsonl")
    flags = ("--cards", cards, "--fee", "12.5", "--fee-decimals", "6")
    wameter("whatif", file, "--accounts", accounts, *flags, "--totals", "would-be.jsonl", "--json", "rows.jsonl")
    assert read(tmp_path / "would-be.jsonl") == read(tmp_path / "after.jsonl")
    rows = read(tmp_path / "rows.jsonl")
    for side in ("before", "after"):
        totals = read(tmp_path / f"{side}.jsonl")
        assert sum(Decimal(row[side]["amount"]) for row in rows) == sum(Decimal(total["amount"]) for total in totals)
    changes = sum(Decimal(row["after"]["amount"]) - Decimal(row["before"]["amount"]) for row in rows)
    assert changes == sum(Decimal(row["difference"]["amount"]) for row in rows) != 0


def test_several_processes_say_what_one_says(history: tuple[Path, Path], wameter: Wameter) -> None:
    file, accounts = history
    asked = ("whatif", file, "--accounts", accounts, "--rulebook", "2026-10-01", "--json", "-")
    assert wameter(*asked, "--jobs", 2).out == wameter(*asked).out


@pytest.mark.parametrize(
    ("rulebook", "charged", "amount"),
    [
        pytest.param("2025-07-01", 1, "0.0300", id="in force on that day: utility in the window is free"),
        pytest.param("2026-10-01", 2, "0.0600", id="the later one for a day before it: utility in the window is charged"),
    ],
)
def test_a_rulebook_decides_on_all_dates(rulebook: str, charged: int, amount: str, wameter: Wameter) -> None:
    example = ROOT / "examples" / "worked-example"
    flags = ("--accounts", example / "accounts.json", "--rulebook", rulebook, "--json", "-")
    (utility,) = (row for row in wameter("whatif", example / "january.jsonl", *flags).records if row["category"] == "utility")
    assert utility["after"]["charged"] == charged
    assert Decimal(utility["after"]["amount"]) == Decimal(amount)
    assert utility["before"]["charged"] == 1


def test_the_topics_of_a_running_system_are_read_and_nothing_is_written(
    embedded_broker: str, wameter: Wameter, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(bootstrap=embedded_broker, prefix="whatif.", app_id="whatif", partitions=2)
    rated_system.publish(settings, 5, 1000)
    rated_system.rate(settings, tmp_path_factory.mktemp("workers"))
    flags = ("--bootstrap", settings.bootstrap, "--prefix", settings.prefix, "--app-id", settings.app_id)
    published = wameter("totals", *flags, "--json", "-").records
    ran = wameter("whatif", "--from-topic", *flags, "--totals", "-")
    assert ran.records == published
    doubled = wameter("whatif", "--from-topic", *flags, "--fee", "100", "--json", "-").records
    assert all(Decimal(row["after"]["cost"]) == Decimal(row["before"]["cost"]) for row in doubled)
    assert any(Decimal(row["difference"]["amount"]) > 0 for row in doubled)
    assert wameter("totals", *flags, "--json", "-").records == published


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        pytest.param((), "--from-topic alone", id="neither files nor a topic"),
        pytest.param(("events.jsonl",), "--accounts", id="files without accounts"),
        pytest.param(("--from-topic", "--fee", "a lot"), "--fee: fee.percent", id="a fee that is no number"),
        pytest.param(("--from-topic", "--fee-decimals", "2"), "give --fee too", id="decimals of no fee"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(flags: tuple[str, ...], sentence: str, wameter: Wameter) -> None:
    ran = wameter("whatif", *flags, *(("--bootstrap", "127.0.0.1:1") if "--from-topic" in flags else ()))
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(("command", "output"), SHOWN.findall(PAGE.read_text(encoding="utf-8")))
def test_a_command_of_the_page_prints_what_the_page_says(command: str, output: str) -> None:
    assert printed(command) == output
