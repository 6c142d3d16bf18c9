"""CPU time and memory of processes, as Linux counts them, and how to end them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STOP_TIMEOUT_S = 15.0


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds of these processes and all their descendants, those that ended and were waited for included. Resolution: 10 ms."""
    return sum(_cpu_s(pid) for pid in _with_descendants(pids))


def machine_cpu_s() -> float:
    """CPU seconds that all processes of this machine have used since its start, together with what its host took from it."""
    user, nice, system, _, _, *rest = (int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / _TICKS_PER_S


def rss_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes and their descendants; what they share counts for each."""
    found = 0
    for pid in _with_descendants(pids):
        with suppress(OSError):
            found += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    return found


def peak_rss_bytes(pid: int) -> int:
    """The most resident memory that one process ever had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def leave_in_order() -> None:
    """Lets SIGTERM end this process as Ctrl-C does: what it started is ended, what it wrote is removed."""
    signal.signal(signal.SIGTERM, lambda _signum, _frame: signal.raise_signal(signal.SIGINT))


def end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """SIGTERM to each process group, SIGKILL to what stays; returns when all are gone."""
    processes = list(processes)
    for process in processes:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
    for process in processes:
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / _TICKS_PER_S


def _with_descendants(pids: Iterable[int]) -> Iterator[int]:
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        yield pid
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
