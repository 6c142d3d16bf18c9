"""How a stream reaches METER: in which batches, with which clock, stopped where."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import count
from random import Random
from typing import Any

from rating.activation import activation_of
from rating.catalog import load_catalog
from rating.orders import Active
from rating.stage import Record, Tick
from tests.oracle.instants import instant_ms
from tests.oracle.reading import RejectedError, read_event
from tests.streams_generator import Stream
from tests.streams_generator.catalog import LEARNED

HOUR = 60 * 60 * 1000
Item = Record | Tick


@cache
def learned() -> Active:
    """What puts the corrections in force."""
    return activation_of(load_catalog(LEARNED))


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
    _add_commands(stream, items)
    items.append(Tick(clock, end_of_input=True))
    _add_reprice(stream, items)
    return [*early, *items]


def _add_commands(stream: Stream, items: list[Item]) -> None:
    """Voids and redrives, some of them twice, at any place among the events: in half of the streams."""
    rng = Random(f"commands of {stream.seed} and of {len(items)}")
    messages = sorted({message for raw in stream.records if (message := _message(raw)) is not None})
    if not messages or rng.random() < 0.5:
        return
    commands: list[dict[str, Any]] = []
    for phone, message_id, participant in rng.choices(messages, k=rng.randint(0, 3)):
        members = {"participant": participant} if participant and rng.random() < 0.5 else {}
        ids = [message_id, *([f"unseen-{message_id}"] if rng.random() < 0.2 else [])]
        commands.append({"type": "void", "phone_number_id": phone, "message_ids": ids, "reason": "test", **members})
    for phone, _, _ in rng.choices(messages, k=rng.randint(0, 3)):
        reason = rng.choice((None, None, "no_market", "unknown_account"))
        commands.append({"type": "redrive", "phone_number_id": phone, "reason": reason})
    for offset, command in enumerate(commands):
        raw = json.dumps({"id": f"c-{offset}", **command}).encode()
        for _ in range(rng.choice((1, 1, 2))):
            record = Record("rating.commands", 0, offset, command["phone_number_id"].encode(), raw, None)
            items.insert(rng.randint(0, len(items)), record)


def _add_reprice(stream: Stream, items: list[Item]) -> None:
    """In a third of the streams another catalog comes into force amid the events, and in the end everything is repriced by it.

    Some is repriced before the end too, which must make no difference to it; what is repriced twice stays.
    """
    rng = Random(f"reprice of {stream.seed} and of {len(items)}")
    phones = sorted({message[0] for raw in stream.records if (message := _message(raw)) is not None})
    if not phones or rng.random() < 0.67:
        return
    wanted = learned()
    catalog = {"catalog": wanted.catalog, "known_at": wanted.known_at}
    at = rng.randint(0, len(items) - 1)
    numbers = count(1000)

    def command(phone: str, kind: str) -> Record:
        offset = next(numbers)
        said = {"type": kind, "id": f"c-{offset}", "phone_number_id": phone, **catalog}
        return Record("rating.commands", 0, offset, phone.encode(), json.dumps(said).encode(), None)

    items.insert(at, command(phones[0], "activate_catalog"))
    for phone in rng.choices(phones, k=rng.randint(0, 2)):
        items.insert(rng.randint(at + 1, len(items)), command(phone, "reprice"))
    items += [command(phone, "reprice") for phone in phones * rng.choice((1, 2))]


def _message(raw: bytes) -> tuple[str, str, str] | None:
    try:
        event = read_event(raw)
    except RejectedError:
        return None
    return None if event.type == "message.received" else (event.phone_number_id, event.message_id, event.participant or "")


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
