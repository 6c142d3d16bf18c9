"""Progress of long work: a bar on a terminal, nothing in a pipe."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from streams.inputs import STDIN


@contextmanager
def reading_progress(files: Sequence[str]) -> Iterator[Callable[[int, int], None]]:
    """Yields a function that is told which file is read and how many of its bytes were. Shows them where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _file, _read_bytes: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    sizes = [_size_bytes(name) for name in files]
    before = [sum(size or 0 for size in sizes[:index]) for index in range(len(sizes))]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rating", total=total)

        def report(file: int, read_bytes: int) -> None:
            progress.update(task, description=f"rating {os.path.basename(files[file])}", completed=before[file] + read_bytes)

        yield report


@contextmanager
def working() -> Iterator[Callable[[str, int, int], None]]:
    """Yields a function that is told what goes on, how much of it is done and how much there is; 0: nobody knows."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _all: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda what, done, all_of_it: bar.update(task, description=what, completed=done, total=all_of_it or None)


def _size_bytes(name: str) -> int | None:
    """The size of a regular file; None of a pipe, whose end nobody knows."""
    if name == STDIN:
        return None
    status = os.stat(name)
    return status.st_size if stat.S_ISREG(status.st_mode) else None
