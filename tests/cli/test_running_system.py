"""The commands that look at a running system, and the demo, on the embedded broker."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams import topics
from streams.brokers.embedded import EmbeddedBroker
from streams.settings import Settings
from tests.cli import rated_system
from tests.cli.conftest import Wameter

EVENTS = 3000
SEED = 4


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker on which sample traffic was rated to the end, under the prefix `t.`, and some is unread under `late.`."""
    with EmbeddedBroker() as broker:
        settings = Settings(bootstrap=broker.bootstrap, prefix="t.", app_id="t", partitions=2)
        rated_system.publish(settings, SEED, EVENTS)
        rated_system.rate(settings, tmp_path_factory.mktemp("workers"))
        rated_system.publish(Settings(bootstrap=broker.bootstrap, prefix="late.", app_id="late", partitions=2), SEED, EVENTS)
        yield broker.bootstrap


@pytest.fixture
def system(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points the environment to the system that was rated."""
    for name, value in (("BOOTSTRAP", bootstrap), ("PREFIX", "t."), ("APP_ID", "t"), ("PARTITIONS", "2")):
        monkeypatch.setenv(f"WAMETER_{name}", value)


@pytest.mark.usefixtures("system")
def test_status_shows_lag_and_what_is_pending_and_unrated(wameter: Wameter) -> None:
    ran = wameter("status")
    assert ran.code == 0
    (whole,) = [line.split() for line in ran.out.splitlines() if line.strip().startswith("all")]
    read, lag, _rejected, charged, free, unrated, pending, voided = (int(figure.replace(",", "")) for figure in whole[1:])
    assert (read, lag, pending, voided) == (EVENTS, 0, 0, 0)
    assert min(charged, free, unrated) > 0
    assert re.search(r" 2026-\d\d-\d\dT", ran.out), "the clock"


@pytest.mark.usefixtures("system")
def test_status_of_a_system_that_nobody_reads_shows_all_of_it_as_lag(wameter: Wameter) -> None:
    ran = wameter("status", "--prefix", "late.", "--app-id", "late")
    (whole,) = [line.split() for line in ran.out.splitlines() if line.strip().startswith("all")]
    assert whole[1:3] == ["0", "3,000"]


@pytest.mark.usefixtures("system")
def test_audit_accounts_for_everything(wameter: Wameter) -> None:
    ran = wameter("audit")
    assert "every event and every delivery is accounted for" in ran.out
    assert ran.code == 0


@pytest.mark.usefixtures("system")
def test_tiers_says_that_nothing_is_counted_where_no_rate_has_several_bands(wameter: Wameter) -> None:
    assert wameter("tiers").out == "nothing is counted for volume bands yet\n"
    assert wameter("tiers", "--json", "-").records == []


@pytest.mark.usefixtures("system")
def test_totals_can_be_narrowed_to_account_and_dates(wameter: Wameter) -> None:
    everything = wameter("totals", "--json", "-").records
    some = wameter("totals", "--json", "-", "--account", "130077412093345", "--from", "2026-09", "--to", "2026-09").records
    assert some == [total for total in everything if total["account_id"] == "130077412093345" and total["date"] < "2026-10"]
    assert 0 < len(some) < len(everything)
    table = wameter("totals", "--by-date", "--from", "2026-10-05", "--to", "2026-10-05").out
    assert "2026-10-05" in table
    assert "2026-10-06" not in table
    assert wameter("totals", "--from", "2030").err.startswith("wameter totals: invalid value")
    assert wameter("totals", "--from", "2030-01").out == "no totals match\n"


@pytest.mark.usefixtures("system")
def test_topics_are_checked_and_created_once(wameter: Wameter) -> None:
    assert wameter("topics", "check").out == f"ok: {len(topics.WORKER)} topics with 2 partitions each\n"
    other = wameter("topics", "check", "--partitions", "3")
    assert (other.code, len(other.err.splitlines())) == (2, len(topics.WORKER))
    assert "t.usage.rated has 2 partitions" in other.err
    created = wameter("topics", "create", "--prefix", "new.")
    assert "created new.usage.totals" in created.out
    assert "all topics are there" in wameter("topics", "create", "--prefix", "new.").out


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize("command", ["status", "totals", "audit"])
def test_a_prefix_without_topics_is_told(wameter: Wameter, command: str) -> None:
    ran = wameter(command, "--prefix", "nowhere.")
    assert ran.code == 2
    assert re.fullmatch(
        rf"wameter {command}: topic nowhere\.\S+ does not exist at \S+; run `wameter topics create`, or correct --prefix\n", ran.err
    )


@contextmanager
def demo(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A demo of 4,000 events in a process of its own, which ends with the test; the user's settings are of no use to it."""
    command = [sys.executable, "-m", "streams.cli.main", "demo", "--events", "4000", "--workers", "1", *arguments]
    environment = {**os.environ, "WAMETER_WEB_PORT": "no port", "WAMETER_PREFIX": "mine."}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # A shell starts what it runs in the background deaf to SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_the_demo_runs_once_and_equals_the_offline_rater() -> None:
    with demo("--once", "--seed", "3") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert re.search(r"checked +the offline rater says the same of all 4,000 events: [\d,]+ totals, equal to the last digit\n", out)
    assert re.search(r"Total .* EUR\n", out)
    assert "\x1b" not in out


def test_a_demo_that_is_interrupted_leaves_no_process_behind() -> None:
    with demo("--rate", "100") as process:
        assert process.stdout is not None
        said = []
        for line in iter(process.stdout.readline, ""):
            said.append(line)
            if "published" in line:  # the first line about how far it is: broker and worker run
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err.strip()) == (130, "")
    (address,) = [line.split()[1] for line in said if line.startswith("broker")]
    assert [path for path in Path("/proc").glob("[0-9]*/cmdline") if address.encode() in _command_line(path)] == []


def _command_line(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
