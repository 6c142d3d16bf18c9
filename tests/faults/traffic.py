"""What is published in a round: the shipped traffic, late, doubled and out of order, and among it what no publisher should send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from streams.traffic import keyed_events
from streams.traffic.cast import PROFILES


class Sent(NamedTuple):
    """A record for `whatsapp.messages`."""

    key: bytes | None
    value: bytes | None


class Profile(NamedTuple):
    """A record for `whatsapp.accounts`; a value of None is a tombstone."""

    account_id: str
    value: bytes | None


POISON: tuple[Sent, ...] = (
    Sent(b"106540352242922", b"not json"),
    Sent(b"106540352242922", b"\xff\xfe\x00"),
    Sent(b"106540352242922", b'{"v":1}'),
    Sent(b"106540352242922", b"[" * 5000),
    Sent(b"106540352242922", b'{"v":1,"v":2}'),
    Sent(b"106540352242922", None),  # a tombstone, where there is nothing to forget
    Sent(None, b""),
    Sent(None, b'{"v":1,"type":"message.exploded"}'),
)
"""Each is rejected and nothing else comes of it."""


class Traffic:
    """`count` events of the shipped generator, with poison among them and, `from_the_future`, events dated 2099."""

    def __init__(self, seed: int, count: int, *, from_the_future: int = 3) -> None:
        self.records = _spoiled(Random(seed), list(keyed_events(seed, count, damaged=True)), from_the_future)
        self.profiles = [Profile(str(profile["account_id"]), as_bytes(profile)) for profile in PROFILES]

    @property
    def versions(self) -> list[dict[str, Any]]:
        """All versions of all profiles, as the oracle takes them."""
        return [json.loads(profile.value) for profile in self.profiles if profile.value is not None]


def as_bytes(profile: dict[str, Any]) -> bytes:
    """A profile as it is published."""
    return json.dumps(profile, ensure_ascii=False, separators=(",", ":")).encode()


def _spoiled(rng: Random, keyed: list[tuple[bytes, bytes]], from_the_future: int) -> list[Sent]:
    records = [Sent(key, value) for key, value in keyed]
    spoilt = [*POISON, *_in_2099(rng, keyed, from_the_future)]
    for record in spoilt:
        records.insert(rng.randrange(len(records) + 1), record)
    return records


def _in_2099(rng: Random, keyed: list[tuple[bytes, bytes]], count: int) -> Iterator[Sent]:
    """Known events with another identity and a date far ahead: they are rated, and must move no clock."""
    delivered = [(key, value) for key, value in keyed if b'"message.delivered"' in value]
    for key, value in rng.sample(delivered, min(count, len(delivered))):
        event = json.loads(value)
        event.update(id="f" + event["id"], message_id="wamid.2099" + event["message_id"][-20:], time="2099-12-31T23:59:59.999Z")
        for kind in ("sent", "delivered"):
            told = {**event, "type": f"message.{kind}", "category": "utility", "id": event["id"] + kind}
            yield Sent(key, json.dumps(told, separators=(",", ":")).encode())
