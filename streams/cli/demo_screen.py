"""What the demo shows: on a terminal a table that grows, in a pipe a line every two seconds."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from streams.cli.tables import per_currency, show_results
from streams.results import Results

if TYPE_CHECKING:
    from streams.demo import Watch

_REFRESH_S: Final = 0.2
_LINE_EVERY_S: Final = 2.0
_LABEL_COLUMNS: Final = 9


class Screen:
    """The demo's output; `published` is set by whoever publishes, everything else comes from the watch."""

    def __init__(self, events: int, watch: Watch) -> None:
        self.published = 0
        self._events = events
        self._watch = watch
        self._console = Console()
        self._live: Live | None = None
        self._said_s = time.monotonic()
        self._began_s = time.monotonic()
        self._progress = Progress(TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn())
        self._bars = [self._progress.add_task(name, total=events) for name in ("published", "rated")]

    def say(self, label: str, text: str) -> None:
        """One fact."""
        if self._console.is_terminal:
            self._console.print(Text(f"{label:<{_LABEL_COLUMNS}} ", style="bold cyan") + Text(text))
        else:
            sys.stdout.write(f"{label:<{_LABEL_COLUMNS}} {text}\n")
            sys.stdout.flush()

    @contextmanager
    def live(self) -> Iterator[None]:
        """While this lasts, `refresh` shows how far things are."""
        self._began_s = time.monotonic()
        if not self._console.is_terminal:
            yield
            self._line()
            return
        with Live(self._frame(), console=self._console, refresh_per_second=5, transient=True) as self._live:
            yield
        self._live = None

    async def refresh(self) -> None:
        """Lets a moment pass, then shows what is new."""
        await asyncio.sleep(_REFRESH_S)
        if self._live is not None:
            self._live.update(self._frame())
        elif time.monotonic() - self._said_s >= _LINE_EVERY_S:
            self._line()

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """While this lasts, a terminal shows that something goes on."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(what):
            yield

    def show_totals(self, results: Results) -> None:
        """The final table."""
        sys.stdout.write("\n")
        show_results(results)
        sys.stdout.write("\n")
        sys.stdout.flush()

    def _line(self) -> None:
        self._said_s = time.monotonic()
        results = self._watch.results
        self.say(
            f"{time.monotonic() - self._began_s:5.1f} s",
            f"{self.published:,} published · {self._watch.read:,} rated · {results.lines:,} lines · "
            f"{results.unrated_count:,} unrated · {results.rejected_count:,} rejected",
        )

    def _frame(self) -> RenderableType:
        results = self._watch.results
        for bar, done in zip(self._bars, (self.published, self._watch.read), strict=True):
            self._progress.update(bar, completed=done)
        counts = Text(f"{results.lines:,} lines · {results.unrated_count:,} unrated · {results.rejected_count:,} rejected", style="dim")
        return Group(self._progress, counts, per_currency(results.totals()))
