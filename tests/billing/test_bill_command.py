"""`wameter bill` as a person or a script uses it: output, sentences, exit codes."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest

from tests.billing.desk import PLANS, Desk
from tests.cli.conftest import Wameter, wameter

__all__ = ["wameter"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk whose plans lie in `plans.toml`."""
    (tmp_path / "plans.toml").write_text(PLANS, encoding="utf-8")
    return Desk()


def commands(desk: Desk) -> bytes:
    return b"\n".join(desk.commands) + b"\n"


BILL = ("bill", "-", "--plans", "plans.toml")


def test_invoices_and_events_are_json_lines(desk: Desk, wameter: Wameter) -> None:
    desk.start("2025-06-01", users=1)
    desk.buy("2025-06-02", "whatsapp")
    ran = wameter(*BILL, "--invoices", "-", "--events", "events.jsonl", stdin=commands(desk))
    assert ran.code == 0
    assert ran.err == ""
    expected = desk.run()
    assert ran.records == expected.invoices
    assert [json.loads(line) for line in Path("events.jsonl").read_bytes().splitlines()] == expected.events
    assert list(ran.records[0]) == [
        "v", "invoice_id", "number", "kind", "account_id", "issued_at", "currency", "period", "sections", "total",
    ]  # fmt: skip


def test_until_closes_every_account_last_of_all(desk: Desk, wameter: Wameter) -> None:
    other = Desk("other")
    desk.start("2025-06-01", users=1)
    other.start("2025-06-03", users=1)
    ran = wameter(*BILL, "--until", "2025-07-05", "--invoices", "i", "--events", "-", stdin=b"\n".join([*desk.commands, *other.commands]))
    assert [(each["account_id"], each["command_id"], each["effective"]) for each in ran.records[2:]] == [
        ("acme", "until:2025-07-05", "2025-07-05"),
        ("other", "until:2025-07-05", "2025-07-05"),
    ]


def test_a_file_that_cannot_be_read_through_is_still_billed_as_far_as_it_can(desk: Desk, wameter: Wameter) -> None:
    desk.start("2025-06-01", users=1)
    Path("totals.jsonl.gz").write_bytes(gzip.compress(b'{"account_id":"acme"}\n'))
    text = commands(desk) + b"\n{\n" + b'{"type":"unit.paint"}\n'
    ran = wameter(*BILL, "--totals", "totals.jsonl.gz", "--rejected", "r", "--invoices", "-", stdin=text)
    assert ran.code == 1
    assert ran.err == "3 rejected\n"
    assert len(ran.records) == 1
    rejected = [json.loads(line) for line in Path("r").read_bytes().splitlines()]
    assert [(each["file"], each["line"], each["reason"]) for each in rejected] == [
        ("totals.jsonl.gz", 1, "invalid_field"),
        ("-", 3, "invalid_json"),
        ("-", 4, "unknown_type"),
    ]
    assert base64.b64decode(rejected[1]["raw_base64"]) == b"{"


def test_without_a_file_for_them_invoices_and_refusals_are_printed(desk: Desk, wameter: Wameter) -> None:
    desk.start("2025-06-01", users=1)
    desk.buy("2025-06-02", "nothing")
    ran = wameter(*BILL, stdin=commands(desk))
    assert ran.code == 0
    assert ran.out.startswith("Invoice acme-000001\n2025-06-01 … 2025-06-30 · issued 2025-06-01 09:00 UTC · USD\n")
    assert ran.out.endswith(
        'refused  acme c001 (unknown_addon): There is no add-on "nothing"; choose one of storage, whatsapp, analytics, tracking, support, '
        "assist, notes, unsold.\n"
    )


def test_what_is_printed_never_mixes_with_json(desk: Desk, wameter: Wameter) -> None:
    desk.start("2025-06-01", users=1)
    ran = wameter(*BILL, "--events", "-", stdin=commands(desk))
    assert [event["outcome"] for event in ran.records] == ["accepted"]
    assert "Additional users" in ran.err


def test_nothing_to_invoice_is_said(desk: Desk, wameter: Wameter) -> None:
    assert wameter(*BILL, stdin=b"").out == "No invoice was issued.\n"


def test_the_shipped_plans_are_used_where_none_are_named(wameter: Wameter) -> None:
    desk = Desk()
    desk.start("2025-06-01", "professional", users=1)
    assert "70.00" in wameter("bill", "-", stdin=commands(desk)).out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("bill",), "missing argument 'COMMANDS'"),
        (("bill", "nope"), "nope: no such file"),
        (("bill", "-", "--totals", "-"), "standard input (-) can be read once; name a file instead"),
        (("bill", "-", "--plans", "nope"), "nope: no such file"),
        (("bill", "-", "--until", "2025-02-29"), "'2025-02-29' is no date from 2009 to 2100; write 2026-10-01"),
        (("bill", "-", "--until", "20250228"), "'20250228' is no date"),
        (("bill", "-", "--until", "1999-01-01"), "'1999-01-01' is no date from 2009"),
        (("bill", "-", "--invoices", "-", "--events", "-"), "--invoices and --events both write to -"),
        (("bill", "-", "--plans", "plans.toml", "--events", "plans.toml"), "--events plans.toml is also read"),
    ],
)
def test_a_mistake_is_one_sentence(desk: Desk, arguments: tuple[str, ...], sentence: str, wameter: Wameter) -> None:
    ran = wameter(*arguments)
    assert ran.code == 2
    assert sentence in ran.err
    assert "Traceback" not in ran.err


def test_every_problem_of_a_plans_file_is_told_at_once(wameter: Wameter) -> None:
    Path("bad.toml").write_text(
        '[plans.a]\ncycle = "week"\naddons = ["x"]\n[addons.y]\nname = "Y"\nseats = "plain"\nmonthly = { XXX = "1" }\n'
    )
    ran = wameter("bill", "-", "--plans", "bad.toml")
    assert ran.code == 2
    assert ran.err.splitlines() == [
        "wameter bill: bad.toml: addons.y.monthly.XXX: is no currency of ISO 4217; write a code such as USD",
        "wameter bill: bad.toml: plans.a.name: is missing; write the name that invoices print",
        "wameter bill: bad.toml: plans.a.cycle: must be one of month, 30-days",
        'wameter bill: bad.toml: plans.a.addons: "x" is no add-on of this file; define [addons.x], or take it out',
    ]
