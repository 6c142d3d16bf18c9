"""A user's mistake is one sentence and an exit code, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import UTILITY, Wameter

RATE = ("rate", "events", "--accounts", "accounts.json")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(("rat",), "wameter: 'rat' is no command; it is one of demo, rate, worker", id="no such command"),
        pytest.param(
            ("rate", "--accounts", "accounts.json"), "wameter rate: missing argument 'FILE…'; see wameter rate --help", id="no file"
        ),
        pytest.param(("rate", "events"), "wameter rate: missing option '--accounts'; see wameter rate --help", id="no accounts"),
        pytest.param(
            (*RATE, "--rejectd", "-"), "wameter rate: no such option: --rejectd, did you mean --rejected?; see", id="a mistyped flag"
        ),
        pytest.param((*RATE, "--format", "xml"), "wameter rate: invalid value for '--format': 'xml' is not one of", id="an unknown format"),
        pytest.param(
            ("rate", "nope", "--accounts", "accounts.json"), "wameter rate: nope: no such file; check the name", id="a missing file"
        ),
        pytest.param(
            ("rate", ".", "--accounts", "accounts.json"), "wameter rate: .: is a directory; name the files in it", id="a directory"
        ),
        pytest.param(
            ("rate", "-", "--accounts", "-"), "wameter rate: standard input (-) can be read once; name a file instead", id="stdin twice"
        ),
        pytest.param(
            (*RATE, "--totals", "-", "--lines", "-"),
            "wameter rate: --totals and --lines both write to -; give each its own",
            id="stdout twice",
        ),
        pytest.param(
            (*RATE, "--totals", "o", "--lines", "./o"),
            "wameter rate: --totals and --lines both write to ./o",
            id="one file for two outputs",
        ),
        pytest.param(
            (*RATE, "--totals", "events"), "wameter rate: --totals events is also read; write to another file", id="an input as output"
        ),
        pytest.param(
            (*RATE, "--totals", "accounts.json"), "wameter rate: --totals accounts.json is also read", id="the accounts as output"
        ),
        pytest.param(
            (*RATE, "--lines", "no/where"),
            "wameter rate: --lines no/where: its directory does not exist; create it first",
            id="no directory",
        ),
        pytest.param((*RATE, "--lines", "."), "wameter rate: --lines .: is a directory; name a file in it", id="a directory as output"),
        pytest.param((*RATE, "--catalog", "nope"), "wameter rate: catalog (--catalog): nope is no directory", id="no catalog"),
        pytest.param(
            (*RATE, "--window-basis", "read"), "wameter rate: window_basis (--window-basis): must be 'delivered' or 'sent'", id="a setting"
        ),
        pytest.param(
            (*RATE, "--config", "nope.toml"), "wameter rate: nope.toml: cannot be read (no such file or directory)", id="no settings file"
        ),
        pytest.param(("cards", "check", "nope.csv"), "wameter cards check: nope.csv cannot be read", id="a missing card"),
        pytest.param(
            ("cards", "show", "--currency", "XXX"), "wameter cards show: the catalog knows no currency 'XXX'", id="an unknown currency"
        ),
        pytest.param(("totals", "--from", "yesterday"), "wameter totals: invalid value for '--from': 'yesterday' is no date", id="no date"),
        pytest.param(
            ("worker", "--web-port", "high"), "wameter worker: web_port (--web-port): must be a whole number", id="a port that is none"
        ),
        pytest.param(
            ("worker", "--accept-lost-records", "whatsapp.messages:1"),
            "wameter worker: accept_lost_records (--accept-lost-records): must be topic:partition:offset, several separated by commas",
            id="a gap that is none",
        ),
        pytest.param(("demo", "--events", "0"), "wameter demo: invalid value for '--events'", id="a demo of nothing"),
    ],
)
def test_a_mistake(wameter: Wameter, accounts: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "events").write_bytes(UTILITY)
    ran = wameter(*arguments)
    assert ran.err.startswith(sentence)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert ran.out == ""
    assert (tmp_path / "events").read_bytes() == UTILITY


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_told_in_one_sentence(wameter: Wameter, accounts: Path) -> None:
    ran = wameter("rate", "-", "--accounts", accounts, "--lines", "/dev/full", stdin=UTILITY)
    assert (ran.code, ran.err) == (
        2,
        "wameter rate: --lines /dev/full: cannot be written (no space left on device); choose another place\n",
    )


def test_every_missing_file_is_told_at_once(wameter: Wameter) -> None:
    ran = wameter("rate", "a", "b", "--accounts", "c")
    assert [line.split(": ")[1] for line in ran.err.splitlines()] == ["a", "b", "c"]


def test_every_mistake_of_a_card_is_told_at_once(wameter: Wameter, tmp_path: Path) -> None:
    header = "effective_from,currency,market,category,tier_from,tier_to,rate,source\n"
    (tmp_path / "own.csv").write_text(header + "2026-01-01,XXX,France,utility,1,,0.1,x\n2026-01-01,USD,France,utility,1,,-1,x\n")
    ran = wameter("cards", "check", "own.csv")
    assert ran.code == 2
    assert [line.startswith("wameter cards check: own.csv line ") for line in ran.err.splitlines()] == [True, True]


@pytest.mark.parametrize(
    "command", [("status",), ("totals",), ("audit",), ("topics", "create"), ("topics", "check"), ("worker",), ("demo",)]
)
def test_a_broker_that_does_not_answer_is_exit_code_3(wameter: Wameter, command: tuple[str, ...]) -> None:
    ran = wameter(*command, "--bootstrap", "127.0.0.1:1")
    assert ran.code == 3
    *logged, told = ran.err.splitlines()
    assert told.startswith(f"wameter {' '.join(command)}: Kafka at 127.0.0.1:1 does not answer; start it, or name another")
    assert "Traceback" not in ran.err
    assert logged == [] or command == ("worker",), "a worker has a log, where the client may speak too"


@pytest.mark.parametrize(
    "command",
    [
        ("demo",),
        ("rate",),
        ("worker",),
        ("topics", "create"),
        ("topics", "check"),
        ("status",),
        ("totals",),
        ("audit",),
        ("cards", "check"),
        ("cards", "show"),
        ("schemas", "export"),
    ],
)
def test_help_ends_with_examples_of_the_very_command(wameter: Wameter, command: tuple[str, ...]) -> None:
    ran = wameter(*command, "--help")
    assert ran.code == 0
    examples = ran.out.split("Examples:\n")[1].splitlines()
    assert examples
    assert all(f"wameter {' '.join(command)}" in example for example in examples)


def test_the_whole_is_introduced_with_examples(wameter: Wameter) -> None:
    assert "wameter demo --once" in wameter("--help").out
    ran = wameter()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: wameter")


def test_the_schemas_of_every_topic_are_exported(wameter: Wameter, tmp_path: Path) -> None:
    ran = wameter("schemas", "export", "build/schemas")
    assert ran.code == 0
    written = {str(path.relative_to(tmp_path)) for path in (tmp_path / "build" / "schemas").iterdir()}
    assert written == set(ran.out.split())
    assert {"build/schemas/asyncapi.json", "build/schemas/usage.rated.schema.json"} <= written


def test_rates_in_force_on_a_day_are_shown(wameter: Wameter) -> None:
    ran = wameter("cards", "show", "--currency", "USD", "--market", "France", "--category", "marketing", "--date", "2026-10-01")
    assert "meta-usd-2026-10-01" in ran.out
    assert ran.out.count("meta-usd") == 1


def test_a_card_without_mistakes_is_ok(wameter: Wameter, tmp_path: Path) -> None:
    header = "effective_from,currency,market,category,tier_from,tier_to,rate,source\n"
    (tmp_path / "own.csv").write_text(header + "2026-01-01,USD,France,utility,1,,0.1,contract\n")
    ran = wameter("cards", "check", "own.csv")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "ok: 1 row, 1 market")
