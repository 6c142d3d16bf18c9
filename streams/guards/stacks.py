"""Where every task and thread of this process stands, as text without values: what to look at when nothing moves."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from types import FrameType
from typing import Any


def of_threads() -> dict[str, str]:
    """The stack of each thread by its name, innermost call last."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return {
        f"{names.get(ident, 'unknown')} ({ident})": "".join(traceback.format_stack(frame)) for ident, frame in sys._current_frames().items()
    }


def of_tasks(*loops: asyncio.AbstractEventLoop) -> dict[str, str]:
    """Where each unfinished task of the loops waits, outermost call first. May be called from another thread."""
    found: dict[str, str] = {}
    for loop in loops:
        for task in asyncio.all_tasks(loop):
            places = [f"  {frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}\n" for frame, line in _chain(task.get_coro())]
            found[task.get_name()] = "".join(places) or "  not started, or ended\n"
    return found


def _chain(awaited: Any) -> list[tuple[FrameType, int]]:
    """The frames of a coroutine and of what it awaits, one in the other."""
    frames: list[tuple[FrameType, int]] = []
    while awaited is not None:
        frame = next((each for name in ("cr_frame", "gi_frame", "ag_frame") if (each := getattr(awaited, name, None)) is not None), None)
        if frame is not None:
            frames.append((frame, frame.f_lineno))
        awaited = next(
            (each for name in ("cr_await", "gi_yieldfrom", "ag_await") if (each := getattr(awaited, name, None)) is not None), None
        )
    return frames
