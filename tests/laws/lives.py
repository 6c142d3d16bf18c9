"""Long lives: the same phone numbers and people over half a year, so that forgetting has something to forget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from rating.stage import Record
from tests.laws.plans import Item, Plan, event_time
from tests.oracle import rate_all
from tests.oracle.reading import RejectedError, read_event
from tests.streams_generator import Stream
from tests.streams_generator.arrival import arrive, encode, with_variants
from tests.streams_generator.catalog import CATALOG
from tests.streams_generator.scene import Scene, written
from tests.streams_generator.stories import STORIES
from tests.streams_generator.world import DAY, make_world

HORIZON_DAYS = 35
EPISODES = 6
QUIET_DAYS = 120
"""After the last episode: then every month of the allowance is over."""
ALL_RATED_EVERY = 3
"""In each such life every delivery has a price."""
LATER_DAYS = 45
"""After that, what was looked at and had to wait for something else has left too."""


@dataclass(frozen=True)
class Life:
    """A stream within the horizon, and the phone numbers in it."""

    stream: Stream
    phone_number_ids: tuple[str, ...]
    ends_at_ms: int

    def shuffled(self, rng: Random) -> Life:
        """The same episodes, the events of each in another order."""
        return replace(self, stream=replace(self.stream, records=tuple(_within_horizon(_arrivals(self.stream.records, rng)))))


def live(seed: int) -> Life:
    """The life of a seed: always the same."""
    rng = Random(f"life {seed}")
    world = make_world(rng)
    scene = Scene(rng, world)
    anchor = world.anchor
    episodes: list[list[bytes]] = []
    for number in range(EPISODES):
        scene = Scene(rng, replace(world, anchor=anchor), serial=1000 * (number + 1))
        stories, weights = zip(*STORIES, strict=True)
        while len(scene.events) < rng.randint(8, 24):
            rng.choices(stories, weights)[0](scene)
        told = [event for event in with_variants(scene) if abs(_at(event) - anchor) < 12 * DAY]
        records = [encode(rng, {**event, "message_id": f"{event['message_id']}.{number}", "episode": number}) for event in told]
        episodes.append(records)
        anchor += rng.choice((7, 12, 20, 33, 50)) * DAY
    records = list(_without_lone_reads([record for episode in episodes for record in episode]))
    stream = Stream(
        seed=seed,
        profiles=tuple(profile for profile in world.profiles),
        records=tuple(records),
        allowance=rng.choice((3, 2, 1)),
        window_basis="sent" if rng.random() < 0.3 else "delivered",
        profiles_come_late=False,
    )
    ends = max(event_time(record) or 0 for record in records)
    if seed % ALL_RATED_EVERY == 0:
        stream = _all_rated(stream)
    return Life(stream, tuple(world.phone_number_ids), ends).shuffled(rng)


def _all_rated(stream: Stream) -> Stream:
    """The same without whatever stays unrated: what is unrated is never forgotten, so only of such a life can everything leave."""
    while unrated := {key[:2] for key in rate_all(
        stream.records, stream.profiles, CATALOG, allowance=stream.allowance, window_basis=stream.window_basis
    ).unrated}:  # fmt: skip
        stream = replace(stream, records=tuple(record for record in stream.records if _event(record)[:2] not in unrated))
    return stream


def plan_of(life: Life, rng: Random) -> Plan:
    """One way through a life, by the log's clock, to its end and into the silence after it."""
    early = [
        Record("whatsapp.accounts", 0, offset, profile["account_id"].encode(), json.dumps(profile).encode(), None)
        for offset, profile in enumerate(life.stream.profiles)
    ]
    clock = 0
    items: list[Item] = [*early]
    for offset, raw in enumerate(life.stream.records):
        clock = max(clock, (event_time(raw) or 0) + rng.choice((0, 0, DAY // 2)))
        items.append(Record("whatsapp.messages", 0, offset, b"key", raw, clock))
    steps: list[tuple[Item, ...]] = []
    most = rng.choice((1, 3, 10, 100))
    while items:
        size = rng.randint(1, most)
        steps.append(tuple(items[:size]))
        del items[:size]
    steps += [(record,) for record in _last_words(life)]
    return Plan(tuple(steps), rng.randrange(len(steps)), rng.choice((2, 1000)), finishes_first=rng.random() < 0.7)


def _last_words(life: Life) -> Iterator[Record]:
    offset = len(life.stream.records)
    for quiet_days in (QUIET_DAYS, QUIET_DAYS + LATER_DAYS):
        at = life.ends_at_ms + quiet_days * DAY
        for phone in life.phone_number_ids:
            yield Record("whatsapp.messages", 0, offset, b"key", _last_word(phone, at), at)
            offset += 1


def _last_word(phone: str, at: int) -> bytes:
    event = {"type": "message.received", "id": "last", "account_id": "a", "phone_number_id": phone, "user": "+33600000000"}
    return json.dumps({**event, "message_id": f"last {phone} {at}", "time": written(at), "kind": "reaction"}).encode()


def _arrivals(records: tuple[bytes, ...], rng: Random) -> list[bytes]:
    """Late by up to some days, so that time goes on all the while; or in any order within each episode."""
    if rng.random() < 0.6:
        again = [record for record in dict.fromkeys(records) for _ in range(1 + (rng.random() < 0.1))]
        late_ms = rng.choice((0, DAY, 4 * DAY, 10 * DAY, 10 * DAY))
        keyed = sorted((((event_time(record) or 0) + rng.uniform(0, late_ms), number) for number, record in enumerate(again)))
        return [again[number] for _, number in keyed]
    by_episode: dict[int, list[bytes]] = {}
    for record in dict.fromkeys(records):
        by_episode.setdefault(json.loads(record)["episode"], []).append(record)
    return [record for number in sorted(by_episode) for record in arrive(rng, by_episode[number])]


def _within_horizon(records: list[bytes]) -> Iterator[bytes]:
    """Leaves out what would be too late by the clock of its phone number, so that the law is asked where it holds."""
    clocks: dict[str, int] = {}
    for record in records:
        phone, at = json.loads(record)["phone_number_id"], event_time(record) or 0
        if at >= clocks.get(phone, 0) - HORIZON_DAYS * DAY:
            clocks[phone] = max(at, clocks.get(phone, 0))
            yield record


def _without_lone_reads(records: list[bytes]) -> Iterator[bytes]:
    """A `read` of a message of which nothing else is ever told waits in the stream, and is charged offline."""
    told = [(record, _event(record)) for record in records]
    known = {(each[0], each[1], each[2]) for _, each in told if each[3] in ("message.sent", "message.delivered")}
    for record, (phone, message, participant, kind) in told:
        if kind != "message.read" or {(phone, message, participant), (phone, message, "")} & known:
            yield record


def _event(record: bytes) -> tuple[str, str, str, str]:
    try:
        event = read_event(record)
    except RejectedError:
        return "", "", "", ""
    return event.phone_number_id, event.message_id, event.participant or "", event.type


def _at(event: dict[str, Any]) -> int:
    return event_time(json.dumps(event).encode()) or 0
