"""How far this machine's clock is from the brokers': waits end by it, and brokers refuse records that are dated too far ahead.

Every write to the changelog tells: the broker stamps it between the moment it was sent and the moment it was acknowledged. What lies
outside of that is the difference, and what lies inside cannot be told from none.
"""

from __future__ import annotations

import structlog

from streams.guards.fatal import RefusalError

log = structlog.get_logger(__name__)
WARN_SHARE = 10
"""A tenth of what is too much is said."""


def skew_ms(sent_ms: int, stamped_ms: int | None, acknowledged_ms: int) -> int | None:
    """By how much the broker's clock is ahead of ours, at least; negative if it is behind. None where the broker gave no stamp."""
    if stamped_ms is None or stamped_ms < 0:
        return None
    return max(0, stamped_ms - acknowledged_ms) - max(0, sent_ms - stamped_ms)


class Clock:
    """Watches the difference; says it once in a process when it is large. `limit_ms` is what is too much."""

    is_told = False

    def __init__(self, limit_ms: int) -> None:
        self._limit_ms = limit_ms

    def check(self, skew_ms: int) -> None:
        """Raises `RefusalError` if the clocks are too far apart."""
        if abs(skew_ms) > self._limit_ms:
            raise RefusalError(too_far(skew_ms, self._limit_ms))
        if abs(skew_ms) * WARN_SHARE > self._limit_ms and not Clock.is_told:
            Clock.is_told = True
            log.warning("the clocks of this machine and of the brokers differ; is time synchronised everywhere?", skew_ms=skew_ms)


def too_far(skew_ms: int, limit_ms: int) -> str:
    """What to say of clocks that are too far apart."""
    side = "behind" if skew_ms > 0 else "ahead of"
    return (
        f"this machine's clock is at least {abs(skew_ms) / 1000:g} s {side} the brokers', and clock_skew_max_ms allows "
        f"{limit_ms / 1000:g} s: synchronise the time of all machines"
    )
