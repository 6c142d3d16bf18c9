"""The quick reader and the Pydantic contract accept the same records and read the same values out of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from schemas.decode import Event, Rejection, _decode_quickly, decode_by_contract, decode_event
from schemas.events import MessageEvent
from schemas.export import export
from tests.schemas.records import GOOD_RECORDS, Json, event, hostile_bytes, odd_records, raw

SCHEMA = Draft202012Validator(json.loads(export()["whatsapp.messages.schema.json"]))


def assert_both_readers_agree(record: bytes) -> None:
    quick = _decode_quickly(record)
    exact = decode_by_contract(record)
    assert decode_event(record) == exact
    if quick is not None:
        assert quick == exact


@settings(max_examples=400, deadline=None)
@given(record=GOOD_RECORDS)
def test_a_careful_publisher_is_always_read_and_always_quickly(record: Json) -> None:
    quick = _decode_quickly(raw(record))
    assert isinstance(quick, Event)
    assert quick == decode_by_contract(raw(record))


@settings(max_examples=800, deadline=None)
@given(record=odd_records())
def test_odd_records_are_judged_alike(record: bytes) -> None:
    assert_both_readers_agree(record)


@settings(max_examples=800, deadline=None)
@given(record=hostile_bytes())
def test_damaged_records_are_judged_alike_and_crash_nothing(record: bytes) -> None:
    assert_both_readers_agree(record)


@settings(max_examples=300, deadline=None)
@given(record=odd_records())
def test_what_is_accepted_the_exported_json_schema_accepts_too(record: bytes) -> None:
    if isinstance(decode_event(record), Event):
        SCHEMA.validate(json.loads(record))


@settings(max_examples=300, deadline=None)
@given(record=odd_records())
def test_what_the_exported_json_schema_refuses_is_rejected(record: bytes) -> None:
    if not SCHEMA.is_valid(json.loads(record)):
        assert isinstance(decode_event(record), Rejection)


@pytest.mark.parametrize("name", MessageEvent.model_fields)
@pytest.mark.parametrize("value", [[], {}, 0, True, "", "x", 1.5], ids=repr)
def test_a_field_of_the_wrong_type_is_rejected_by_both_or_by_none(name: str, value: object) -> None:
    for kind in ("message.received", "message.sent", "message.delivered", "message.read", "message.failed"):
        assert_both_readers_agree(raw(event(type=kind, category="utility") | {name: value}))
