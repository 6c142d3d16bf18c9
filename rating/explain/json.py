"""Explanations and quotes as JSON: instants as text in UTC, money as decimal text, lengths of time in whole milliseconds."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from rating.money import Nanos, format_nanos
from schemas.instants import format_instant


def to_json(facts: Any) -> Any:
    """A value for a JSON writer. A name loses its unit where the text tells it: `billed_at_ms` is `billed_at`, `cost_nanos` is `cost`."""
    if is_dataclass(facts):
        return dict(_member(field.name, getattr(facts, field.name)) for field in fields(facts))
    if isinstance(facts, tuple | list):
        return [to_json(each) for each in facts]
    return facts


def _member(name: str, value: Any) -> tuple[str, Any]:
    if name.endswith("_nanos"):
        return name.removesuffix("_nanos"), None if value is None else format_nanos(Nanos(value))
    if name.endswith(("at_ms", "from_ms", "until_ms", "time_ms")):
        return name.removesuffix("_ms"), None if value is None else format_instant(value)
    return name, to_json(value)
