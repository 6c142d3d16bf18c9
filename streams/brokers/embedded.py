"""The embedded broker: a Kafka-compatible server from a wheel, for the demo and for tests. All its quirks are handled here.

It has transactions, read_committed, fencing, consumer groups and static membership. What it lacks:

- it answers an empty fetch at once instead of waiting: clients would spin. `be_gentle` slows them down.
- it never gives up a group member that died without a static name: give workers a `group_instance_id`.
- it names every transaction that was ever aborted in a partition, also those that ended before the offset asked for: clients would take
  what the same producer committed later for aborted. `be_gentle` leaves those out.
- it writes its whole state as JSON every few seconds: fine for a demo's traffic, not for a benchmark.
- it does not compact, and ignores how many bytes a fetch asks for.

For anything that must last, use Apache Kafka.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

from streams.brokers import aborts
from streams.errors import UserError

START_TIMEOUT_S = 10.0
EMPTY_FETCH_PAUSE_S = 0.02
_PR_SET_PDEATHSIG = 1


class EmbeddedBroker:
    """A broker on a free port of this machine, with its data in a directory that goes with it. A context manager."""

    def __init__(self, directory: Path | None = None) -> None:
        self._temporary = directory is None
        self._directory = directory or Path(tempfile.mkdtemp(prefix="wameter-broker-"))
        self.bootstrap = f"127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> EmbeddedBroker:
        """Starts it; returns when it takes connections."""
        host, _, port = self.bootstrap.partition(":")
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                [binary(), "start", "--only", "kafka", "--host", host, "--kafka-port", port, "--data-dir", str(self._directory / "data")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us: we stop it last
                preexec_fn=end_with_parent(),
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            if self._process.poll() is not None:
                raise UserError(f"the embedded broker ended at its start; {self._directory / 'broker.log'} says why")
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return self
            except OSError:
                if time.monotonic() > deadline_s:
                    self.stop()
                    raise UserError(f"the embedded broker did not answer on {self.bootstrap} within {START_TIMEOUT_S:.0f} s") from None
                time.sleep(0.02)

    def stop(self) -> None:
        """Stops it and removes its data, if the directory was its own."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._temporary:
            shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> EmbeddedBroker:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def binary() -> str:
    """The broker's executable. Raises `UserError` on a platform for which there is none."""
    try:
        path = Path(str(files("noida_db"))) / ("noida-db.exe" if os.name == "nt" else "noida-db")
    except ModuleNotFoundError:
        path = Path()
    if not path.is_file():
        raise UserError(
            "there is no embedded broker for this platform; "
            "start Kafka with `docker compose up` and name it with --bootstrap 127.0.0.1:9092"
        )
    path.chmod(0o755)
    return str(path)


def end_with_parent() -> Callable[[], object] | None:
    """What a child must call before it runs, so that it is stopped when this process ends, however that ends. None where only Linux can."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def be_gentle() -> None:
    """Makes this process's consumers wait a little after a fetch that came back empty and early, and forget aborts that are over.

    With a broker that waits by itself, and names only the aborts that matter, this makes no difference.
    """
    if getattr(Fetcher, "_gentle", False):
        return
    aborts.forget_those_that_are_over()
    fetch = Fetcher._proc_fetch_request

    async def fetch_and_pause(self: Any, *args: Any) -> Any:
        asked_s = time.monotonic()
        got_records = await fetch(self, *args)
        if not got_records and time.monotonic() - asked_s < EMPTY_FETCH_PAUSE_S:
            with suppress(asyncio.CancelledError):  # as aiokafka's own: a cancelled fetch has no result
                await asyncio.sleep(EMPTY_FETCH_PAUSE_S)
        return got_records

    Fetcher._proc_fetch_request = fetch_and_pause
    Fetcher._gentle = True
