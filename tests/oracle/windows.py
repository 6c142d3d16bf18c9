"""Customer service windows: some message of the user came less than 24 hours before (contract §2, "Windows")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.oracle.instants import HOUR
from tests.oracle.reading import Event

LENGTH = 24 * HOUR
OPENS_NONE = ("reaction", "system")


class Window(NamedTuple):
    """Open time, `[opened_at, expires_at)`, as seen at the instant that was asked about."""

    opened_by: str
    opened_at: int
    expires_at: int


def openers(events: Sequence[Event], phone_number_id: str, user: str) -> list[Event]:
    """The messages of one conversation that open or refresh its window, whatever the account."""
    return [
        event
        for event in events
        if event.type == "message.received"
        and (event.phone_number_id, event.user) == (phone_number_id, user)
        and event.kind not in OPENS_NONE
        and not event.edited
    ]


def window_at(events: Sequence[Event], phone_number_id: str, user: str, at: int) -> Window | None:
    """The window that is open at an instant: from the message that opened it, refreshed by those since."""
    before = sorted((e.time, e.message_id) for e in openers(events, phone_number_id, user) if e.time <= at)
    if not before or at >= before[-1][0] + LENGTH:
        return None
    last = before[-1][0]
    opened_at = last
    for time, _ in reversed(before):
        if opened_at - time < LENGTH:
            opened_at = time
    opened_by = min(message_id for time, message_id in before if time == opened_at)
    return Window(opened_by, opened_at, last + LENGTH)
