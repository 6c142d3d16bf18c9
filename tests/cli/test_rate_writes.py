"""What `wameter rate` writes: totals, lines, unrated and rejected records, a table, and an exit code that says how it went."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from streams.traffic import events, profiles
from tests.cli.conftest import UTILITY, Wameter, account, event, lines

LATE_INBOUND = lines(
    event("sent", category="utility"),
    event("delivered", time="2026-01-05T09:00:05.000Z"),
    event("received", "wamid.IN", time="2026-01-05T08:00:00.000Z"),
)
"""A utility message is charged; then the message that had opened the window appears, and it is free."""


def test_totals_are_final_ordered_and_without_those_that_came_back_to_nothing(wameter: Wameter, accounts: Path) -> None:
    ran = wameter("rate", "-", "--accounts", accounts, "--totals", "-", stdin=LATE_INBOUND)
    assert ran.records == [
        {
            "v": 1,
            "account_id": "1",
            "phone_number_id": "7",
            "date": "2026-01-05",
            "country": "FR",
            "market": "France",
            "category": "utility",
            "outcome": "free",
            "currency": "USD",
            "messages": 1,
            "cost": "0",
            "amount": "0",
        }
    ]


def test_lines_hold_every_correction(wameter: Wameter, accounts: Path) -> None:
    ran = wameter("rate", "-", "--accounts", accounts, "--lines", "-", stdin=LATE_INBOUND)
    assert [(line["kind"], line["outcome"], line["revision"]) for line in ran.records] == [
        ("charge", "charged", 1),
        ("reversal", "charged", 1),
        ("charge", "free", 2),
    ]


def test_lines_add_up_to_the_totals(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "accounts").write_bytes(b"\n".join(profiles()))
    (tmp_path / "events").write_bytes(b"\n".join(events(5, 4000)))
    assert wameter("rate", "events", "--accounts", "accounts", "--totals", "totals", "--lines", "lines").code == 1
    sign = {"charge": 1, "reversal": -1}
    lines = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    totals = [json.loads(line) for line in (tmp_path / "totals").read_text().splitlines()]
    assert len(totals) > 100
    for money in ("cost", "amount"):
        assert sum(sign[line["kind"]] * Decimal(line[money]) for line in lines) == sum(Decimal(total[money]) for total in totals)
    assert sum(sign[line["kind"]] for line in lines) == sum(total["messages"] for total in totals)


def test_unrated_is_what_is_unrated_at_the_end(wameter: Wameter, accounts: Path) -> None:
    mended = lines(event("delivered", "wamid.B", category="novelty"), event("sent", "wamid.B", category="utility"))
    open_ended = lines(event("sent", "wamid.C", category="novelty"), event("delivered", "wamid.C"))
    ran = wameter("rate", "-", "--accounts", accounts, "--unrated", "-", stdin=mended + open_ended)
    assert (ran.code, ran.err) == (1, "0 rejected, 1 unrated\n")
    (record,) = ran.records
    assert len(record.pop("delivery_id")) == 32
    assert {"country", "market"} <= record.keys()
    del record["country"], record["market"]
    assert record == {
        "v": 1,
        "reason": "unknown_category",
        "account_id": "1",
        "phone_number_id": "7",
        "message_id": "wamid.C",
        "billed_at": "2026-01-05T09:00:00.000Z",
        "category": "novelty",
    }


def test_without_an_output_a_table_by_country_and_category_is_shown(wameter: Wameter, accounts: Path) -> None:
    ran = wameter("rate", "-", "--accounts", accounts, stdin=UTILITY + lines(event("delivered", "wamid.X", account_id="9")) + b"?\n")
    rows = [line.split() for line in ran.out.splitlines() if line.strip()]
    assert ["FR", "France", "utility", "1", "–", "0.0300", "0.0300", "USD"] in rows
    assert ["Total", "1", "–", "0.0300", "0.0300", "USD"] in rows
    assert ["unknown_account", "1"] in rows
    assert ["invalid_json", "1"] in rows
    assert "\x1b" not in ran.out
    assert ran.err == "1 rejected, 1 unrated\n"


@pytest.mark.parametrize(
    ("events", "said"),
    [
        pytest.param(b"", "Nothing was delivered, so nothing is due.", id="when nothing came"),
        pytest.param(
            b"?\n", "Nothing was delivered in the records that could be read, so nothing is due.", id="when nothing could be read"
        ),
        pytest.param(
            lines(event("delivered", account_id="9")),
            "No delivery could be priced: 1 is unrated, for the reasons below.",
            id="when it has no price",
        ),
        pytest.param(
            lines(event("delivered", account_id="9"), event("delivered", "wamid.B", account_id="9")),
            "No delivery could be priced: 2 are unrated, for the reasons below.",
            id="when none of them has a price",
        ),
    ],
)
def test_it_says_why_nothing_is_due(wameter: Wameter, accounts: Path, events: bytes, said: str) -> None:
    ran = wameter("rate", "-", "--accounts", accounts, stdin=events)
    assert said in ran.out
    assert ("--unrated FILE" in ran.out) is ("unrated" in said)


def test_totals_of_two_currencies_are_never_added(wameter: Wameter, tmp_path: Path) -> None:
    (tmp_path / "accounts").write_bytes(lines(account(), account(account_id="2", currency="EUR")))
    events_of_both = UTILITY + lines(
        event("sent", "wamid.B", account_id="2", category="utility", time="2026-08-01T00:00:00Z"),
        event("delivered", "wamid.B", account_id="2", time="2026-08-01T00:00:00Z"),
    )
    ran = wameter("rate", "-", "--accounts", "accounts", stdin=events_of_both)
    totals = [line.split() for line in ran.out.splitlines() if line.strip().startswith("Total")]
    assert totals == [["Total", "1", "–", "0.0248", "0.0248", "EUR"], ["Total", "1", "–", "0.0300", "0.0300", "USD"]]


def test_an_output_replaces_its_file_only_when_it_is_whole(wameter: Wameter, accounts: Path, tmp_path: Path) -> None:
    (tmp_path / "totals").write_text("of yesterday")
    (tmp_path / "events.gz").write_bytes(b"\x1f\x8b broken")
    assert wameter("rate", "events.gz", "--accounts", accounts, "--totals", "totals").code == 2
    assert (tmp_path / "totals").read_text() == "of yesterday"
    assert wameter("rate", "-", "--accounts", accounts, "--totals", "totals", stdin=UTILITY).code == 0
    assert json.loads((tmp_path / "totals").read_text())["cost"] == "0.0300"


def test_the_settings_that_decide_reach_the_offline_rater(wameter: Wameter, accounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent_inside = lines(
        event("received", "wamid.IN", time="2026-01-05T08:00:00.000Z"),
        event("sent", category="utility", time="2026-01-06T07:59:00.000Z"),
        event("delivered", time="2026-01-06T08:01:00.000Z"),
    )
    arguments = ("rate", "-", "--accounts", accounts, "--lines", "-")
    assert [line["outcome"] for line in wameter(*arguments, stdin=sent_inside).records] == ["charged"]
    assert [line["outcome"] for line in wameter(*arguments, "--window-basis", "sent", stdin=sent_inside).records] == ["free"]
    monkeypatch.setenv("WAMETER_MESSAGE_IDS", "hashed")
    (line,) = wameter(*arguments, stdin=sent_inside).records
    assert "wamid" not in json.dumps(line)


def test_a_catalog_of_ones_own_is_laid_over_the_shipped_one(wameter: Wameter, accounts: Path, tmp_path: Path) -> None:
    (tmp_path / "catalog" / "cards").mkdir(parents=True)
    card = "effective_from,currency,market,category,tier_from,tier_to,rate,source\n2026-01-01,USD,France,utility,1,,0.5,contract\n"
    (tmp_path / "catalog" / "cards" / "own.csv").write_text(card)
    (line,) = wameter("rate", "-", "--accounts", accounts, "--catalog", "catalog", "--lines", "-", stdin=UTILITY).records
    assert (Decimal(line["cost"]), line["card"]) == (Decimal("0.5"), "own")


@pytest.fixture
def long_run(tmp_path: Path) -> list[str]:
    """The command line of a run that takes a while, in a process of its own."""
    (tmp_path / "accounts").write_bytes(b"\n".join(profiles()))
    (tmp_path / "events").write_bytes(b"\n".join(events(5, 20_000)))
    return [sys.executable, "-m", "streams.cli.main", "rate", str(tmp_path / "events"), "--accounts", str(tmp_path / "accounts")]


def test_a_reader_that_leaves_ends_the_run_quietly(long_run: list[str]) -> None:
    with subprocess.Popen([*long_run, "--lines", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_ctrl_c_ends_the_run_quietly_and_leaves_no_output(long_run: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    command = [*long_run, "--totals", str(tmp_path / "totals"), "--lines", f"/dev/fd/{writing}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, pass_fds=[writing]) as process:
        os.close(writing)
        assert os.read(reading, 1)  # it is at work: lines come
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while os.read(reading, 1 << 20):
            pass
        assert process.stderr.read().strip() == b""
    os.close(reading)
    assert process.returncode == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accounts", "events"]


def test_what_is_shown_of_nothing_that_has_a_price_tells_deliveries_from_none(wameter: Wameter, accounts: Path, tmp_path: Path) -> None:
    (tmp_path / "luxury").write_bytes(lines(event("sent", category="luxury"), event("delivered")))
    assert wameter("rate", "luxury", "--accounts", accounts).out.startswith("No delivery could be priced: 1 is unrated")
    (tmp_path / "sent").write_bytes(lines(event("sent", category="utility")))
    assert wameter("rate", "sent", "--accounts", accounts).out == "Nothing was delivered, so nothing is due.\n"
