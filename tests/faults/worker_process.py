"""`wameter worker` as the body of a process that has everything imported already: half of a worker's start is imports."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from streams.cli import main as command_line
from streams.cli import worker as _worker_command
from streams.engine.partition import Kept, Partition
from streams.guards import faults

MEMORY = "memory of partition"

_close = Partition.close
_PRELOADED = _worker_command


def main(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Runs one command line with this environment; everything it writes goes to `log`."""
    os.environ.update(environment)
    importlib.reload(faults)  # it was imported before this process had its environment
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_DFL)
    with log.open("ab") as output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    Partition.close = _close_and_tell  # type: ignore[method-assign] # an observer: what lies in memory is seen from nowhere else
    command_line.main(arguments)


async def _close_and_tell(self: Partition) -> Kept | None:
    """Writes a digest of METER's state of a partition when the worker gives it up."""
    kept = await _close(self)
    if kept is not None and self._owner.stage_name == "meter":
        os.write(1, f"{MEMORY} {self.number} {digest(kept.store.items())}\n".encode())
    return kept


def digest(items: Iterable[tuple[bytes, bytes]]) -> str:
    """A hash of a state: equal when every key and value is."""
    hashed = sha256()
    for key, value in sorted(items):
        for part in (key, value):
            hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.hexdigest()
