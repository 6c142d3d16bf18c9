"""Records to start from, and strategies that make good, odd and hostile ones of them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from schemas.events import EVENT_TYPES

Json = dict[str, Any]
Pairs = list[tuple[str, Any]]


def event(**fields: Any) -> Json:
    """A delivered message to France, with fields replaced; None takes one away."""
    record = {
        "v": 1,
        "type": "message.delivered",
        "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "account_id": "102290129340398",
        "phone_number_id": "106540352242922",
        "user": "+33612345678",
        "message_id": "wamid.HBgLMzM2MTIzNDU2NzgVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA",
        "time": "2026-01-05T09:00:00.000Z",
        "pricing": {"type": "regular", "category": "utility", "billable": True},
    }
    return {name: value for name, value in (record | fields).items() if value is not None}


def raw(record: Any) -> bytes:
    """The record as publishers write it."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


PEOPLE = st.sampled_from(["+33612345678", "+1", "+123456789012345", "FR.1", "ES.70000000000000000002", "US.ENT.4", "BR.ü"])
ANYONE = PEOPLE | st.sampled_from(["group:120363", "group:é"])
TEXTS = st.sampled_from(["utility", "marketing", "", "text", "reaction", "a/b", 'quote " and \\', "\N{BREAD}", "\x7f", "\x00", "é"])
IDS = st.sampled_from(["1", "wamid.HBgL/w==", "id with spaces", "\N{BREAD}", "\\u00e9"])
INSTANTS = st.sampled_from(
    [
        "2026-01-05T09:00:00.000Z",
        "2026-01-05T09:00:00Z",
        "2026-01-05t09:00:00.5z",
        "2026-12-31T23:59:59.999999999+14:00",
        "2009-01-01T00:00:00Z",
        "2100-12-31T23:59:59.999Z",
    ]
)
COUNTRIES = st.sampled_from(["FR", "ES", "ZZ"])

GOOD_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(EVENT_TYPES),
    "id": IDS,
    "account_id": IDS,
    "phone_number_id": IDS,
    "user": ANYONE,
    "message_id": IDS,
    "time": INSTANTS,
}
OPTIONAL_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "v": st.sampled_from([1, None]),
    "participant": PEOPLE,
    "user_country": COUNTRIES,
    "kind": TEXTS,
    "edited": st.booleans(),
    "referral": st.fixed_dictionaries({}, optional={"source_type": TEXTS, "ctwa_clid": TEXTS, "headline": TEXTS}),
    "category": TEXTS,
    "category_unknown": st.booleans(),
    "template": TEXTS,
    "sender_id": IDS,
    "pricing": st.fixed_dictionaries({}, optional={"type": TEXTS, "category": TEXTS, "billable": st.booleans(), "pricing_model": TEXTS}),
    "free_entry_point_expires_at": INSTANTS,
    "error": st.fixed_dictionaries({}, optional={"code": st.integers(-(2**60), 2**60), "title": TEXTS, "href": TEXTS}),
    "text": st.fixed_dictionaries({"body": st.text(max_size=3)}),
    "extra": st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=2), lambda inner: st.lists(inner, max_size=2)),
}


def _lawful(record: Json) -> Json:
    """Gives a sent its category and a group's status its member."""
    if record["type"] == "message.sent" and not record.get("category_unknown"):
        record.setdefault("category", "utility")
    if record["user"].startswith("group:") and record["type"] in ("message.delivered", "message.read"):
        record.setdefault("participant", "+33612345678")
    return record


GOOD_RECORDS = st.fixed_dictionaries(GOOD_FIELDS, optional=OPTIONAL_FIELDS).map(_lawful)
"""Records as a careful publisher writes them."""

ODD_INSTANTS = st.sampled_from(
    [
        "2026-01-05T09:00:60Z", "2026-01-05 09:00:00Z", "2026-01-05T09:00:00", "2026-02-29T00:00:00Z", "2008-12-31T23:59:59.999Z",
        "2101-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2009-01-01T00:00:00+00:01", "2100-12-31T23:59:59-00:01", "2026-01-05T09:00:00.Z",
        "2026-01-05T09:00:00.0000000000Z", "2026-01-05T24:00:00Z", "2026-01-05T09:00:00+24:00",
        "٢٠٢٦-01-05T09:00:00.000Z", "2026-01-05T09:00:0٠.000Z",
    ]
)  # fmt: skip
ODD_PEOPLE = st.sampled_from(
    ["+", "+0612345678", "+1234567890123456", "+33 6", "33612345678", "fr.1", "FR.", "FRA.1", "FR", "group:", "Group:1", "+1\n", "+١"]
)
ODD_NUMBERS = st.sampled_from([0, 1, 2, -1, 1.0, 1.5, -0.0, 10**18, 10**19, 10**25, True, "1"])
ODD_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, False, "", "1", " ", "fr", "FRA", "message.sent", "message.received", "message.played", "text", [], {}, [1], {"a": 1},
        {"type": 1}, {"type": None, "category": None}, {"billable": "true"}, {"billable": 1}, {"source_type": []}, {"code": "131047"},
        {"code": 131047.0}, {"code": 1.5}, {"code": True}, {"code": 10**30},
    ]
)  # fmt: skip
ODD_FIELDS = {
    "v": ODD_NUMBERS,
    "time": ODD_INSTANTS,
    "free_entry_point_expires_at": ODD_INSTANTS,
    "user": ODD_PEOPLE,
    "participant": ODD_PEOPLE,
}

NAMES = st.sampled_from([*GOOD_FIELDS, *OPTIONAL_FIELDS])


@st.composite
def odd_records(draw: st.DrawFn) -> bytes:
    """A good record with fields lost, repeated or of a wrong kind, in any order and any way of writing JSON."""
    pairs: Pairs = list(draw(GOOD_RECORDS).items())
    for _ in range(draw(st.sampled_from([1, 0, 2, 3]))):
        name = draw(st.sampled_from(sorted(ODD_FIELDS)) | NAMES)
        value = draw(ODD_FIELDS.get(name, ODD_VALUES) | ODD_VALUES | ODD_NUMBERS)
        pairs.insert(draw(st.sampled_from([len(pairs), 0])), (name, value))
    if draw(st.booleans()):
        pairs.pop(draw(st.integers(0, len(pairs) - 1)))
    return draw(written(pairs))


@st.composite
def written(draw: st.DrawFn, pairs: Pairs) -> bytes:
    """Pairs as the text of a JSON object, keys as often as they stand."""
    ascii_only = draw(st.booleans())
    colon, comma = draw(st.sampled_from([(":", ","), (": ", ", "), (" :\t", "\r\n,")]))
    members = comma.join(f"{json.dumps(name)}{colon}{json.dumps(value, ensure_ascii=ascii_only)}" for name, value in pairs)
    return f"{{{members}}}".encode()


@st.composite
def hostile_bytes(draw: st.DrawFn) -> bytes:
    """A record whose bytes were damaged."""
    damaged = bytearray(draw(odd_records()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(damaged)))
        match draw(st.sampled_from(["insert", "delete", "cut"])):
            case "insert":
                damaged[at:at] = draw(st.sampled_from(SHARDS))
            case "delete":
                del damaged[at : at + draw(st.integers(1, 4))]
            case _:
                del damaged[at:]
    return bytes(damaged)


SHARDS = [
    b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xef\xbb\xbf", b"\x00", b"\n", b'"', b"\\",
    b"\\u", b"{", b"[", b"]", b"}", b",", b":", b"NaN", b"Infinity", b"-", b"1e999", b"01", b"null", b"true", b'"x":[[[]]],',
    b'"z":"\xe9",', b"/**/", b" ",
]  # fmt: skip
