"""Meta's webhook bodies as message events: what a business hears from WhatsApp, in the words of the contract.

Nothing is judged here. Whatever Meta said is put where the contract has it, and the event's decoder says what is wrong with it: an unknown
status becomes an event of unknown type, a missing recipient an event without `user`. Nothing that could cost money is dropped.
What is left out on purpose tells of no message's fate: `played`, notices of the system about no one, calls, account and template updates.

Meta never names a template's category on its own, only in its `pricing`, and there not always. So a `sent` from here carries
`category_unknown`, and `pricing.category` serves where the meter looks for it.

Source: contract §2, §7; Meta, "Messages webhook" and "Status messages webhook".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from schemas.fields import COUNTRY, SCOPED_ID
from schemas.instants import format_instant
from schemas.json_text import read_json
from schemas.rejections import INVALID_FIELD, Rejection

MAX_WEBHOOK_BYTES: Final = 4 * 1024 * 1024
"""Meta sends at most 3 MB in one body."""

_IGNORED_STATUSES: Final = frozenset({"played"})
_is_country = re.compile(COUNTRY).fullmatch
_is_scoped_id = re.compile(SCOPED_ID).fullmatch
_is_digits = re.compile(r"\+?([0-9]+)").fullmatch
_is_seconds = re.compile(r"[0-9]{1,11}").fullmatch

Json = dict[str, Any]


class _Change(NamedTuple):
    """The part of a body that concerns one business phone number."""

    account_id: Any
    phone_number_id: Any
    contacts: list[Json]


def events_of(body: bytes) -> Iterator[bytes | Rejection]:
    """The message events in one webhook body, each as the JSON record that `decode_event` reads; a rejection for a part that can't be read.

    The same content gives the same bytes, ids included, so a body that Meta delivers twice adds nothing. The events are not validated:
    `decode_event` may still reject one.
    """
    value = read_json(body, MAX_WEBHOOK_BYTES)
    if isinstance(value, Rejection):
        yield value
        return
    if not isinstance(value, dict) or value.get("object") != "whatsapp_business_account":
        yield Rejection(INVALID_FIELD, "object: must be whatsapp_business_account")
        return
    for place, entry in _objects(value, "entry", ""):
        if isinstance(entry, Rejection):
            yield entry
            continue
        for inner, change in _objects(entry, "changes", place):
            if isinstance(change, Rejection):
                yield change
            elif change.get("field") == "messages":
                yield from _events_of_change(entry.get("id"), change, inner)


def _events_of_change(account_id: Any, change: Json, place: str) -> Iterator[bytes | Rejection]:
    value = change.get("value")
    if not isinstance(value, dict):
        yield Rejection(INVALID_FIELD, f"{place}.value: must be an object")
        return
    metadata = value.get("metadata")
    contacts = value.get("contacts")
    frame = _Change(
        account_id,
        metadata.get("phone_number_id") if isinstance(metadata, dict) else None,
        [contact for contact in contacts if isinstance(contact, dict)] if isinstance(contacts, list) else [],
    )
    for kind, read in (("messages", _received), ("statuses", _status)):
        if value.get(kind) is None:
            continue
        for _, item in _objects(value, kind, f"{place}.value"):
            event = item if isinstance(item, Rejection) else read(frame, item)
            if isinstance(event, Rejection):
                yield event
            elif event is not None:
                yield _record(event)


def _objects(parent: Json, name: str, place: str) -> Iterator[tuple[str, Json | Rejection]]:
    """The objects of a list, each with its place in the body, or why there is none."""
    path = f"{place}.{name}" if place else name
    items = parent.get(name)
    if not isinstance(items, list):
        yield path, Rejection(INVALID_FIELD, f"{path}: must be a list")
        return
    for index, item in enumerate(items):
        here = f"{path}[{index}]"
        yield here, item if isinstance(item, dict) else Rejection(INVALID_FIELD, f"{here}: must be an object")


def _received(frame: _Change, message: Json) -> Json | None:
    """The event of a user's message; in a group, `from` is the member who wrote. None for a notice of the system about no one."""
    contact = _contact(frame, message.get("from"), message.get("from_user_id"))
    person = _person(message.get("from"), message.get("from_user_id"), contact)
    if person is None and message.get("type") == "system":
        return None
    unsupported = message.get("unsupported")
    edited = message.get("type") == "edit" or (isinstance(unsupported, dict) and unsupported.get("type") == "edit")
    referral = message.get("referral")
    return {
        "type": "message.received",
        **_common(frame, message, person, message.get("group_id"), contact),
        "kind": message.get("type"),
        "edited": edited or None,
        "referral": _only(referral, "source_type", "ctwa_clid"),
    }


def _status(frame: _Change, status: Json) -> Json | None:
    """The event of what became of a message; in a group, of the member it went to. None for a status that decides nothing."""
    name = status.get("status")
    if isinstance(name, str) and name in _IGNORED_STATUSES:
        return None
    of_group = status.get("recipient_type") == "group"
    phone = status.get("recipient_participant_id" if of_group else "recipient_id")
    scoped_id = status.get("recipient_participant_user_id" if of_group else "recipient_user_id")
    contact = _contact(frame, phone, scoped_id)
    errors = status.get("errors")
    is_sent = name == "sent"
    return {
        "type": f"message.{name}" if isinstance(name, str) else name,
        **_common(frame, status, _person(phone, scoped_id, contact), status.get("recipient_id") if of_group else None, contact),
        "category_unknown": is_sent or None,
        "pricing": _only(status.get("pricing"), "type", "category", "billable"),
        "free_entry_point_expires_at": _free_entry_point_expiry(status) if is_sent else None,
        "error": _only(errors[0], "code", "title") if isinstance(errors, list) and errors else None,
    }


def _common(frame: _Change, item: Json, person: str | None, group_id: Any, contact: Json) -> Json:
    profile = contact.get("profile")
    country = profile.get("country_code") if isinstance(profile, dict) else None
    of_group = isinstance(group_id, str) and group_id != ""
    return {
        "account_id": frame.account_id,
        "phone_number_id": frame.phone_number_id,
        "user": f"group:{group_id}" if of_group else person,
        "participant": person if of_group else None,
        "user_country": country if isinstance(country, str) and _is_country(country) else None,
        "message_id": item.get("id"),
        "time": _instant(item.get("timestamp")),
    }


def _contact(frame: _Change, phone: Any, scoped_id: Any) -> Json:
    """What the body says of a person: the contact with the same phone or id, or the only one where the person is named no other way."""
    for contact in frame.contacts:
        if (phone and contact.get("wa_id") == phone) or (scoped_id and contact.get("user_id") == scoped_id):
            return contact
    return frame.contacts[0] if len(frame.contacts) == 1 and not phone and not scoped_id else {}


def _person(phone: Any, scoped_id: Any, contact: Json) -> str | None:
    """The phone number where any part of the body tells it, else the business-scoped id: one person, one name, while Meta allows it."""
    for number in (phone, contact.get("wa_id")):
        digits = _is_digits(number) if isinstance(number, str) else None
        if digits is not None:
            return f"+{digits.group(1)}"
    for name in (scoped_id, contact.get("user_id"), phone):
        if isinstance(name, str) and _is_scoped_id(name):
            return name
    return None


def _free_entry_point_expiry(status: Json) -> Any:
    """Until when Meta lets a free entry point last. Older webhooks date every conversation; those of other kinds say nothing here."""
    conversation, pricing = status.get("conversation"), status.get("pricing")
    if not isinstance(conversation, dict):
        return None
    origin = conversation.get("origin")
    started_by_referral = isinstance(origin, dict) and origin.get("type") == "referral_conversion"
    free = isinstance(pricing, dict) and pricing.get("type") == "free_entry_point"
    return _instant(conversation.get("expiration_timestamp")) if started_by_referral or free else None


def _instant(timestamp: Any) -> Any:
    """Meta's Unix seconds, as text or number, in the contract's form; anything else as it came, for the decoder to name."""
    text = str(timestamp) if isinstance(timestamp, int) else timestamp
    return format_instant(int(text) * 1000) if isinstance(text, str) and _is_seconds(text) else timestamp


def _only(value: Any, *names: str) -> Any:
    """The named fields of an object; anything else as it came, for the decoder to name."""
    return {name: value[name] for name in names if value.get(name) is not None} if isinstance(value, dict) else value


def _record(event: Json) -> bytes:
    """The event as JSON, with an id that is a function of its content."""
    present = {name: value for name, value in event.items() if value is not None}
    content = orjson.dumps(present, option=orjson.OPT_SORT_KEYS)
    return orjson.dumps({"v": 1, "id": blake2b(content, digest_size=16).hexdigest(), **present})
