"""A supervisor starts a worker again as long as that can help, and ends with it when it cannot."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streams import logs, topics
from streams.demo import publish_profiles, publish_traffic, rated_offline, results_of
from streams.guards.fatal import Exit
from streams.results import differences
from streams.settings import Settings, variable_of
from streams.supervise import supervise, worker_command

ENDS = """
import os, signal, sys
with open(sys.argv[1], "a+") as lives:
    lives.write("life\\n")
    lives.seek(0)
    number = len(lives.readlines())
code = int(sys.argv[2:][min(number, len(sys.argv) - 2) - 1])
if code < 0:
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


def ends(lives: Path, *codes: int) -> list[str]:
    """A process whose first life ends with the first code, and so on; the last one repeats."""
    return [sys.executable, "-c", ENDS, str(lives), *map(str, codes)]


@pytest.mark.parametrize(
    ("codes", "code", "lives"),
    [
        pytest.param([0], 0, 1, id="a worker that is done"),
        pytest.param([Exit.UNEXPECTED, Exit.FENCED, -signal.SIGKILL, 0], 0, 4, id="failures that a new start mends"),
        pytest.param([3, 3, 3, 3, 3, 0], 0, 6, id="a broker that is away, however long"),
        pytest.param([2], 2, 1, id="a configuration that is wrong"),
        pytest.param([Exit.BREAKER], Exit.BREAKER, 1, id="a circuit breaker that opened"),
        pytest.param([Exit.REFUSED], Exit.REFUSED, 1, id="a state that was lost"),
        pytest.param([Exit.UNEXPECTED], Exit.UNEXPECTED, 4, id="a crash loop"),
    ],
)
def test_it_ends_as_the_worker_did(tmp_path: Path, codes: list[int], code: int, lives: int) -> None:
    log = tmp_path / "lives"
    assert supervise(ends(log, *codes), first_pause_s=0.001, short_lives_max=4) == code
    assert len(log.read_text().splitlines()) == lives


def test_whoever_stops_it_stops_the_worker_and_gets_its_exit_code(tmp_path: Path) -> None:
    """The worker tells that it runs, then waits to be stopped, and leaves in order."""
    ready_read, ready_write = os.pipe()
    worker = f"""
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
os.write({ready_write}, b"!")
signal.pause()
"""
    supervisor = f"""
import os, subprocess, sys
from streams import supervise
start = subprocess.Popen
supervise.subprocess.Popen = lambda command, **options: start(command, pass_fds=[{ready_write}], **options)
sys.exit(supervise.supervise([sys.executable, "-c", {worker!r}]))
"""
    with subprocess.Popen([sys.executable, "-c", supervisor], pass_fds=[ready_write]) as process:
        os.close(ready_write)
        assert os.read(ready_read, 1) == b"!"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    os.close(ready_read)


def test_it_supervises_the_same_command_without_the_flag() -> None:
    command = worker_command(["worker", "--supervise", "--drain"])
    assert command[-2:] == ["worker", "--drain"]
    assert "--supervise" not in command


def test_a_supervisor_that_is_killed_takes_its_worker_with_it(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    worker = f"import os, pathlib, time; pathlib.Path({str(told)!r}).write_text(str(os.getpid())); time.sleep(60)"
    supervisor = f"import sys; from streams.supervise import supervise; supervise([sys.executable, '-c', {worker!r}])"
    with subprocess.Popen([sys.executable, "-c", supervisor]) as process:
        until(lambda: told.exists() and told.read_text() != "")
        process.kill()
    until(lambda: not Path(f"/proc/{told.read_text()}").exists())


def until(condition: Callable[[], bool]) -> None:
    """Returns as soon as the condition holds."""
    deadline_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_a_worker_that_dies_in_each_life_is_given_up_loudly_and_loses_nothing(
    embedded_broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The worker that ships, killed by the first transaction of each of its lives."""
    settings = Settings(bootstrap=embedded_broker, prefix="loop.", app_id="loop", partitions=1, group_instance_id="w", web_port=0)
    asyncio.run(publish(settings))
    monkeypatch.chdir(tmp_path)
    for name, value in settings.model_dump(exclude_none=True).items():
        monkeypatch.setenv(variable_of(name), str(value))
    monkeypatch.setenv("WAMETER_FAULT", "before_commit:1")
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    logs.configure(settings)
    command = worker_command(["worker", "--supervise", "--drain"])
    assert supervise(command, first_pause_s=0.01, short_lives_max=3) == 128 + signal.SIGKILL
    said = capfd.readouterr().err
    assert said.count("worker ended; starting it again") == 2
    assert said.count("the worker ends again and again; giving up") == 1
    monkeypatch.delenv("WAMETER_FAULT")
    assert supervise(command) == 0
    assert list(differences(asyncio.run(results_of(settings)).totals(), rated_offline(settings, 5, 300).totals())) == []


async def publish(settings: Settings) -> None:
    await topics.create(settings)
    await publish_profiles(settings, 5)
    await publish_traffic(settings, 5, 300, per_second=None, told=lambda _: None)
