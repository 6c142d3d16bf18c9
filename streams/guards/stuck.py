"""Nothing moves though there is work: say where everything stands, and leave.

What looks on is a thread, because a stage that hangs holds the event loop, and then no task can look on. It knows two
things: when the event loop last turned, and when each partition last came further or had nothing to do.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from streams.guards import stacks
from streams.guards.fatal import Exit, StuckError, die

LAST_WORDS_S = 5.0
"""Time to write the stacks; whoever hangs may hold the lock of the log."""

Place = tuple[str, int]


class StuckDetector:
    """Ends the process with `Exit.UNEXPECTED` when it is stuck for `timeout_s`. `loops` are those whose tasks are shown."""

    def __init__(self, timeout_s: float, loops: Callable[[], Iterable[asyncio.AbstractEventLoop]]) -> None:
        self._timeout_s = timeout_s
        self._loops = loops
        self._turned_s = 0.0
        self._well_s: dict[Place, float] = {}
        """When a partition last came further, or had nothing to do."""
        self._positions: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}
        self._over = threading.Event()
        self._turning: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look on; to be called in the event loop."""
        self._turned_s = time.monotonic()
        self._turning = asyncio.create_task(self._turn())
        threading.Thread(target=self._look_on, name="stuck detector", daemon=True).start()

    def stop(self) -> None:
        """Looks on no more: the worker stops, which has a limit of its own."""
        self._over.set()
        if self._turning is not None:
            self._turning.cancel()

    def at(self, positions: Mapping[Place, int]) -> None:
        """Where each open partition is. Those that are not open are looked after by those who open them."""
        now_s = time.monotonic()
        well_s = {
            place: now_s if position != self._positions.get(place) or position >= self._ends.get(place, 0) else self._well_s[place]
            for place, position in positions.items()
        }
        self._positions, self._well_s = dict(positions), well_s

    def could_be(self, ends: Mapping[Place, int]) -> None:
        """Where each of them could be. While nobody can tell, what was last told holds."""
        self._ends = dict(ends)

    def problem(self) -> str | None:
        """What has been stuck for too long, as a sentence, or None."""
        now_s = time.monotonic()
        limit = f"for {self._timeout_s:g} s (stuck_timeout_ms)"
        if now_s - self._turned_s > self._timeout_s:
            return f"the event loop has not turned {limit}: something in it hangs"
        ends, positions = self._ends, self._positions
        stuck = [
            f"{topic} partition {number} at {positions[topic, number]} of {ends[topic, number]}"
            for (topic, number), well_s in self._well_s.items()
            if now_s - well_s > self._timeout_s and positions.get((topic, number), 0) < ends.get((topic, number), 0)
        ]
        return f"nothing was committed {limit} though there is something to read: {', '.join(stuck)}" if stuck else None

    async def _turn(self) -> None:
        while True:
            self._turned_s = time.monotonic()
            await asyncio.sleep(min(1.0, self._timeout_s / 4))

    def _look_on(self) -> None:
        while not self._over.wait(min(1.0, self._timeout_s / 4)):
            problem = self.problem()
            if problem is not None:
                exit_by_force = threading.Timer(LAST_WORDS_S, os._exit, [int(Exit.UNEXPECTED)])
                exit_by_force.daemon = True
                exit_by_force.start()
                die(StuckError(problem), threads=stacks.of_threads(), tasks=stacks.of_tasks(*self._loops()))
