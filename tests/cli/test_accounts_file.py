"""The accounts file: its forms, and every contradiction told before anything is rated."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import UTILITY, Wameter, account, lines

TWO = [account(), account(account_id="2", currency="EUR")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(TWO).encode(), id="a JSON array"),
        pytest.param(json.dumps(TWO, indent=2).encode(), id="a JSON array over many lines"),
        pytest.param(lines(*TWO), id="JSON lines"),
        pytest.param(b"\xef\xbb\xbf" + lines(*TWO), id="JSON lines after a byte-order mark"),
        pytest.param(lines(TWO[0]) + b"\n\r\n" + lines(TWO[1]).strip(), id="JSON lines with blank ones"),
        pytest.param(json.dumps(TWO[0], indent=2).encode(), id="a single profile over many lines"),
        pytest.param(gzip.compress(lines(*TWO)), id="JSON lines in gzip"),
    ],
)
def test_an_accounts_file_may_be(wameter: Wameter, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "accounts").write_bytes(text)
    ran = wameter("rate", "-", "--accounts", "accounts", "--totals", "-", stdin=UTILITY)
    assert (ran.code, len(ran.records)) == (0, 1)


def test_versions_of_an_account_stand_side_by_side(wameter: Wameter, tmp_path: Path) -> None:
    dated = account(effective_from="2026-01-05", fee={"percent": "20"}, portfolio_id="1")
    (tmp_path / "accounts").write_bytes(lines(account(), dated))
    (total,) = wameter("rate", "-", "--accounts", "accounts", "--totals", "-", stdin=UTILITY).records
    assert (total["cost"], total["amount"]) == ("0.0300", "0.0360")


@pytest.mark.parametrize(
    ("profiles", "sentences"),
    [
        pytest.param([account(timezone="Mars/Olympus")], ["accounts profile 1: timezone"], id="an unknown zone"),
        pytest.param([account(currency=None)], ["accounts profile 1: currency"], id="no currency"),
        pytest.param(
            [account(), account(account_id="2", fee={"percent": "-1"}), 7],
            ["accounts profile 2: fee", "accounts profile 3: "],
            id="two bad ones",
        ),
        pytest.param(
            [account(), account()], ["accounts profile 2: account 1 has two versions that start without effective_from"], id="one twice"
        ),
        pytest.param(
            [account(effective_from="2026-01-01"), account(), account(effective_from="2026-01-01")],
            ["accounts profile 3: account 1 has two versions that start on 2026-01-01"],
            id="two versions of one day",
        ),
        pytest.param(
            [account(), account(effective_from="2026-02-01", timezone="Europe/Paris", currency="EUR")],
            [
                "accounts profile 2: account 1 has timezones UTC and Europe/Paris",
                "accounts profile 2: account 1 has currencies USD and EUR",
            ],
            id="a version with another zone and currency",
        ),
        pytest.param(
            [account(effective_from="2026-02-02", portfolio_id="p"), account()],
            ["accounts profile 1: account 1 changes portfolio_id on 2026-02-02"],
            id="another portfolio within a month",
        ),
    ],
)
def test_a_mistake_is_told(wameter: Wameter, tmp_path: Path, profiles: list[Any], sentences: list[str]) -> None:
    (tmp_path / "accounts").write_text(json.dumps(profiles))
    ran = wameter("rate", "-", "--accounts", "accounts", "--totals", "totals", stdin=UTILITY)
    assert ran.code == 2
    told = ran.err.splitlines()
    assert len(told) == len(sentences)
    for line, sentence in zip(told, sentences, strict=True):
        assert line.startswith(f"wameter rate: {sentence}")
        assert ";" in line, "a sentence says how to mend it"
    assert not (tmp_path / "totals").exists()


def test_another_portfolio_from_a_months_first_day_is_fine(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "accounts").write_bytes(lines(account(), account(effective_from="2026-02-01", portfolio_id="p")))
    assert wameter("rate", "-", "--accounts", "accounts", stdin=UTILITY).code == 0


def test_in_json_lines_the_line_is_named(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "accounts").write_bytes(lines(account()) + b"\n{nonsense\n")
    ran = wameter("rate", "-", "--accounts", "accounts", stdin=UTILITY)
    assert ran.err.startswith("wameter rate: accounts line 3: ")
