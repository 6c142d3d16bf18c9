"""The kinds of value that records are made of, and what a model of a record must do with them.

Every type here says in its JSON Schema what a reader of the contract must know: form, unit, example.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, ValidationError, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError

from schemas.instants import AFTER_LAST_EVENT_MS, EARLIEST_EVENT_MS, parse_instant
from schemas.rejections import INVALID_FIELD, TIME_OUT_OF_RANGE, UNKNOWN_TYPE, UNSUPPORTED_VERSION, Problem

PHONE: Final = r"\+[1-9][0-9]{0,14}"
"""E.164: a plus and up to 15 digits, the first of them no zero. Whether the number exists is not asked: rating must not depend on it."""
SCOPED_ID: Final = r"[A-Z]{2}\.(?s:.+)"
"""Business-scoped id: the country's two capitals, a dot, and whatever WhatsApp puts after it."""
GROUP: Final = r"group:(?s:.+)"
COUNTRY: Final = r"[A-Z]{2}"

_VERSION: Final = 1


class Published(BaseModel):
    """A record that Wameter writes: a field without a value is `null`, not missing. Readers ignore fields they don't know."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Wire(BaseModel):
    """A record that others write, or an object in one: unknown fields are ignored, `null` is the same as absent, no value is converted."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """An optional field may be null, and none says that it is null by default."""
        schema = handler(core_schema)
        described = handler.resolve_ref_schema(schema)
        required = described.get("required", [])
        for name, field in described.get("properties", {}).items():
            if name not in required:
                described["properties"][name] = _or_null(field)
        return schema


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    schema = {key: item for key, item in schema.items() if not (key == "default" and item is None)}
    if any(choice.get("type") == "null" for choice in schema.get("anyOf", [])):
        return schema
    described: dict[str, Any] = {key: schema.pop(key) for key in ("title", "description", "examples", "default") if key in schema}
    return {**described, "anyOf": [schema, {"type": "null"}]}


def problems_of(error: ValidationError) -> list[Problem]:
    """What a model found wrong, field by field, without the values."""
    return [_problem(each) for each in error.errors(include_url=False, include_context=False)]


def _problem(error: ErrorDetails) -> Problem:
    field = ".".join(str(part) for part in error["loc"] if not str(part).startswith("function-"))
    kind = error["type"]
    if kind in (UNSUPPORTED_VERSION, UNKNOWN_TYPE, TIME_OUT_OF_RANGE, INVALID_FIELD):
        reason = kind
        sentence = error["msg"]
    else:
        reason = INVALID_FIELD
        sentence = _SENTENCES.get(kind, "has the wrong type or form")
    return Problem(reason, field, sentence)


_SENTENCES: Final = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "too_short": "must not be empty",
    "too_long": "names too many at once",
    "literal_error": "is none of the words that the contract has for it",
    "bool_type": "must be true or false",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "int_type": "must be a whole number",
}


def invalid(sentence: str) -> PydanticCustomError:
    """The error of a field whose value has the wrong form; the sentence goes on after the field's name and never quotes the value."""
    return PydanticCustomError(INVALID_FIELD, "{sentence}", {"sentence": sentence})


def number(value: object, sentence: str = "must be a number") -> int | float:
    """A JSON number; true and false are none, though Python calls them integers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(sentence)
    return value


def _version(value: object) -> int:
    if number(value, "must be the number 1") != _VERSION:
        raise PydanticCustomError(UNSUPPORTED_VERSION, "only version 1 of this record can be read")
    return _VERSION


def _matching(pattern: str, sentence: str) -> Callable[[object], str]:
    matches = re.compile(pattern).fullmatch

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise invalid("must be text")
        if matches(value) is None:
            raise invalid(sentence)
        return value

    return check


def _instant(value: object) -> int:
    ms = parse_instant(value) if isinstance(value, str) else None
    if ms is None:
        raise invalid("must be an RFC 3339 instant with an offset, such as 2026-01-05T09:00:00.000Z, and no leap second")
    return ms


def _event_instant(value: object) -> int:
    ms = _instant(value)
    if not EARLIEST_EVENT_MS <= ms < AFTER_LAST_EVENT_MS:
        raise PydanticCustomError(TIME_OUT_OF_RANGE, "must lie in the years 2009 to 2100")
    return ms


def local_date(value: object) -> str:
    """A real calendar date, `YYYY-MM-DD`."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise invalid("must be a calendar date, YYYY-MM-DD")


PublishedVersion = Annotated[int, BeforeValidator(_version), WithJsonSchema({"const": 1, "description": "Version of the record's form."})]

Version = Annotated[
    int,
    BeforeValidator(_version),
    WithJsonSchema({"const": 1, "default": 1, "description": "Version of the record's form. Absent: 1."}),
]

Number = Annotated[int | float, BeforeValidator(number), WithJsonSchema({"type": "number"})]
"""Any JSON number."""

Id = Annotated[str, Field(min_length=1)]
"""A name that someone else gave; any text but the empty one."""

Person = Annotated[
    str,
    BeforeValidator(
        _matching(
            f"{PHONE}|{SCOPED_ID}", "must be a phone number (E.164: + and digits) or a business-scoped id (two capitals and a dot first)"
        )
    ),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(\+[1-9][0-9]{0,14}|[A-Z]{2}\.[\s\S]+)$",
            "examples": ["+33612345678", "FR.70000000000000000001"],
        }
    ),
]
"""A person: an E.164 phone number, or a business-scoped id where WhatsApp hides the phone."""

PersonOrGroup = Annotated[
    str,
    BeforeValidator(
        _matching(
            f"{PHONE}|{SCOPED_ID}|{GROUP}",
            "must be a phone number (E.164: + and digits), a business-scoped id (two capitals and a dot first) or a group (group: first)",
        )
    ),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(\+[1-9][0-9]{0,14}|[A-Z]{2}\.[\s\S]+|group:[\s\S]+)$",
            "examples": ["+33612345678", "FR.70000000000000000001", "group:120363027326"],
        }
    ),
]
"""The other end of a conversation: a person or a group."""

Country = Annotated[
    str,
    BeforeValidator(_matching(COUNTRY, "must be a country as two capitals, such as FR")),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$", "examples": ["FR"]}),
]
"""ISO 3166-1 alpha-2. Whether such a country exists is the market table's question."""

_INSTANT_SCHEMA: Final = {"type": "string", "format": "date-time", "examples": ["2026-01-05T09:00:00.000Z"]}

Instant = Annotated[int, BeforeValidator(_instant), WithJsonSchema(_INSTANT_SCHEMA)]
"""RFC 3339 on the wire; milliseconds since 1970 in UTC in the model."""

EventInstant = Annotated[int, BeforeValidator(_event_instant), WithJsonSchema(_INSTANT_SCHEMA)]
"""An instant in the years 2009 to 2100, in UTC."""

LocalDate = Annotated[
    str,
    BeforeValidator(local_date),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-01-05"]}),
]
"""A calendar date in the account's zone."""

_MONEY: Final = r"[0-9]+(\.[0-9]{1,9})?"

Money = Annotated[
    str,
    Field(pattern=f"^{_MONEY}$", examples=["0.0300", "0"]),
]
"""An amount as a decimal text in units of the record's currency, at most nine decimals; `0.03` and `0.0300` are equal."""

SignedMoney = Annotated[str, Field(pattern=f"^-?{_MONEY}$", examples=["12.3400", "-0.0150"])]
"""Money that may be negative: a difference, or a sum of differences."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]
"""ISO 4217."""
