"""How people are told of without telling who they are.

A recipient is told by the digits that led to the market, or by the country of a hidden phone. A message id can encode a phone number; where
the setting `message_ids: hashed` is on, explanations hash it as everything published does.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeVar, cast

from rating.ids import hashed_message_id

Facts = TypeVar("Facts")

HIDDEN: Final = "…"


def masked(recipient: str, prefix: str | None = None) -> str:
    """`+33…` of a phone number whose market was found by the prefix 33, `+…` of one that no prefix covers, `FR.…` of a business-scoped id.

    Whatever else it may be, a group included, is told by its kind alone.
    """
    if recipient.startswith("+"):
        return f"+{prefix or ''}{HIDDEN}"
    if recipient.startswith("group:"):
        return f"group:{HIDDEN}"
    country, dot, _ = recipient.partition(".")
    return f"{country}.{HIDDEN}" if dot and len(country) == 2 else HIDDEN


_MESSAGE_IDS: Final = frozenset({"message_id", "opened_by", "next_opened_by", "referral"})


def with_hashed_message_ids(facts: Facts) -> Facts:
    """The same facts, every message id in them hashed. Takes any of the dataclasses of explanations and quotes."""
    return cast(Facts, _hashed(facts))


def _hashed(facts: Any) -> Any:
    if isinstance(facts, tuple):
        return tuple(_hashed(each) for each in facts)
    if not is_dataclass(facts) or isinstance(facts, type):
        return facts
    values = {field.name: getattr(facts, field.name) for field in fields(facts)}
    hashed = {
        name: hashed_message_id(value) if name in _MESSAGE_IDS and value is not None else _hashed(value) for name, value in values.items()
    }
    return replace(facts, **hashed)
