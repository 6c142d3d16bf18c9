"""Crash points for tests: `WAMETER_FAULT=after_state:3` kills the process with SIGKILL the third time it gets there.

`after_state:3:STOP` freezes it there instead: a zombie in the making. A transaction is open from `after_outputs` to
`before_commit`. Without the variable this costs one comparison.
"""

from __future__ import annotations

import os
import signal
from typing import Literal, get_args

Point = Literal["before_begin", "after_outputs", "after_state", "after_offsets", "before_commit", "after_commit"]
POINTS: tuple[Point, ...] = get_args(Point)
OPEN_TRANSACTION: tuple[Point, ...] = ("after_outputs", "after_state", "after_offsets", "before_commit")

_point, _, _rest = os.environ.get("WAMETER_FAULT", "").partition(":")
_count, _, _signal = _rest.partition(":")
_left = int(_count or 1)
if _point and _point not in POINTS:
    raise SystemExit(f"WAMETER_FAULT: {_point} is no crash point; use one of {', '.join(POINTS)}")


def reach(point: Point) -> None:
    """Dies here if the test asked for it. Nothing is flushed, no handler runs: as if the power had gone."""
    global _left
    if point != _point:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGSTOP if _signal == "STOP" else signal.SIGKILL)
