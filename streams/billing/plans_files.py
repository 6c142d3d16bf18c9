"""The plans file on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rating.billing.plans import Plans, PlansProblemsError
from rating.billing.plans_file import read_plans, shipped_example
from streams.errors import UserError
from streams.inputs import read_whole

_LIMIT_BYTES: Final = 16 * 1024 * 1024


def plans_of(name: str | Path | None) -> Plans:
    """The plans of a file, or the shipped example. Raises `UserError` with every problem."""
    text = shipped_example() if name is None else _text(str(name))
    try:
        return read_plans(text)
    except PlansProblemsError as error:
        raise UserError(*(f"{name or 'the shipped plans'}: {problem}" for problem in error.problems)) from None


def _text(name: str) -> str:
    try:
        return read_whole(name, _LIMIT_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{name}: is not UTF-8 text; write the plans file as UTF-8") from None
