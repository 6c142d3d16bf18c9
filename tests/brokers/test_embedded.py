"""The embedded broker comes and goes with its user, and says so where it cannot come."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from streams.brokers import embedded
from streams.brokers.embedded import EmbeddedBroker
from streams.errors import UserError


def answers(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def test_it_answers_once_it_is_started_and_no_more_once_it_is_stopped() -> None:
    with EmbeddedBroker() as broker:
        assert answers(broker.bootstrap)
    assert not answers(broker.bootstrap)


def test_two_stand_side_by_side() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as other:
        assert answers(one.bootstrap)
        assert answers(other.bootstrap)
        assert one.bootstrap != other.bootstrap


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_it_does_not_outlive_a_user_who_was_killed() -> None:
    program = """
from streams.brokers.embedded import EmbeddedBroker
import signal
print(EmbeddedBroker().start().bootstrap, flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as user:
        assert user.stdout is not None
        address = user.stdout.readline().strip()
        assert answers(address)
        os.kill(user.pid, signal.SIGKILL)
    while answers(address):
        pass


def test_a_platform_without_one_is_told_what_to_do_instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded, "files", lambda package: tmp_path)
    with pytest.raises(UserError, match=r"no embedded broker for this platform.*`docker compose up`.*--bootstrap"):
        EmbeddedBroker().start()
