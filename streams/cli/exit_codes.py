"""Exit codes (contract §7); those of mistakes and of services that don't answer come with `streams.errors`."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
SOME_REJECTED_OR_UNRATED: Final = 1
"""Done, but some records were rejected or unrated; also: a check found a difference."""
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
"""Nobody reads the output any more: what a shell reports of a program that SIGPIPE ended."""
