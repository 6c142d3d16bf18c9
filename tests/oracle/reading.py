"""Reading a record: one message event, or the reason why it is rejected (contract §2, "Rejected, first that applies")."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tests.oracle.instants import instant_ms

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 128
YEAR_2009_MS = 1_230_768_000_000
YEAR_2101_MS = 4_133_980_800_000

TYPES = ("message.received", "message.sent", "message.delivered", "message.read", "message.failed")
IDS = ("id", "account_id", "phone_number_id", "message_id")
TEXTS = ("kind", "category", "template", "sender_id")

PHONE = re.compile(r"\+[0-9]{1,15}")
SCOPED_ID = re.compile(r"[A-Z]{2}\..+", re.DOTALL)
GROUP = re.compile(r"group:.+", re.DOTALL)
SURROGATE = re.compile("[\ud800-\udfff]")
COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True)
class Event:
    """One message event; instants are milliseconds since 1970 in UTC, absent fields None."""

    type: str
    id: str
    account_id: str
    phone_number_id: str
    user: str
    participant: str | None
    user_country: str | None
    message_id: str
    time: int
    kind: str
    edited: bool
    referral: str | None
    category: str | None
    pricing_type: str | None
    pricing_category: str | None
    free_entry_point_expires_at: int | None
    sender_id: str | None
    canonical: str
    """The record with sorted keys and without spaces: decides between two that share time and id."""


class RejectedError(Exception):
    """The record is no event; the message is the reason code."""


@lru_cache(maxsize=4096)
def read_event(raw: bytes) -> Event:
    """The event a record holds. Raises `RejectedError` with the reason code."""
    if len(raw) > MAX_BYTES:
        raise RejectedError("too_large")
    value = _json(raw)
    if not isinstance(value, dict):
        raise RejectedError("invalid_field")
    record = _without_nulls(value)
    version = record.get("v", 1.0)
    if isinstance(version, float) and version != 1:
        raise RejectedError("unsupported_version")
    kind_of_event = record.get("type")
    if isinstance(kind_of_event, str) and kind_of_event not in TYPES:
        raise RejectedError("unknown_type")
    if not isinstance(version, float) or not _fields_are_valid(record):
        raise RejectedError("invalid_field")
    time = instant_ms(record["time"])
    assert time is not None
    if not YEAR_2009_MS <= time < YEAR_2101_MS:
        raise RejectedError("time_out_of_range")
    return _event(record, time)


def _json(raw: bytes) -> Any:
    def no_constant(name: str) -> Any:
        raise ValueError(name)

    try:
        value = json.loads(raw.decode("utf-8"), parse_int=float, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise RejectedError("invalid_json") from None
    _check_depth_and_surrogates(value)
    return value


def _check_depth_and_surrogates(value: Any) -> None:
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, str):
            if SURROGATE.search(item):
                raise RejectedError("invalid_json")
        elif isinstance(item, (list, dict)):
            if depth > MAX_DEPTH:
                raise RejectedError("invalid_json")
            inside = [*item.keys(), *item.values()] if isinstance(item, dict) else item
            waiting.extend((each, depth + 1) for each in inside)


def _without_nulls(record: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in record.items():
        if value is not None:
            kept[name] = _without_nulls(value) if isinstance(value, dict) else value
    return kept


def _fields_are_valid(record: dict[str, Any]) -> bool:
    def absent_or(name: str, kind: type) -> bool:
        return name not in record or isinstance(record[name], kind)

    user, participant = record.get("user"), record.get("participant")
    kind_of_event = record.get("type")
    return all(
        (
            isinstance(kind_of_event, str),
            all(isinstance(record.get(name), str) and record[name] != "" for name in IDS),
            all(absent_or(name, str) for name in TEXTS),
            absent_or("edited", bool) and absent_or("category_unknown", bool),
            isinstance(user, str) and (_is_person(user) or GROUP.fullmatch(user) is not None),
            participant is None or (isinstance(participant, str) and _is_person(participant)),
            _is_country(record.get("user_country")),
            isinstance(record.get("time"), str) and instant_ms(record["time"]) is not None,
            _is_object_of(record, "referral", {"source_type": str, "ctwa_clid": str}),
            _is_object_of(record, "pricing", {"type": str, "category": str, "billable": bool}),
            _is_object_of(record, "error", {"code": float, "title": str}),
            _is_expiry(record.get("free_entry_point_expires_at")),
            kind_of_event != "message.sent" or "category" in record or record.get("category_unknown") is True,
            not _is_group_status_without_participant(kind_of_event, user, participant),
        )
    )


def _is_person(text: str) -> bool:
    return PHONE.fullmatch(text) is not None or SCOPED_ID.fullmatch(text) is not None


def _is_country(value: Any) -> bool:
    return value is None or (isinstance(value, str) and COUNTRY.fullmatch(value) is not None)


def _is_expiry(value: Any) -> bool:
    return value is None or (isinstance(value, str) and instant_ms(value) is not None)


def _is_group_status_without_participant(kind_of_event: Any, user: Any, participant: Any) -> bool:
    of_a_group = isinstance(user, str) and user.startswith("group:")
    return kind_of_event in ("message.delivered", "message.read") and of_a_group and participant is None


def _is_object_of(record: dict[str, Any], name: str, fields: dict[str, type]) -> bool:
    value = record.get(name, {})
    if not isinstance(value, dict):
        return False
    return all(field not in value or isinstance(value[field], kind) for field, kind in fields.items())


def _event(record: dict[str, Any], time: int) -> Event:
    pricing = record.get("pricing", {})
    expires_at = record.get("free_entry_point_expires_at")
    return Event(
        type=record["type"],
        id=record["id"],
        account_id=record["account_id"],
        phone_number_id=record["phone_number_id"],
        user=record["user"],
        participant=record.get("participant"),
        user_country=record.get("user_country"),
        message_id=record["message_id"],
        time=time,
        kind=record.get("kind", "text"),
        edited=record.get("edited", False),
        referral=record.get("referral", {}).get("source_type"),
        category=record.get("category"),
        pricing_type=pricing.get("type"),
        pricing_category=pricing.get("category"),
        free_entry_point_expires_at=None if expires_at is None else instant_ms(expires_at),
        sender_id=record.get("sender_id"),
        canonical=json.dumps(record, sort_keys=True, separators=(",", ":")),
    )
