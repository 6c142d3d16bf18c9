"""Records that are no events, or only just are: one valid event each, spoiled in one place."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

Event = dict[str, Any]
Spoiler = Callable[[Random, Event], bytes]

IDS = ("id", "account_id", "phone_number_id", "message_id")
REQUIRED = (*IDS, "type", "user", "time")
NOT_TEXT: tuple[Any, ...] = (7, True, ["x"], {"x": 1})
NO_USERS = ("33612345678", "", "+", "+33x", "fr.8k2hs0", "FRA.8k2", "group", "Jean", "+33 6 12")
NO_COUNTRIES = ("fr", "FRA", "F", "", "F1", 33)
NO_INSTANTS = (
    "2026-01-05T09:00:00",
    "2026-01-05",
    "2026-02-30T09:00:00Z",
    "2026-13-01T09:00:00Z",
    "2026-01-05T25:00:00Z",
    "2026-01-05T24:00:00Z",
    "2026-01-05T23:59:60Z",
    "2026-06-30T23:59:60.5Z",
    "2026-01-05T09:00:00.Z",
    "2026-01-05T09:00:00.1234567890Z",
    "2026-01-05T09:00:00+1:00",
    "2026-01-05T09:00:00+24:00",
    "20260105T090000Z",
    "tomorrow",
    "",
    1767603600000,
)
OUT_OF_RANGE = (
    "2008-12-31T23:59:59.999Z",
    "2009-01-01T00:00:00+00:01",
    "1969-12-31T23:59:59Z",
    "2101-01-01T00:00:00Z",
    "9999-01-01T00:00:00Z",
)
VERSIONS: tuple[Any, ...] = (0, 2, 1.5, -1, "1", True, [1], {}, 1, 1.0, None)
LIMIT = 1024 * 1024


def _dumped(event: Event) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _missing(rng: Random, event: Event) -> bytes:
    event.pop(rng.choice(REQUIRED))
    return _dumped(event)


def _null(rng: Random, event: Event) -> bytes:
    event[rng.choice(REQUIRED)] = None
    return _dumped(event)


def _empty_id(rng: Random, event: Event) -> bytes:
    event[rng.choice(IDS)] = ""
    return _dumped(event)


def _wrong_type(rng: Random, event: Event) -> bytes:
    fields = {
        "message.received": ("kind", "edited", "referral"),
        "message.sent": ("kind", "category", "template", "sender_id", "pricing", "free_entry_point_expires_at"),
        "message.delivered": ("category", "pricing"),
        "message.read": ("category", "pricing"),
        "message.failed": ("error",),
    }[event["type"]]
    field = rng.choice((*REQUIRED, *fields))
    wrong: Any = "yes" if field in ("edited", "referral", "pricing", "error") else rng.choice(NOT_TEXT)
    event[field] = wrong
    return _dumped(event)


def _wrong_inside(rng: Random, event: Event) -> bytes:
    if event["type"] == "message.received":
        event["referral"] = {"source_type": 1}
    elif event["type"] == "message.failed":
        event["error"] = {"code": "131047", "title": "Re-engagement message"}
    else:
        event["pricing"] = rng.choice(({"type": 1}, {"category": ["utility"]}, {"billable": "yes"}))
    return _dumped(event)


def _no_user(rng: Random, event: Event) -> bytes:
    event["user"] = rng.choice(NO_USERS)
    return _dumped(event)


def _no_participant(rng: Random, event: Event) -> bytes:
    event["participant"] = rng.choice((*NO_USERS, "group:family"))
    return _dumped(event)


def _no_country(rng: Random, event: Event) -> bytes:
    event["user_country"] = rng.choice(NO_COUNTRIES)
    return _dumped(event)


def _no_instant(rng: Random, event: Event) -> bytes:
    event["time"] = rng.choice(NO_INSTANTS)
    return _dumped(event)


def _out_of_range(rng: Random, event: Event) -> bytes:
    event["time"] = rng.choice(OUT_OF_RANGE)
    return _dumped(event)


def _version(rng: Random, event: Event) -> bytes:
    event["v"] = rng.choice(VERSIONS)
    return _dumped(event)


def _unknown_type(rng: Random, event: Event) -> bytes:
    event["type"] = rng.choice(("message.played", "", "sent", "Message.sent"))
    if rng.random() < 0.5:
        event.pop("id")
    return _dumped(event)


def _group_without_participant(_: Random, event: Event) -> bytes:
    event["user"] = "group:family"
    event.pop("participant", None)
    return _dumped(event)


def _broken_json(rng: Random, event: Event) -> bytes:
    text = _dumped(event)
    return rng.choice(
        (
            text[:-1],
            text[:-1] + b",}",
            text + b"x",
            text.replace(b'"', b"'"),
            text[:-1] + b',"x":NaN}',
            text[:-1] + b',"x":-Infinity}',
            text[:-1] + b',"x":01}',
            text[:-1] + b',"x":"\xff"}',
            text[:-1] + b',"x":"\\ud800"}',
            text[:-1] + b',"\\udfff":1}',
            text[:-1] + b',"x":"a\nb"}',
            b"[" + text + b"]",
            b'"message"',
            b"null",
            b"7",
        )
    )


def _repeated_key(rng: Random, event: Event) -> bytes:
    """Of a repeated key the last counts: the first may be anything."""
    return b'{"user":' + rng.choice((b"7", b'"nobody"', b'{"a":[]}')) + b"," + _dumped(event)[1:]


def _deep(rng: Random, event: Event) -> bytes:
    """The object itself is one level: 127 lists in it are allowed, 128 are too many."""
    depth = rng.choice((126, 127, 128, 200, 5000))
    return _dumped(event)[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}"


def _large(rng: Random, event: Event) -> bytes:
    text = _dumped(event)[:-1] + b',"x":"'
    return text + b"x" * (LIMIT - len(text) - 2 + rng.choice((-1, 0, 1))) + b'"}'


SPOILERS: tuple[tuple[Spoiler, int], ...] = (
    (_missing, 8),
    (_null, 4),
    (_empty_id, 5),
    (_wrong_type, 12),
    (_wrong_inside, 6),
    (_no_user, 8),
    (_no_participant, 8),
    (_no_country, 6),
    (_no_instant, 12),
    (_out_of_range, 6),
    (_version, 8),
    (_unknown_type, 6),
    (_group_without_participant, 6),
    (_broken_json, 12),
    (_repeated_key, 4),
    (_deep, 6),
    (_large, 1),
)


def spoiled(rng: Random, event: Event) -> bytes:
    """The event's record with one thing wrong, or odd but right."""
    spoilers, weights = zip(*SPOILERS, strict=True)
    spoiler: Spoiler = rng.choices(spoilers, weights)[0]
    return spoiler(rng, {**event, "id": f"s-{rng.randrange(10**6)}"})
