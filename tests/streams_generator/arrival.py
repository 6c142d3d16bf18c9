"""How events arrive: repeated, changed under the same identity, among garbage, in any order."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.streams_generator.scene import CATEGORIES, EDGES, Scene, instant_of, written


def with_variants(scene: Scene) -> list[dict[str, Any]]:
    """The scene's events, and other versions of some of them: the same identity at another time or with other content."""
    rng = scene.rng
    return scene.events + [_variant(rng, event, scene) for event in scene.events if rng.random() < 0.16]


def _variant(rng: Random, event: dict[str, Any], scene: Scene) -> dict[str, Any]:
    changed = dict(event)
    at = instant_of({"time": event["time"]})
    # A publisher's mistake: one id, one time, two contents. Both texts are equally long, so every canonical form orders them alike.
    if event.get("category") in ("utility", "service") and rng.random() < 0.08:
        changed["category"] = "service" if event["category"] == "utility" else "utility"
        return changed
    shift = rng.choice((0, -1, 1, -60_000, 60_000, *EDGES))
    changed["time"] = written(at + shift)
    changed["id"] = f"{rng.choice('ahz')}-{scene.serial}-{rng.randrange(10**6)}"
    for _ in range(rng.choice((0, 1, 1, 2))):
        _change(rng, changed, scene)
    return changed


def _change(rng: Random, event: dict[str, Any], scene: Scene) -> None:
    if event["type"] == "message.received":
        match rng.randrange(4):
            case 0:
                event["kind"] = rng.choice(("text", "reaction", "system"))
            case 1:
                event["edited"] = not event.get("edited", False)
            case 2:
                _change_user(rng, event, scene)
            case _:
                if event.pop("referral", None) is None and rng.random() < 0.5:
                    event["referral"] = {"source_type": "ad"}
        return
    match rng.randrange(5):
        case 0 if event["type"] != "message.failed":
            event["category"] = rng.choice(CATEGORIES)
        case 1:
            _change_user(rng, event, scene)
        case 2:
            event["account_id"] = rng.choice(scene.world.accounts)
        case 3 if event["type"] == "message.sent":
            event["kind"] = rng.choice(("text", "reaction"))
        case _ if event["type"] != "message.failed":
            pricing = scene.pricing(rng.choice(CATEGORIES), {})
            event.pop("pricing", None)
            if pricing:
                event["pricing"] = pricing
        case _:
            event["error"] = {"code": 131049, "title": "ecosystem"}


def _change_user(rng: Random, event: dict[str, Any], scene: Scene) -> None:
    if not event["user"].startswith("group:"):
        event["user"] = rng.choice(scene.world.people).id


def encode(rng: Random, event: dict[str, Any]) -> bytes:
    """The record's bytes: with and without a version, nulls and fields that nobody knows."""
    record = dict(event)
    if rng.random() < 0.7:
        record = {"v": 1, **record}
    if rng.random() < 0.05:
        record["seen_by"] = {"region": "eu"}
    if rng.random() < 0.05:
        record.setdefault("participant", None)
        record.setdefault("pricing", None)
    return json.dumps(record, ensure_ascii=rng.random() < 0.5, separators=(",", ":")).encode()


def arrive(rng: Random, records: list[bytes]) -> list[bytes]:
    """Some of the records again, and all of them in an order of some kind."""
    again = [record for record in records if rng.random() < 0.1]
    arrived = records + again
    kind = rng.random()
    if kind < 0.15:
        return arrived
    if kind < 0.3:
        return arrived[::-1]
    if kind < 0.6:
        keyed = sorted(enumerate(arrived), key=lambda pair: pair[0] + rng.uniform(0, 8))
        return [record for _, record in keyed]
    rng.shuffle(arrived)
    return arrived
