"""`wameter tiers` on files: what it shows, what can be asked of it, and what is told of wrong use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Wameter, wameter  # noqa: F401 - the fixture is found by its name here

EXAMPLE = Path(__file__).parents[2] / "examples" / "volume-tiers"
ARGUMENTS = [EXAMPLE / "events.jsonl", "--accounts", EXAMPLE / "accounts.json", "--catalog", EXAMPLE / "catalog"]
FILLED = {
    "v": 1, "portfolio_id": "bakeries", "market": "France", "family": "utility", "month": "2026-03", "category": "utility",
    "currency": "USD", "used": 30, "tier": "26:MAX", "card": "example-usd-2026-01-01", "next_from": None, "rate": "0.0360",
    "next_rate": None,
}  # fmt: skip


def test_it_tells_what_is_used_and_what_comes_next_as_records(wameter: Wameter) -> None:  # noqa: F811 - it is a fixture
    assert wameter("tiers", *ARGUMENTS, "--json", "-").records == [FILLED]


@pytest.mark.parametrize(
    ("messages", "tier", "next_from", "next_rate"),
    [
        pytest.param(9, "1:10", 11, "0.0380", id="the next message is the band's last"),
        pytest.param(10, "11:25", 26, "0.0360", id="the band is full: the next message is the first of the one after it"),
        pytest.param(24, "11:25", 26, "0.0360", id="one message left"),
        pytest.param(25, "26:MAX", None, None, id="the last band"),
    ],
)
def test_the_band_is_that_of_the_next_message(
    wameter: Wameter,  # noqa: F811 - it is a fixture
    tmp_path: Path,
    messages: int,
    tier: str,
    next_from: int | None,
    next_rate: str | None,
) -> None:
    events = (EXAMPLE / "events.jsonl").read_text().splitlines()[:messages]
    (tmp_path / "some.jsonl").write_text("\n".join(events))
    (record,) = wameter("tiers", tmp_path / "some.jsonl", *ARGUMENTS[1:], "--json", "-").records
    assert (record["used"], record["tier"], record["next_from"], record["next_rate"]) == (messages, tier, next_from, next_rate)


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        (["--portfolio", "bakeries"], 1),
        (["--portfolio", "others"], 0),
        (["--market", "France", "--month", "2026-03"], 1),
        (["--month", "2026-04"], 0),
    ],
)
def test_it_can_be_narrowed(wameter: Wameter, flags: list[str], count: int) -> None:  # noqa: F811 - it is a fixture
    assert len(wameter("tiers", *ARGUMENTS, *flags, "--json", "-").records) == count
    if not count:
        assert wameter("tiers", *ARGUMENTS, *flags).out == "nothing is counted for volume bands there\n"


def test_wrong_use_is_told_in_a_sentence(wameter: Wameter) -> None:  # noqa: F811 - it is a fixture
    assert wameter("tiers", EXAMPLE / "events.jsonl").err == (
        "wameter tiers: files of events and --accounts, their profiles, belong together; give both, or neither to ask a running system\n"
    )
    assert "'2026-13' is no month; write 2026-10" in wameter("tiers", "--month", "2026-13").err
    assert wameter("tiers", "nowhere.jsonl", *ARGUMENTS[1:]).code == 2


def test_a_profile_without_a_portfolio_is_one_by_itself(wameter: Wameter, tmp_path: Path) -> None:  # noqa: F811 - it is a fixture
    accounts = [{"account_id": name, "timezone": "UTC", "currency": "USD"} for name in ("paris", "new-york")]
    (tmp_path / "accounts.json").write_text(json.dumps(accounts))
    ran = wameter("tiers", ARGUMENTS[0], "--accounts", tmp_path / "accounts.json", *ARGUMENTS[3:], "--json", "-")
    assert [(each["portfolio_id"], each["used"]) for each in ran.records] == [("new-york", 15), ("paris", 15)]
