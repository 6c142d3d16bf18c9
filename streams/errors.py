"""A user's mistake, as an exception: sentences that say what, where, and how to mend it. The command line prints them and exits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

WRONG_USE: Final = 2
UNREACHABLE: Final = 3


class UserError(Exception):
    """Wrong use or bad configuration: everything that is wrong at once, one sentence each."""

    exit_code: int = WRONG_USE

    def __init__(self, *sentences: str) -> None:
        super().__init__("; ".join(sentences))
        self.sentences: Sequence[str] = sentences


class UnreachableError(UserError):
    """A service that does not answer."""

    exit_code = UNREACHABLE
