"""From bytes to an event, at a few microseconds a record.

Two readers, one contract. The quick one (msgspec) accepts what is certainly right; whatever it doubts goes to the exact one, the Pydantic
model of `schemas.events`, which accepts it after all or names every problem. So the quick one may be narrow, and must never be generous: a
differential test holds the two together.

Source: contract §2.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from schemas.events import EventType, MessageEvent, Pricing, Referral
from schemas.fields import COUNTRY, GROUP, PHONE, SCOPED_ID
from schemas.instants import AFTER_LAST_EVENT_MS, EARLIEST_EVENT_MS, parse_instant
from schemas.json_text import MAX_BYTES, MAX_DEPTH
from schemas.reading import read_record
from schemas.rejections import Rejection

__all__ = ["MAX_EVENT_BYTES", "Event", "EventType", "Rejection", "decode_by_contract", "decode_event"]

MAX_EVENT_BYTES: Final = MAX_BYTES
"""Most bytes of a message event, its line end not counted: 1 MiB."""

_TOO_SHORT_TO_BE_DEEP: Final = MAX_DEPTH * len('{"":}')
"""In so few bytes no objects can be nested too deep; arrays can."""
_OPENING_BRACKET: Final = ord("[")
_SAFE_INTEGER: Final = 2**53


class Event(msgspec.Struct, frozen=True, gc=False):
    """One message event, flat. Fields mean what contract §2 says; None is absent. It may carry fields that its type has no use for."""

    type: EventType
    id: str
    account_id: str
    phone_number_id: str
    user: str
    message_id: str
    time_ms: int
    """Event time, UTC, in the years 2009 to 2100."""
    participant: str | None = None
    user_country: str | None = None
    kind: str = "text"
    edited: bool = False
    referral_source: str | None = None
    """`ad`, `post`, or a word that is not known yet."""
    category: str | None = None
    """As it came; it may be one that nobody knows."""
    template: str | None = None
    sender_id: str | None = None
    pricing_type: str | None = None
    """As it came; it may be one that nobody knows."""
    pricing_category: str | None = None
    """As it came: Meta's spelling."""
    pricing_billable: bool | None = None
    free_entry_point_expires_at_ms: int | None = None
    error_code: int | None = None
    """None too where the code is no whole number that every JSON reader holds exactly."""


def decode_event(raw: bytes) -> Event | Rejection:
    """The event of one record without its line end, or why there is none. Nothing that anyone sends raises."""
    return _decode_quickly(raw) or decode_by_contract(raw)


def decode_by_contract(raw: bytes) -> Event | Rejection:
    """The same answer as `decode_event`, from the Pydantic model alone: slow, exact, and with every problem named."""
    event = read_record(raw, MessageEvent)
    if isinstance(event, Rejection):
        return event
    referral = event.referral or Referral()
    pricing = event.pricing or Pricing()
    return Event(
        type=event.type,
        id=event.id,
        account_id=event.account_id,
        phone_number_id=event.phone_number_id,
        user=event.user,
        message_id=event.message_id,
        time_ms=event.time,
        participant=event.participant,
        user_country=event.user_country,
        kind=event.kind,
        edited=event.edited,
        referral_source=referral.source_type,
        category=event.category,
        template=event.template,
        sender_id=event.sender_id,
        pricing_type=pricing.type,
        pricing_category=pricing.category,
        pricing_billable=pricing.billable,
        free_entry_point_expires_at_ms=event.free_entry_point_expires_at,
        error_code=None if event.error is None else _whole(event.error.code),
    )


class _Referral(msgspec.Struct, gc=False):
    source_type: str | None = None
    ctwa_clid: str | None = None


class _Pricing(msgspec.Struct, gc=False):
    type: str | None = None
    category: str | None = None
    billable: bool | None = None


class _Failure(msgspec.Struct, gc=False):
    code: int | float | None = None
    title: str | None = None


class _Wire(msgspec.Struct, gc=False):
    """The shape of a record, as the quick reader wants it; what it may hold is checked afterwards."""

    type: EventType
    id: str
    account_id: str
    phone_number_id: str
    user: str
    message_id: str
    time: str
    v: Literal[1] | None = 1
    participant: str | None = None
    user_country: str | None = None
    kind: str | None = None
    edited: bool | None = None
    referral: _Referral | None = None
    category_unknown: bool | None = None
    category: str | None = None
    template: str | None = None
    sender_id: str | None = None
    pricing: _Pricing | None = None
    free_entry_point_expires_at: str | None = None
    error: _Failure | None = None


_read = msgspec.json.Decoder(_Wire).decode
_is_person_or_group = re.compile(f"{PHONE}|{SCOPED_ID}|{GROUP}").fullmatch
_is_person = re.compile(f"{PHONE}|{SCOPED_ID}").fullmatch
_is_country = re.compile(COUNTRY).fullmatch
_OF_ONE_MEMBER: Final = frozenset(("message.delivered", "message.read"))
"""What is said of each member of a group, never of a group."""
_NO_REFERRAL: Final = _Referral()
_NO_PRICING: Final = _Pricing()


def _decode_quickly(raw: bytes) -> Event | None:
    """The event of a record that is right beyond doubt. None says nothing about the record."""
    if (len(raw) > _TOO_SHORT_TO_BE_DEEP or _OPENING_BRACKET in raw) and (
        len(raw) > MAX_BYTES or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH
    ):
        return None
    try:
        if not raw.isascii():
            raw.decode()  # msgspec does not look at the bytes of texts it skips
        wire = _read(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    user, participant = wire.user, wire.participant
    if (
        not (wire.id and wire.account_id and wire.phone_number_id and wire.message_id)
        or not _is_person_or_group(user)
        or (wire.user_country is not None and not _is_country(wire.user_country))
        or (participant is not None and not _is_person(participant))
        or (participant is None and user[0] == "g" and wire.type in _OF_ONE_MEMBER)
        or (wire.category is None and wire.type == "message.sent" and wire.category_unknown is not True)
    ):
        return None
    time_ms = parse_instant(wire.time)
    if time_ms is None or not EARLIEST_EVENT_MS <= time_ms < AFTER_LAST_EVENT_MS:
        return None
    expires_at_ms = None
    if wire.free_entry_point_expires_at is not None:
        expires_at_ms = parse_instant(wire.free_entry_point_expires_at)
        if expires_at_ms is None:
            return None
    referral = wire.referral or _NO_REFERRAL
    pricing = wire.pricing or _NO_PRICING
    return Event(
        wire.type,
        wire.id,
        wire.account_id,
        wire.phone_number_id,
        user,
        wire.message_id,
        time_ms,
        participant,
        wire.user_country,
        "text" if wire.kind is None else wire.kind,
        wire.edited or False,
        referral.source_type,
        wire.category,
        wire.template,
        wire.sender_id,
        pricing.type,
        pricing.category,
        pricing.billable,
        expires_at_ms,
        None if wire.error is None else _whole(wire.error.code),
    )


def _whole(code: float | None) -> int | None:
    if code is None or not -_SAFE_INTEGER <= code <= _SAFE_INTEGER or code != int(code):
        return None
    return int(code)
