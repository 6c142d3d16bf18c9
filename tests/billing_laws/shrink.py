"""A history made small: commands and totals are left out as long as the answers still differ in the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.billing_laws.histories import History


def shrunk(history: History, still_differs: Callable[[History], bool]) -> History:
    """A history from which no single command or total can be left out; `still_differs` holds for it."""
    if history.until is not None and still_differs(replace(history, until=None)):
        history = replace(history, until=None)
    history = replace(history, totals=_fewest(history.totals, lambda totals: still_differs(replace(history, totals=totals))))
    return replace(history, commands=_fewest(history.commands, lambda commands: still_differs(replace(history, commands=commands))))


def _fewest(items: tuple[bytes, ...], still: Callable[[tuple[bytes, ...]], bool]) -> tuple[bytes, ...]:
    length = len(items)
    while length:
        length = (length + 1) // 2
        start = 0
        while start < len(items):
            fewer = items[:start] + items[start + length :]
            if still(fewer):
                items = fewer
            else:
                start += length
        if length == 1:
            return items
    return items


def told(history: History) -> str:
    """A history as a person reads it, and as files hold it."""
    parts = [history.plans, *(raw.decode("utf-8", "replace") for raw in (*history.commands, *history.totals))]
    return "\n".join([*parts, f"--until {history.until}" if history.until else ""])
