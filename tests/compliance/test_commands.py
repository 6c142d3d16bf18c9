"""`wameter bill --licences` and `wameter rate --licences --compliance`: the files, one process or several, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Wameter, event, lines
from tests.compliance.beat import told
from tests.oracle.compliance import verdicts
from tests.oracle.reading import read_event

EXAMPLE = Path(__file__).parents[2] / "examples" / "compliance"

LICENCE = {"addon": "whatsapp", "consumption": True, "whatsapp_accounts": ["1"], "from": "2026-01-01T00:00:00Z"}


def traffic() -> list[dict[str, Any]]:
    """Free-form messages of three users on three phone numbers, some of them answers."""
    found = []
    for number in range(60):
        day, hour = divmod(number, 12)
        time = f"2026-01-{day + 5:02d}T{hour + 8:02d}:00:00.000Z"
        fields = {"phone_number_id": str(number % 3), "time": time, "user": f"+3361234567{number % 2}"}
        if number % 7 == 0:
            found.append(event("received", f"in-{number}", **fields))
        found.append(event("sent", f"out-{number}", category="service", sender_id=("ann", "bob", None)[number % 5 % 3], **fields))
    return found


def test_both_commands_together_say_what_the_oracle_says_of_the_example(wameter: Wameter) -> None:
    assert wameter("bill", EXAMPLE / "commands.jsonl", "--invoices", "invoices", "--licences", "licences").code == 0
    ran = wameter("rate", EXAMPLE / "events.jsonl", "--accounts", EXAMPLE / "accounts.json", "--licences", "licences", "--compliance", "-")
    events = [read_event(raw) for raw in (EXAMPLE / "events.jsonl").read_bytes().splitlines()]
    due = verdicts(events, [json.loads(line) for line in Path("licences").read_text().splitlines()])
    assert ran.code == 0
    assert {(record["message_id"], record["kind"]) for record in ran.records} == {(each.message_id, each.kind) for each in due}
    assert len(ran.records) == len(due) == 3


def test_bill_writes_the_last_record_of_each_user_and_of_the_account(wameter: Wameter) -> None:
    ran = wameter("bill", EXAMPLE / "commands.jsonl", "--licences", "-")
    assert [(record["user_id"], record["licences"][0]["to"]) for record in ran.records] == [
        (None, None),
        ("anna", "2026-01-07T12:00:00.000Z"),
        ("bruno", None),
    ]
    assert "Invoice boulangerie-000001" in ran.err


def test_several_processes_write_what_one_writes(wameter: Wameter, accounts: Path) -> None:
    Path("events").write_bytes(lines(*traffic()))
    Path("licences").write_bytes(lines(told("ann", LICENCE)))
    flags = ("rate", "events", "--accounts", accounts, "--licences", "licences", "--compliance", "-")
    alone, together = wameter(*flags), wameter(*flags, "--jobs", 3)
    assert alone.out == together.out
    kinds = [record["kind"] for record in alone.records]
    assert min(kinds.count("unlicensed_sender"), kinds.count("outside_window")) > 5
    times = [(record["phone_number_id"], record["time"]) for record in alone.records]
    assert times == sorted(times)
    due = verdicts([read_event(orjson.dumps(each)) for each in traffic()], [told("ann", LICENCE)])
    assert sorted((each.message_id, each.kind) for each in due) == sorted((each["message_id"], each["kind"]) for each in alone.records)


def test_without_licences_windows_are_judged_all_the_same(wameter: Wameter, accounts: Path) -> None:
    ran = wameter("rate", "-", "--accounts", accounts, "--compliance", "-", stdin=lines(event("sent", category="service", sender_id="ann")))
    assert [record["kind"] for record in ran.records] == ["outside_window"]


def test_of_several_records_of_a_user_the_last_counts(wameter: Wameter, accounts: Path) -> None:
    Path("licences").write_bytes(lines(told("ann", LICENCE), told("ann"), told(None, LICENCE)))
    flags = ("rate", "-", "--accounts", accounts, "--licences", "licences", "--compliance", "-")
    ran = wameter(*flags, stdin=lines(event("sent", category="utility", sender_id="ann")))
    assert [record["kind"] for record in ran.records] == ["unlicensed_sender"]


def test_every_mistake_of_a_licences_file_is_told_at_once(wameter: Wameter, accounts: Path) -> None:
    Path("licences").write_bytes(b'{"account_id":"a","licences":[]}\n\n{"account_id":"a"}\nno json\n')
    ran = wameter("rate", "-", "--accounts", accounts, "--licences", "licences", "--compliance", "-")
    assert ran.code == 2
    assert ran.err.splitlines() == [
        "wameter rate: licences line 3: licences: is missing; correct the record",
        "wameter rate: licences line 4: character 1 is not JSON: expecting value; correct the record",
    ]


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        pytest.param(
            ("--licences", "nowhere"), "wameter rate: nowhere: no such file; check the name", id="a licences file that is not there"
        ),
        pytest.param(
            ("--licences", "-"),
            "wameter rate: standard input (-) can be read once; name a file instead",
            id="licences and events from standard input",
        ),
        pytest.param(
            ("--licences", "own", "--compliance", "own"),
            "wameter rate: --compliance own is also read; write to another file",
            id="what is read is written",
        ),
    ],
)
def test_mistakes_in_names_are_told(wameter: Wameter, accounts: Path, flags: tuple[str, ...], sentence: str) -> None:
    Path("own").write_bytes(b"")
    ran = wameter("rate", "-", "--accounts", accounts, *flags)
    assert (ran.code, ran.err.strip()) == (2, sentence)
