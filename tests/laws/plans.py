"""How a stream reaches METER: in which batches, with which clock, stopped where."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

from rating.stage import Record, Tick
from tests.oracle.instants import instant_ms
from tests.streams_generator import Stream

HOUR = 60 * 60 * 1000
Item = Record | Tick


@dataclass(frozen=True)
class Plan:
    """One way through a stream."""

    steps: tuple[tuple[Item, ...], ...]
    restart_before: int | None
    """The step before which METER is replaced by a new one on a copy of the state's bytes."""
    redecisions_per_step: int
    finishes_first: bool
    """Unfinished work is done before the next batch, instead of after some more."""
    tier_seed: int = 0
    """When TIER takes counts, how many at a time, and when METER hears of its bands."""


def make_plan(stream: Stream, rng: Random, *, clocked: bool, restarts: bool) -> Plan:
    """A plan for the stream as it stands. `clocked`: records carry append times and ticks come between them."""
    items = _items(stream, rng, clocked=clocked)
    steps: list[tuple[Item, ...]] = []
    most = rng.choice((1, 1, 3, 10, 200))
    while items:
        size = rng.randint(1, most)
        steps.append(tuple(items[:size]))
        del items[:size]
    return Plan(
        steps=tuple(steps),
        restart_before=rng.randrange(len(steps)) if restarts else None,
        redecisions_per_step=rng.choice((1, 2, 4, 1000, 1000)),
        finishes_first=rng.random() < 0.7,
        tier_seed=rng.randrange(1 << 32),
    )


def _items(stream: Stream, rng: Random, *, clocked: bool) -> list[Item]:
    shift = -30 * HOUR if rng.random() < 0.2 else 0
    clock = 0
    items: list[Item] = []
    for offset, raw in enumerate(stream.records):
        clock = max(clock, (event_time(raw) or 0) + shift)
        items.append(Record("whatsapp.messages", 0, offset, b"key", raw, clock if clocked else None))
        if clocked and rng.random() < 0.1:
            items.append(Tick(clock + rng.choice((0, HOUR, 2 * HOUR))))
    late, early = _profiles(stream)
    for profile in late:
        items.insert(rng.randint(0, len(items)), profile)
    return [*early, *items, Tick(clock, end_of_input=True)]


def _profiles(stream: Stream) -> tuple[list[Item], list[Item]]:
    """Those that come among the events, and those that come before: a delivery keeps the versions known when it was first rated."""
    versions = Counter(profile["account_id"] for profile in stream.profiles)
    late: list[Item] = []
    early: list[Item] = []
    for offset, profile in enumerate(stream.profiles):
        record = Record("whatsapp.accounts", 0, offset, profile["account_id"].encode(), json.dumps(profile).encode(), None)
        (late if stream.profiles_come_late and versions[profile["account_id"]] == 1 else early).append(record)
    return late, early


def event_time(raw: bytes) -> int | None:
    """The time in a record, None where there is none to read."""
    try:
        record: Any = json.loads(raw)
        return instant_ms(record["time"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
