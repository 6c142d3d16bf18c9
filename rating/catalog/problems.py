"""What is wrong with a catalog: every mistake of every file at once, each as one sentence that says how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class CatalogProblems(ValueError):  # noqa: N818 - it is the problems, all of them
    """A catalog that cannot be used. `str()` of it is all its sentences, one a line."""

    problems: tuple[str, ...]
    """In the order of the files and their lines; never empty. Each names file, line, column and the mend."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class CellError(Exception):
    """Raised by a reader of one cell: what is wrong with it and the mend; who reads the row knows where it stands."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}; {mend}")
        self.what = what
        self.mend = mend


class Place(NamedTuple):
    """Where a mistake stands. Lines count from 1, as an editor shows them; 0 is the file as a whole."""

    file: str
    line: int
    column: str
    """Name of the column, or "" where the whole line is meant."""

    def __str__(self) -> str:
        return self.file + (f" line {self.line}" if self.line else "") + (f", column {self.column}" if self.column else "")


class Findings:
    """Collects mistakes while the reading goes on, so that a user mends a catalog once and not ten times."""

    def __init__(self) -> None:
        self._found: list[tuple[Place, str]] = []

    def add(self, place: Place, what: str, mend: str) -> None:
        """Notes one mistake: `what` is wrong, and the `mend` in the imperative."""
        self._found.append((place, f"{place}: {what}; {mend}"))

    def none_in(self, file: str) -> bool:
        """Whether nothing was found in a file so far."""
        return all(place.file != file for place, _ in self._found)

    def sentences(self) -> list[str]:
        """All of them, by file and line."""
        return [sentence for _, sentence in sorted(self._found, key=lambda found: found[0][:2])]
