"""Whatever bytes arrive, the answer is an event or a rejection, and it comes soon."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import MAX_EVENT_BYTES, Event, Rejection, decode_by_contract, decode_event
from schemas.json_text import MAX_DEPTH
from schemas.profiles import decode_profile
from schemas.webhooks import events_of
from tests.schemas.records import event, raw

GOOD = raw(event())


def with_extra(json_text: bytes) -> bytes:
    """A good record with one more field."""
    return GOOD[:-1] + b',"extra":' + json_text + b"}"


def nested_arrays(depth: int) -> bytes:
    """A good record of that depth: the record itself is the first."""
    return with_extra(b"[" * (depth - 1) + b"]" * (depth - 1))


def nested_objects(depth: int) -> bytes:
    """The same with objects."""
    return with_extra(b'{"a":' * (depth - 1) + b"1" + b"}" * (depth - 1))


def padded(size: int) -> bytes:
    """A good record of that many bytes."""
    return with_extra(b'"' + b"x" * (size - len(with_extra(b'""'))) + b'"')


@pytest.mark.parametrize("nested", [nested_arrays, nested_objects])
def test_a_record_may_nest_128_deep_and_no_deeper(nested: object) -> None:
    assert callable(nested)
    assert isinstance(decode_event(nested(MAX_DEPTH)), Event)
    for depth in (MAX_DEPTH + 1, 1000, 1024, 1025, 100_000):
        assert reason(nested(depth)) == "invalid_json"


@pytest.mark.parametrize("opened", [b"[", b'{"a":', b'[{"a":', b'{"extra":['])
def test_brackets_that_never_close_crash_nothing(opened: bytes) -> None:
    assert reason(opened * (MAX_EVENT_BYTES // len(opened))) == "invalid_json"


def test_brackets_in_texts_are_no_depth() -> None:
    assert isinstance(decode_event(with_extra(b'"' + b"[{" * 500 + b'"')), Event)
    assert isinstance(decode_event(with_extra(b'["\\\\","' + b'\\"[' * 500 + b'"]')), Event)


def test_many_flat_objects_are_no_depth() -> None:
    assert isinstance(decode_event(with_extra(b"[" + b",".join([b"{}"] * 500) + b"]")), Event)


def test_depth_counts_where_a_repeated_key_hides_it() -> None:
    assert reason(with_extra(b"[" * 200 + b"]" * 200)[:-1] + b',"extra":1}') == "invalid_json"


def test_a_record_may_have_1_mib_and_no_byte_more() -> None:
    assert isinstance(decode_event(padded(MAX_EVENT_BYTES)), Event)
    assert reason(padded(MAX_EVENT_BYTES + 1)) == "too_large"


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"   ", id="blanks"),
        pytest.param(b"\x00", id="a zero byte"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="a byte-order mark"),
        pytest.param(GOOD.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(GOOD.decode().encode("utf-32-le"), id="UTF-32"),
        pytest.param(GOOD + GOOD, id="two records"),
        pytest.param(GOOD[:-1], id="no end"),
        pytest.param(GOOD + b"\x00", id="a zero byte behind it"),
        pytest.param(GOOD.replace(b'"', b"'"), id="single quotes"),
        pytest.param(GOOD[:-1] + b",}", id="a comma too many"),
        pytest.param(with_extra(b"NaN"), id="NaN"),
        pytest.param(with_extra(b"Infinity"), id="Infinity"),
        pytest.param(with_extra(b"-Infinity"), id="minus Infinity"),
        pytest.param(with_extra(b"01"), id="a leading zero"),
        pytest.param(with_extra(b"+1"), id="a plus"),
        pytest.param(with_extra(b"1."), id="a point without digits"),
        pytest.param(with_extra(b"/*c*/1"), id="a comment"),
        pytest.param(with_extra(b'"\n"'), id="a line end in a text"),
        pytest.param(with_extra(b'"\\x41"'), id="an escape that JSON lacks"),
        pytest.param(with_extra(b'"\xff"'), id="a byte that is not UTF-8 in a field nobody knows"),
        pytest.param(with_extra(b'{"\xc0\xaf":1}'), id="an overlong byte sequence in a key"),
        pytest.param(with_extra(b'"\xed\xa0\x80"'), id="a surrogate as bytes"),
        pytest.param(with_extra(b'"\\ud800"'), id="a lone high surrogate"),
        pytest.param(with_extra(b'"\\udc00"'), id="a lone low surrogate"),
        pytest.param(with_extra(b'"\\uDC00\\uD800"'), id="a surrogate pair the wrong way round"),
        pytest.param(with_extra(b'"\\ud83d x \\ude00"'), id="a surrogate pair apart"),
        pytest.param(with_extra(b'{"\\ud800":1}'), id="a lone surrogate in a key"),
        pytest.param(with_extra(b'"\\ud800"')[:-1] + b',"extra":1}', id="a lone surrogate that a repeated key hides"),
        pytest.param(GOOD.replace(b"wamid", b"\\ud800"), id="a lone surrogate in an id"),
    ],
)
def test_what_is_not_json_is_rejected_as_such(record: bytes) -> None:
    assert reason(record) == "invalid_json"
    assert isinstance(decode_by_contract(record), Rejection)
    assert isinstance(decode_profile(record), Rejection)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b" \t\r\n" + GOOD + b"\r\n ", id="blanks around it"),
        pytest.param(with_extra(b'"\\ud83d\\ude00"'), id="a surrogate pair"),
        pytest.param(with_extra(b'"\\\\ud800"'), id="a backslash before the letters of an escape"),
        pytest.param(with_extra(b'"\\u0000\\/"'), id="escapes"),
        pytest.param(with_extra(b"1e999"), id="a number that no double can hold"),
        pytest.param(with_extra(b"1" * 100_000), id="a number of 100,000 digits"),
        pytest.param(with_extra(b"-0.1e-5"), id="a small number"),
        pytest.param(with_extra(b"1,") [:-1] + b'"extra":[]}', id="a repeated key"),
    ],
)  # fmt: skip
def test_what_is_json_is_read_however_odd(record: bytes) -> None:
    assert decode_event(record) == decode_event(GOOD)


@pytest.mark.parametrize(
    ("first", "last", "is_read"),
    [
        pytest.param(b'"user":"+1"', b'"user":"+33612345678"', True, id="both good"),
        pytest.param(b'"user":5', b'"user":"+33612345678"', True, id="the first wrong"),
        pytest.param(b'"user":"+33612345678"', b'"user":5', False, id="the last wrong"),
        pytest.param(b'"user":"+33612345678"', b'"user":null', False, id="the last null"),
        pytest.param(b'"v":2', b'"v":1', True, id="another version, then ours"),
        pytest.param(b'"v":1', b'"v":2', False, id="our version, then another"),
        pytest.param(b'"user":5', b'"\\u0075ser":"+33612345678"', True, id="the same key, escaped"),
    ],
)
def test_of_a_repeated_key_the_last_counts(first: bytes, last: bytes, is_read: bool) -> None:
    repeated = "v" if b"v" in first else "user"
    record = b"{" + first + b"," + raw(event(**{repeated: None}))[1:-1] + b"," + last + b"}"
    result = decode_event(record)
    assert isinstance(result, Event) is is_read
    if isinstance(result, Event):
        assert result.user == "+33612345678"


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b'"' * MAX_EVENT_BYTES, id="quotes"),
        pytest.param(b"[" * 129 + b'"' + b'\\"' * (MAX_EVENT_BYTES // 2 - 99), id="escaped quotes without an end"),
        pytest.param(b"\\u" * (MAX_EVENT_BYTES // 2), id="escapes"),
        pytest.param(with_extra(b'"' + b"\\ud83d\\ude00" * (MAX_EVENT_BYTES // 13) + b'"'), id="surrogate pairs"),
        pytest.param(b'[{"' * (MAX_EVENT_BYTES // 3), id="brackets and quotes"),
        pytest.param(b"1" * MAX_EVENT_BYTES, id="one number"),
        pytest.param(b'{"time":"' + b"1" * (MAX_EVENT_BYTES - 100) + b'"}', id="a long time"),
        pytest.param(b'{"user":"+' + b"1" * (MAX_EVENT_BYTES - 100) + b'"}', id="a long phone"),
    ],
)
def test_a_hostile_record_costs_no_more_than_its_size(record: bytes) -> None:
    started_s = perf_counter()
    decode_event(record)
    assert perf_counter() - started_s < 2


@given(junk=st.binary(max_size=64))
def test_bytes_of_any_kind_get_an_answer(junk: bytes) -> None:
    assert isinstance(decode_event(junk), Event | Rejection)
    assert decode_profile(junk)
    assert list(events_of(junk))


def reason(record: bytes) -> str:
    result = decode_event(record)
    assert isinstance(result, Rejection), "accepted"
    assert result.detail
    return result.reason
