"""A stream: what one seed makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.streams_generator.arrival import arrive, encode, with_variants
from tests.streams_generator.scene import Scene, instant_of
from tests.streams_generator.spoiling import spoiled
from tests.streams_generator.stories import STORIES
from tests.streams_generator.world import make_world

MOST_EVENTS = 56


@dataclass(frozen=True)
class Stream:
    """Records and profiles of one small world, in one order of arrival."""

    seed: int
    profiles: tuple[dict[str, Any], ...]
    """All versions; of one account the later ones first, which is the order they must arrive in."""
    records: tuple[bytes, ...]
    allowance: int
    window_basis: str
    profiles_come_late: bool
    """Profiles may arrive after events that need them."""

    def shuffled(self, rng: Random) -> Stream:
        """The same events in another order, other ones repeated."""
        return replace(self, records=tuple(arrive(rng, list(dict.fromkeys(self.records)))))


def generate(seed: int) -> Stream:
    """The stream of a seed: always the same."""
    rng = Random(seed)
    scene = Scene(rng, make_world(rng))
    stories, weights = zip(*STORIES, strict=True)
    size = rng.randint(10, MOST_EVENTS)
    while len(scene.events) < size:
        rng.choices(stories, weights)[0](scene)
    events = sorted(with_variants(scene), key=lambda event: instant_of({"time": _plain(event["time"])}))
    records = [encode(rng, event) for event in events]
    if rng.random() < 0.2:
        for event in rng.choices(events, k=rng.randint(1, 4)):
            records.insert(rng.randint(0, len(records)), spoiled(rng, event))
    return Stream(
        seed=seed,
        profiles=tuple(scene.world.profiles),
        records=tuple(arrive(rng, records)),
        allowance=rng.choice((3, 3, 3, 2, 1, 5)),
        window_basis="sent" if rng.random() < 0.15 else "delivered",
        profiles_come_late=scene.world.profiles_come_late,
    )


def _plain(time: str) -> str:
    """Python reads six fraction digits, the contract nine."""
    head, _, rest = time.partition(".")
    digits = "".join(character for character in rest if character.isdigit())
    return time if len(rest) < 8 else f"{head}.{digits[:3]}{rest[-6:] if '+' in rest else 'Z'}"
