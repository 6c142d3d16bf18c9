"""Reading JSON by the letter: what the standard library lets through, and what would crash it, is refused here.

This is the exact reader behind every record: strict UTF-8, no byte-order mark, no `NaN`, no half of a surrogate pair, no nesting deeper
than `MAX_DEPTH`. Of a repeated key the last counts. A number of any size is JSON and is read, but no field of a record holds a whole number
of more than 19 digits: it is read as infinite.

Source: contract §2, "Rejected"; RFC 8259.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final

from schemas.rejections import INVALID_JSON, TOO_LARGE, Rejection

MAX_BYTES: Final = 1024 * 1024
"""Most bytes that a record may have, its line end not counted."""
MAX_DEPTH: Final = 128
"""Most objects and arrays that may lie in each other, the record itself included."""

_EXACT_DIGITS: Final = 19
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_PAIR_OR_HALF_OR_OTHER_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]|(\\u[dD][89a-fA-F])|\\.", re.DOTALL)


def read_json(raw: bytes, max_bytes: int = MAX_BYTES) -> object | Rejection:
    """The value a record holds, or the rejection `too_large` or `invalid_json`. Nothing that anyone sends raises."""
    if len(raw) > max_bytes:
        return Rejection(TOO_LARGE, f"the record has more than {max_bytes} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return _invalid(f"byte {error.start + 1} is not UTF-8")
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        return _invalid(f"objects and arrays are nested deeper than {MAX_DEPTH}")
    try:
        value: object = json.loads(text, parse_int=_number, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return _invalid(f"character {error.pos + 1} is not JSON: {error.msg.lower()}")
    except _NotANumberError:
        return _invalid("NaN and Infinity are no JSON numbers")
    if b"\\u" in raw and _has_lone_surrogate(text):
        return _invalid("a text holds one half of a surrogate pair")
    return value


class _NotANumberError(ValueError):
    """`NaN` or `Infinity` stood where a number should."""


def _invalid(sentence: str) -> Rejection:
    return Rejection(INVALID_JSON, sentence)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _EXACT_DIGITS else math.inf


def _refuse_constant(name: str) -> object:
    raise _NotANumberError(name)


def _depth(text: str) -> int:
    """How deep the text nests. Brackets in texts do not count; the text need not be JSON."""
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        part = match.group()
        if part in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif part in "]}":
            depth -= 1
    return deepest


def _has_lone_surrogate(text: str) -> bool:
    """Whether valid JSON text escapes half of a surrogate pair, in a key or a text, also one that a repeated key overwrites."""
    return any(match.group(1) for match in _PAIR_OR_HALF_OR_OTHER_ESCAPE.finditer(text))
