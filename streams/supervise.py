"""`wameter worker --supervise`: starts a worker, and again whenever it ends in a way that a new start can mend.

A worker never repairs itself: it leaves, and the next one takes over what Kafka holds. Someone must start that one:
Kubernetes, systemd, or this.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

import structlog

from streams.brokers.embedded import end_with_parent
from streams.errors import UNREACHABLE, WRONG_USE
from streams.guards.fatal import Exit

log = structlog.get_logger(__name__)

FINAL = frozenset({0, WRONG_USE, int(Exit.REFUSED), int(Exit.BREAKER)})
"""A new start would end the same way: done, or a person must look."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LONG_LIFE_S = 60.0
"""Who lived so long was well: the next end counts as the first."""
SHORT_LIVES_MAX = 10


def supervise(command: Sequence[str], *, first_pause_s: float = FIRST_PAUSE_S, short_lives_max: int = SHORT_LIVES_MAX) -> int:
    """Runs a command until it ends for good; returns its exit code, negative signal numbers as the shell writes them.

    Gives up after `short_lives_max` ends in a row of a worker that had not lived for a minute. While Kafka is away it tries on for
    ever. SIGTERM and SIGINT go to the worker, whose end is then final.
    """
    running: list[subprocess.Popen[bytes]] = []
    stopped = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopped.set()
        for process in running:
            process.send_signal(signum)

    restore = _handle(stop)
    short_lives = 0
    pause_s = first_pause_s
    try:
        while True:
            began_s = time.monotonic()
            # A supervisor that is killed must not leave a worker behind, which the next one's would fight with for its name.
            running[:] = [subprocess.Popen(command, preexec_fn=end_with_parent())]  # noqa: S603 - our own command line
            if stopped.is_set():  # it came while the worker was being started
                running[0].terminate()
            code = running[0].wait()
            code = 128 - code if code < 0 else code
            if stopped.is_set() or code in FINAL:
                return code
            if time.monotonic() - began_s >= LONG_LIFE_S:
                short_lives, pause_s = 0, first_pause_s
            short_lives += code != UNREACHABLE
            if short_lives >= short_lives_max:
                log.critical("the worker ends again and again; giving up: what it said before says why", exit_code=code, times=short_lives)
                return code
            log.error("worker ended; starting it again", exit_code=code, pause_s=pause_s)
            if stopped.wait(pause_s):
                return 0
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
    finally:
        restore()


def worker_command(arguments: Sequence[str]) -> list[str]:
    """The command line of the worker to supervise: this one's, without `--supervise`."""
    return [sys.executable, "-m", "streams.cli.main", *(argument for argument in arguments if argument != "--supervise")]


def _handle(stop: Callable[[int, FrameType | None], None]) -> Callable[[], None]:
    """Sets the signal handlers; returns what sets the former ones again."""
    former = {signum: signal.signal(signum, stop) for signum in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for signum, handler in former.items():
            signal.signal(signum, handler)

    return restore
