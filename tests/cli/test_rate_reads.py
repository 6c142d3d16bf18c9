"""`wameter rate` reads what people have: plain, compressed, piped, with marks and blank lines, in several files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.cli.conftest import UTILITY, Wameter, event, lines

MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(lambda data: data, id="plain"),
        pytest.param(gzip.compress, id="gzip"),
        pytest.param(lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]) + bytes(512), id="gzip of two members and padding"),
        pytest.param(lambda data: zstandard.ZstdCompressor().compress(data), id="zstd"),
        pytest.param(
            lambda data: zstandard.ZstdCompressor().compress(data[:100]) + zstandard.ZstdCompressor().compress(data[100:]),
            id="zstd of two frames",
        ),
        pytest.param(lambda data: MARK + data, id="with a byte-order mark"),
        pytest.param(lambda data: gzip.compress(MARK + data), id="with a byte-order mark inside gzip"),
        pytest.param(lambda data: data.rstrip(b"\n"), id="without a line end at the end"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), id="with Windows' line ends"),
        pytest.param(lambda data: b"\n \t\n" + data.replace(b"\n", b"\n\n"), id="with blank lines"),
    ],
)
def test_the_same_events_give_the_same_totals_however_they_are_written(
    wameter: Wameter, accounts: Path, tmp_path: Path, packed: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "events").write_bytes(packed(UTILITY))
    ran = wameter("rate", "events", "--accounts", accounts, "--totals", "-")
    assert (ran.code, ran.err) == (0, "")
    assert [(total["messages"], total["cost"]) for total in ran.records] == [(1, "0.0300")]


def test_standard_input_is_a_dash_and_may_be_compressed(wameter: Wameter, accounts: Path) -> None:
    for stdin in (UTILITY, gzip.compress(UTILITY)):
        ran = wameter("rate", "-", "--accounts", accounts, "--totals", "-", stdin=stdin)
        assert [total["cost"] for total in ran.records] == ["0.0300"]


def test_accounts_may_come_from_standard_input(wameter: Wameter, tmp_path: Path, accounts: Path) -> None:
    (tmp_path / "events").write_bytes(UTILITY)
    assert wameter("rate", "events", "--accounts", "-", "--totals", "-", stdin=accounts.read_bytes()).code == 0


def test_several_files_are_one_input_whatever_their_order(wameter: Wameter, accounts: Path, tmp_path: Path) -> None:
    sent, delivered = UTILITY.splitlines(keepends=True)
    (tmp_path / "a").write_bytes(sent)
    (tmp_path / "b").write_bytes(gzip.compress(delivered))
    assert (
        wameter("rate", "a", "b", "--accounts", accounts, "--totals", "-").out
        == wameter("rate", "b", "a", "--accounts", accounts, "--totals", "-").out
    )


def test_a_rejected_line_is_named_by_file_and_line_with_blank_ones_counted(wameter: Wameter, accounts: Path, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(UTILITY)
    (tmp_path / "bad").write_bytes(MARK + b"\n\n{broken\r\n" + UTILITY)
    ran = wameter("rate", "good", "bad", "--accounts", accounts, "--rejected", "-")
    assert ran.code == 1
    assert ran.err == "1 rejected, 0 unrated\n"
    (record,) = ran.records
    assert record.pop("detail")
    assert record == {"v": 1, "reason": "invalid_json", "file": "bad", "line": 3, "raw_base64": "e2Jyb2tlbg=="}


def test_a_rejected_line_of_standard_input_is_of_the_file_dash(wameter: Wameter, accounts: Path) -> None:
    (record,) = wameter("rate", "-", "--accounts", accounts, "--rejected", "-", stdin=b"[]\n").records
    assert (record["file"], record["line"], record["reason"]) == ("-", 1, "invalid_field")


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        pytest.param(1024 * 1024, "invalid_json", id="of exactly 1 MiB is read"),
        pytest.param(1024 * 1024 + 1, "too_large", id="of one byte more is too large"),
        pytest.param(5 * 1024 * 1024, "too_large", id="of many chunks is too large"),
    ],
)
def test_a_line(wameter: Wameter, accounts: Path, length: int, reason: str) -> None:
    import base64

    line = b"x" * length
    ran = wameter("rate", "-", "--accounts", accounts, "--rejected", "-", "--totals", "totals", stdin=line + b"\r\n" + UTILITY)
    (record,) = ran.records
    assert (record["reason"], base64.b64decode(record["raw_base64"])) == (reason, line)
    assert json.loads(Path("totals").read_text())["messages"] == 1


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(gzip.compress(UTILITY)[:-9], "its gzip data end too early", id="gzip that is cut off"),
        pytest.param(gzip.compress(UTILITY) + b"rest", "its gzip data are damaged", id="gzip with something after it"),
        pytest.param(zstandard.ZstdCompressor().compress(UTILITY)[:-4], "its zstd data end too early", id="zstd that is cut off"),
        pytest.param(b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "its zstd data are damaged", id="zstd that is none"),
    ],
)
def test_damaged_data_end_the_run_and_leave_no_output(wameter: Wameter, accounts: Path, tmp_path: Path, data: bytes, what: str) -> None:
    (tmp_path / "events.gz").write_bytes(data)
    ran = wameter("rate", "events.gz", "--accounts", accounts, "--totals", "totals")
    assert ran.code == 2
    assert ran.err.startswith(f"wameter rate: events.gz: {what}")
    assert ran.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accounts.json", "events.gz"]


def test_webhook_bodies_are_read_one_per_line(wameter: Wameter, accounts: Path) -> None:
    status = {
        "id": "wamid.B",
        "status": "delivered",
        "timestamp": "1767603600",
        "recipient_id": "33612345678",
        "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
    }
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "7"}, "statuses": [status]}
    body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
    ran = wameter(
        "rate",
        "-",
        "--format",
        "meta-webhooks",
        "--accounts",
        accounts,
        "--totals",
        "-",
        "--rejected",
        "rejected",
        stdin=lines(body) + b"7\n",
    )
    assert (ran.code, ran.err) == (1, "1 rejected, 0 unrated\n")
    assert [(total["category"], total["cost"]) for total in ran.records] == [("marketing", "0.0859")]
    rejected = json.loads(Path("rejected").read_text())
    assert (rejected["reason"], rejected["line"], rejected["raw_base64"]) == ("invalid_field", 2, "Nw==")


def test_a_part_of_a_webhook_that_is_no_event_gives_the_whole_body_back(wameter: Wameter, accounts: Path) -> None:
    import base64

    value = {"metadata": {"phone_number_id": "7"}, "statuses": [{"id": "wamid.B", "status": "vanished", "timestamp": "1767603600"}]}
    body = lines({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
    (record,) = wameter("rate", "-", "--format", "meta-webhooks", "--accounts", accounts, "--rejected", "-", stdin=body).records
    assert record["reason"] == "unknown_type"
    assert base64.b64decode(record["raw_base64"]) == body.rstrip()


def test_an_empty_input_is_no_mistake(wameter: Wameter, accounts: Path) -> None:
    ran = wameter("rate", "-", "--accounts", accounts)
    assert (ran.code, ran.err) == (0, "")
    assert "nothing is due" in ran.out


def test_events_before_the_first_profile_of_the_file_do_not_matter(wameter: Wameter, accounts: Path) -> None:
    """Accounts are read first, whatever order the arguments have."""
    assert wameter("rate", "--accounts", accounts, "-", "--totals", "-", stdin=UTILITY).records


def test_the_end_of_the_input_ends_the_waiting_for_a_category(wameter: Wameter, accounts: Path) -> None:
    ran = wameter("rate", "-", "--accounts", accounts, "--unrated", "-", stdin=lines(event("delivered")))
    assert [record["reason"] for record in ran.records] == ["no_category"]
