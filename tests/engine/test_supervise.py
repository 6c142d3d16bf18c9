"""A supervisor starts a worker again as long as that can help, and ends with it when it cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.engine.fatal import Exit
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
supervise.subprocess.Popen = lambda command: start(command, pass_fds=[{ready_write}])
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
