"""Which event said what: asked of the code that decides, not worked out beside it.

A word that no event can have is put in the place of what one event said; where it comes out of `case_of`, that event was the one that was
listened to.
"""

from __future__ import annotations

from typing import Final

import msgspec

from rating.life import Case, case_of
from rating.records import Delivery, Sending

_PROBE: Final = "\x00probe"
_PROBE_KIND: Final = "reaction"

STATUSES: Final = ("sent", "delivered", "read", "failed")
MESSAGE: Final = "sent of the message"
"""Stands for the `sent` of a group's message, which speaks for members whose own is missing."""

_WORDS: Final = (
    ("category", "category", "category"),
    ("pricing_category", "category", "category, in Meta's words"),
    ("pricing_type", "pricing_type", "Meta's decision"),
    ("user_country", "user_country", "country"),
    ("account_id", "account_id", "account"),
    ("user", "user", "conversation"),
)
"""Field of an event, field of a case, and what that is called."""

_ALWAYS_SAID: Final = frozenset({"account_id", "user"})
"""Fields that every event has; None in a record means the usual."""


def sources(delivery: Delivery, message: Delivery | None) -> dict[str, tuple[str, ...]]:
    """For each status (`sent`, `delivered` …, or `MESSAGE`) what was taken from its event, in words; empty without a billing instant."""
    case = case_of(delivery, message)
    if case is None:
        return {}
    found = {}
    for status in (*STATUSES, MESSAGE):
        event = _event(delivery, message, status)
        if event is not None:
            found[status] = tuple(_taken(delivery, message, status, event, case))
    return found


def _taken(delivery: Delivery, message: Delivery | None, status: str, event: Sending, case: Case) -> list[str]:
    taken = []
    if status in ("delivered", "read") and event.time_ms == case.billed_at_ms:
        taken.append("billing instant")
    for field, field_of_case, called in _WORDS:
        if getattr(event, field) is None and field not in _ALWAYS_SAID:
            continue
        probed = _case_with(delivery, message, status, msgspec.structs.replace(event, **{field: _PROBE}))
        if probed is not None and getattr(probed, field_of_case) == _PROBE:
            taken.append(called)
    if event.kind == _PROBE_KIND:
        plain = _case_with(delivery, message, status, msgspec.structs.replace(event, kind=None))
        if plain is not None and plain.is_reaction != case.is_reaction:
            taken.append("that it is a reaction")
    return taken


def _event(delivery: Delivery, message: Delivery | None, status: str) -> Sending | None:
    if status == MESSAGE:
        return None if message is None else message.sent
    found: Sending | None = getattr(delivery, status)
    return found


def _case_with(delivery: Delivery, message: Delivery | None, status: str, event: Sending) -> Case | None:
    if status == MESSAGE:
        return case_of(delivery, None if message is None else msgspec.structs.replace(message, sent=event))
    return case_of(msgspec.structs.replace(delivery, **{status: event}), message)
