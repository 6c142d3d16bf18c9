"""`wameter rate --jobs N`: several processes say what one says, and end together."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from streams.traffic import events, profiles
from tests.cli.conftest import UTILITY, Wameter

DAMAGED = (
    b"",
    b" \t",
    b"{broken",
    b"\xff\xfe{}",
    b'{"v":1,"type":"message.read","phone_number_id":7}',
    b'{"v":1,"type":"message.read","phone_number_id":"106540352242922","more":{"phone_number_id":"119002347715076"}}',
)


def respelled(event: bytes, way: int) -> bytes:
    """The same event, written in another way."""
    fields: dict[str, Any] = json.loads(event)
    if way == 1:
        return json.dumps(fields).encode()
    if way == 2:
        return event.replace(b'"phone_number_id"', b'"phone\\u005fnumb\\u0065r_id"')
    if way == 3:
        number: str = fields.pop("phone_number_id")
        others = json.dumps({"phone_number_id": "1", "more": {"phone_number_id": "2"}, **fields}).encode()
        return others[:-1] + b',"phone_number_id" :\t"' + number.encode() + b'"}'
    if way == 4:
        return json.dumps({**fields, "more": 'a "phone_number_id":"9" in a text, \u00e9, \\'}).encode()
    return event + b"\r"


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """Shipped traffic with damaged lines, a part of it written in odd ways."""
    random = Random(4)
    found = []
    for number, event in enumerate(events(7, 12_000, damaged=True)):
        odd = number % 50 == 0 and event.endswith(b"}") and b"seen" not in event and b"yesterday" not in event
        found.append(respelled(event, random.randrange(1, 6)) if odd else event)
        if number % 300 == 0:
            found.append(random.choice(DAMAGED))
    return found


Written = dict[str, list[dict[str, Any]]]


@pytest.fixture
def written(wameter: Wameter, tmp_path: Path) -> Callable[..., Written]:
    """Runs the command and returns all that it wrote."""
    (tmp_path / "accounts").write_bytes(b"\n".join(profiles()))

    def command(*arguments: object, stdin: bytes = b"") -> Written:
        names = ("totals", "unrated", "rejected", "lines")
        outputs = [part for name in names for part in (f"--{name}", f"of-{name}")]
        assert wameter("rate", *arguments, "--accounts", "accounts", *outputs, stdin=stdin).code == 1
        return {name: [json.loads(line) for line in Path(f"of-{name}").read_text().splitlines()] for name in names}

    return command


def by_delivery(rated: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in rated:
        found[line["delivery_id"]].append(line)
    return found


def assert_same(several: Written, one: Written) -> None:
    for name in ("totals", "unrated", "rejected"):
        assert several[name] == one[name], name
    assert len(several["lines"]) == len(one["lines"])
    assert by_delivery(several["lines"]) == by_delivery(one["lines"])


@pytest.mark.parametrize("jobs", [2, 3, 40])
def test_several_jobs_write_what_one_writes(written: Callable[..., Written], lines: list[bytes], jobs: int) -> None:
    Path("a").write_bytes(b"\n".join(lines[:5000]))
    Path("b").write_bytes(gzip.compress(b"\n".join(lines[5000:])))
    one = written("a", "b")
    assert {"invalid_json", "invalid_field", "unknown_type"} <= {record["reason"] for record in one["rejected"]}
    assert {record["file"] for record in one["rejected"]} == {"a", "b"}
    assert len(one["totals"]) > 1000
    assert_same(written("a", "b", "--jobs", jobs), one)


def test_several_jobs_read_standard_input_too(written: Callable[..., Written], lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    assert_same(written("-", "--jobs", 2, stdin=gzip.compress(data)), written("-", stdin=data))


def test_the_order_of_the_lines_is_the_same_every_time(written: Callable[..., Written], lines: list[bytes]) -> None:
    first = written("-", "--jobs", 3, stdin=b"\n".join(lines))["lines"]
    assert first == written("-", "--jobs", 3, stdin=b"\n".join(lines))["lines"]
    number = first[0]["phone_number_id"]
    alone = written("-", stdin=b"\n".join(lines))["lines"]
    assert [it for it in first if it["phone_number_id"] == number] == [it for it in alone if it["phone_number_id"] == number]


def body(*statuses: tuple[str, str], more: str = "") -> bytes:
    """A webhook body with a status for each phone number and message id."""
    changes = [
        {
            "field": "messages",
            "value": {
                "metadata": {"phone_number_id": number},
                "statuses": [
                    {
                        "id": message,
                        "status": status,
                        "timestamp": "1790000000",
                        "recipient_id": "33612345678",
                        "pricing": {"billable": True, "type": "regular", "category": "utility"},
                    }
                    for status in ("sent", "delivered", *(["vanished"] if "7." in message else []))
                ],
            },
        }
        for number, message in statuses
    ]
    account = "102290129340398"
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": account, "changes": changes}], "more": more}).encode()


def test_webhook_bodies_of_several_phone_numbers_are_shared_out(written: Callable[..., Written]) -> None:
    random = Random(1)
    bodies = [b"7", b"{}", b"\xff"]
    for number in range(600):
        statuses = [(random.choice("123456"), f"wamid.{number}.{part}") for part in range(random.choice((1, 1, 1, 3)))]
        bodies.append(body(*statuses, more=random.choice(("", "\u00e9", 'a "phone_number_id": "1" in a text'))))
    bodies.append(body(("1", "wamid.escaped")).replace(b'"phone_number_id"', b'"\\u0070hone_number_id"'))
    random.shuffle(bodies)
    data = b"\n".join(bodies)
    one = written("-", "--format", "meta-webhooks", stdin=data)
    assert len(one["lines"]) > 600
    assert len(one["rejected"]) > 60
    for jobs in (2, 3):
        assert_same(written("-", "--format", "meta-webhooks", "--jobs", jobs, stdin=data), one)


def test_more_jobs_than_lines_are_no_mistake(wameter: Wameter, accounts: Path) -> None:
    ran = wameter("rate", "-", "--accounts", accounts, "--totals", "-", "--jobs", 5, stdin=UTILITY)
    assert [total["cost"] for total in ran.records] == ["0.0300"]
    assert wameter("rate", "-", "--accounts", accounts, "--jobs", 2, stdin=b"").code == 0


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "257"])
def test_a_number_of_jobs_that_makes_no_sense_is_refused(wameter: Wameter, accounts: Path, jobs: str) -> None:
    ran = wameter("rate", "-", "--accounts", accounts, "--jobs", jobs)
    assert ran.code == 2
    assert ran.err.startswith("wameter rate: ")
    assert ran.err.count("\n") == 1


@pytest.fixture
def endless(tmp_path: Path) -> list[str]:
    """A run by three processes that gets a hundred times the same traffic."""
    (tmp_path / "accounts").write_bytes(b"\n".join(profiles()))
    (tmp_path / "events").write_bytes(b"\n".join(events(5, 20_000)))
    names = [str(tmp_path / "events")] * 100
    return [sys.executable, "-m", "streams.cli.main", "rate", *names, "--accounts", str(tmp_path / "accounts"), "--jobs", "3"]


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")


@needs_proc
@pytest.mark.parametrize(
    ("of_a_job", "number", "code", "said"),
    [
        pytest.param(True, signal.SIGKILL, 70, "was ended by signal 9 before its work was done", id="a job is killed"),
        pytest.param(False, signal.SIGINT, 130, "", id="Ctrl-C"),
        pytest.param(False, signal.SIGKILL, -signal.SIGKILL, "", id="the first process is killed"),
    ],
)
def test_all_processes_end_when(endless: list[str], tmp_path: Path, of_a_job: bool, number: signal.Signals, code: int, said: str) -> None:
    reading, writing = os.pipe()
    command = [*endless, "--totals", str(tmp_path / "totals"), "--lines", f"/dev/fd/{writing}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, pass_fds=[writing], start_new_session=True) as process:
        os.close(writing)
        assert os.read(reading, 1)  # it is at work: lines come
        jobs = children(process.pid)
        assert len(jobs) == 3
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does: all of them get it
        else:
            os.kill(jobs[1] if of_a_job else process.pid, number)
        while os.read(reading, 1 << 20):
            pass
        assert process.stderr is not None
        err = process.stderr.read().decode()
    os.close(reading)
    assert process.returncode == code
    assert (said in err) if said else not err.strip()
    assert err.strip().count("\n") == 0
    until = time.monotonic() + 20
    while not all(map(is_gone, jobs)):
        assert time.monotonic() < until, "a job outlived the run"
        os.sched_yield()
    assert not (tmp_path / "totals").exists()
