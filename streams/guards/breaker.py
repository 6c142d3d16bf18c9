"""The circuit breaker: when most records are rejected, it is not the data that is bad.

A deploy that understands nothing would pour the whole input into the reject topic. Stopped before the batch that shows it is
committed, it leaves a backlog instead, which the next deploy works off.
"""

from __future__ import annotations

from collections import deque

from streams.guards.fatal import BreakerError

MIN_RECORDS = 50
"""Fewer prove nothing: the first records of a quiet day may all be bad."""


class Breaker:
    """Looks at the latest `window` records of a worker, in whole steps. A window of 0 turns it off."""

    def __init__(self, window: int, ratio: float) -> None:
        self._window = window
        self._ratio = ratio
        self._steps: deque[tuple[int, int]] = deque()
        self._records = 0
        self._rejected = 0

    def check(self, records: int, rejected: int) -> None:
        """Counts a step before it is committed; raises `BreakerError` if it must not be."""
        if not self._window or not records:
            return
        self._steps.append((records, rejected))
        self._records += records
        self._rejected += rejected
        while self._records - self._steps[0][0] >= self._window:
            oldest_records, oldest_rejected = self._steps.popleft()
            self._records -= oldest_records
            self._rejected -= oldest_rejected
        if self._records >= MIN_RECORDS and self._rejected > self._ratio * self._records:
            raise BreakerError(
                f"{self._rejected} of the last {self._records} records were rejected; nothing of this batch is committed. "
                "Correct what publishes or what was deployed; to reject them all the same, set breaker_window to 0"
            )
