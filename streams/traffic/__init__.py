"""Made-up traffic that looks like life: several accounts and countries, all kinds of conversations, statuses late, doubled, out of order.

The same seed makes the same bytes. It feeds the demo, the benchmarks and the crash tests; it knows nothing of prices and rates nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from heapq import heappop
from random import Random
from typing import Final

from streams.traffic.cast import PROFILES, Desk, seating
from streams.traffic.scenes import EVENTS_PER_SCENE, Stage
from streams.traffic.wire import at

__all__ = ["events", "keyed_events", "profiles"]

FROM_MS: Final = at(2026, 9, 1)
UNTIL_MS: Final = at(2026, 11, 10)
"""The traffic spans a change of rulebook, 2026-10-01, and of clocks in Europe, 2026-10-25; the more events, the denser."""

_DAMAGED: Final = (
    b'{"v":1,"type":"message.sent","id":"broken',
    b'{"v":1,"type":"message.seen","id":"d-1","account_id":"102290129340398","phone_number_id":"106540352242922"}',
    b'{"v":1,"type":"message.read","id":"d-2","account_id":"102290129340398","phone_number_id":"106540352242922","user":"33612345678",'
    b'"message_id":"wamid.X","time":"yesterday"}',
)
_DAMAGED_SHARE: Final = 1 / 5000


def profiles(seed: int = 0) -> list[bytes]:
    """The account profiles of the traffic, as JSON; the same for every seed. One account of the traffic has none."""
    return [json.dumps(profile, ensure_ascii=False, separators=(",", ":")).encode() for profile in PROFILES]


def events(seed: int, n: int, *, damaged: bool = False) -> Iterator[bytes]:
    """`n` message events as JSON, in the order of their arrival.

    With `damaged`, one in 5,000 is no event at all: truncated, of an unknown type, or with wrong fields.
    """
    return (event for _, event in keyed_events(seed, n, damaged=damaged))


def keyed_events(seed: int, n: int, *, damaged: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """The same events with their record key, the business phone number."""
    rng = Random(seed)  # noqa: S311 - the point is that anybody can make the same traffic again
    stage = Stage(rng)
    seats = seating(rng, users_per_desk=max(40, n // 150))
    between_ms = (UNTIL_MS - FROM_MS) * EVENTS_PER_SCENE / max(n, 1)
    now_ms = float(FROM_MS)
    left = n
    while left > 0:
        while left > 0 and stage.waiting and stage.waiting[0][0] <= now_ms:
            _, _, key, event = heappop(stage.waiting)
            left -= 1
            if damaged and rng.random() < _DAMAGED_SHARE:
                event = rng.choice(_DAMAGED)
            yield key, event
        _play(stage, seats, int(now_ms))
        now_ms += rng.expovariate(1 / between_ms)


def _play(stage: Stage, seats: list[Desk], now_ms: int) -> None:
    """One scene at one of the desks."""
    desk = seats[int(stage.random() * len(seats))]
    desk.plays[int(stage.random() * len(desk.plays))](stage, desk, now_ms)
