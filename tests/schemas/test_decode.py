"""A record is an event, or it is rejected with the first reason that applies and every problem named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.decode import MAX_EVENT_BYTES, Event, Rejection, decode_event
from schemas.rejections import REASONS
from tests.schemas.records import event, raw


def accepted(**fields: Any) -> Event:
    result = decode_event(raw(event(**fields)))
    assert isinstance(result, Event), result
    return result


def rejected(record: bytes) -> Rejection:
    result = decode_event(record)
    assert isinstance(result, Rejection), result
    return result


def test_an_event_has_every_value_of_its_record() -> None:
    record = event(
        type="message.sent",
        user="group:120363",
        participant="FR.70000000000000000001",
        user_country="FR",
        kind="image",
        edited=False,
        referral={"source_type": "ad", "ctwa_clid": "c"},
        category="marketing",
        template="spring_sale",
        sender_id="agent-7",
        free_entry_point_expires_at="2026-01-08T10:00:00+01:00",
        error={"code": 131047, "title": "Re-engagement message"},
    )
    assert decode_event(raw(record)) == Event(
        type="message.sent",
        id=record["id"],
        account_id="102290129340398",
        phone_number_id="106540352242922",
        user="group:120363",
        message_id=record["message_id"],
        time_ms=1_767_603_600_000,
        participant="FR.70000000000000000001",
        user_country="FR",
        kind="image",
        edited=False,
        referral_source="ad",
        category="marketing",
        template="spring_sale",
        sender_id="agent-7",
        pricing_type="regular",
        pricing_category="utility",
        pricing_billable=True,
        free_entry_point_expires_at_ms=1_767_862_800_000,
        error_code=131047,
    )


def test_a_received_without_kind_is_a_text_and_no_edit() -> None:
    received = accepted(type="message.received", pricing=None)
    assert (received.kind, received.edited, received.pricing_type) == ("text", False, None)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"v": None}, id="no version is version 1"),
        pytest.param({"v": 1.0}, id="a version that equals 1"),
        pytest.param({"user": "+1"}, id="a phone of one digit"),
        pytest.param({"user": "+123456789012345"}, id="a phone of 15 digits"),
        pytest.param({"user": "FR.7"}, id="a business-scoped id"),
        pytest.param({"user": "US.ENT.7"}, id="the id of a parent portfolio"),
        pytest.param({"user": "group:1", "participant": "+33612345678"}, id="delivered to a member of a group"),
        pytest.param({"user": "group:1", "type": "message.sent", "category": "utility"}, id="sent to a whole group"),
        pytest.param({"user": "group:1", "type": "message.received"}, id="received from a group, the member unknown"),
        pytest.param({"user": "group:1", "type": "message.failed"}, id="failed for a whole group"),
        pytest.param({"time": "2009-01-01T00:00:00.000Z"}, id="the first instant of 2009"),
        pytest.param({"time": "2100-12-31T23:59:59.999Z"}, id="the last instant of 2100"),
        pytest.param({"time": "2101-01-01T00:59:59.999+01:00"}, id="the last instant of 2100, seen from the east"),
        pytest.param({"category": "something_new"}, id="a category that nobody knows"),
        pytest.param({"pricing": {"type": "something_new"}}, id="a pricing type that nobody knows"),
        pytest.param({"pricing": {}}, id="pricing that says nothing"),
        pytest.param({"type": "message.sent", "category_unknown": True}, id="a sent of a gateway that can't know the category"),
        pytest.param({"type": "message.failed", "error": {"code": 131047.5}}, id="an error code that is a number"),
        pytest.param({"text": {"body": [[{"deep": None}]]}, "": 1}, id="fields that nobody knows"),
    ],
)
def test_a_lawful_event_is_accepted(fields: dict[str, Any]) -> None:
    accepted(**fields)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"id": ""}, "id", id="empty id"),
        pytest.param({"account_id": ""}, "account_id", id="empty account"),
        pytest.param({"phone_number_id": ""}, "phone_number_id", id="empty phone number id"),
        pytest.param({"message_id": ""}, "message_id", id="empty message id"),
        pytest.param({"account_id": 102290129340398}, "account_id", id="an id as a number"),
        pytest.param({"type": 1}, "type", id="a type that is no text"),
        pytest.param({"v": "1"}, "v", id="a version as text"),
        pytest.param({"v": True}, "v", id="a version that is true"),
        pytest.param({"user": "33612345678"}, "user", id="a phone without its plus"),
        pytest.param({"user": "+1234567890123456"}, "user", id="a phone of 16 digits"),
        pytest.param({"user": "+0612345678"}, "user", id="a national number behind a plus"),
        pytest.param({"user": "+33 612345678"}, "user", id="a phone with a blank"),
        pytest.param({"user": "+33612345678\n"}, "user", id="a line end behind the phone"),
        pytest.param({"user": "+٣٣٦"}, "user", id="Arabic digits"),
        pytest.param({"user": "fr.7"}, "user", id="a business-scoped id in small letters"),
        pytest.param({"user": "FR."}, "user", id="a business-scoped id that ends at its dot"),
        pytest.param({"user": "group:"}, "user", id="a group without a name"),
        pytest.param({"user": ""}, "user", id="no one"),
        pytest.param({"user": "group:1"}, "participant", id="delivered to a group without the member"),
        pytest.param({"user": "group:1", "type": "message.read"}, "participant", id="read in a group without the member"),
        pytest.param({"participant": "group:1"}, "participant", id="a group as a member"),
        pytest.param({"participant": ""}, "participant", id="an empty member"),
        pytest.param({"user_country": "fr"}, "user_country", id="a country in small letters"),
        pytest.param({"user_country": "FRA"}, "user_country", id="a country of three letters"),
        pytest.param({"user_country": ""}, "user_country", id="an empty country"),
        pytest.param({"type": "message.sent"}, "category", id="a sent without category"),
        pytest.param({"type": "message.sent", "category_unknown": False}, "category", id="a sent that knows its category and names none"),
        pytest.param({"category": 1}, "category", id="a category that is a number"),
        pytest.param({"time": 1767603600}, "time", id="Unix seconds"),
        pytest.param({"time": 1767603600.5}, "time", id="seconds as a fraction"),
        pytest.param({"time": "2026-01-05T09:00:60Z"}, "time", id="a leap second"),
        pytest.param({"time": "yesterday"}, "time", id="a time that is none"),
        pytest.param({"kind": 7}, "kind", id="a kind that is a number"),
        pytest.param({"kind": True}, "kind", id="a kind that is true"),
        pytest.param({"edited": "true"}, "edited", id="edited as text"),
        pytest.param({"edited": 1}, "edited", id="edited as a number"),
        pytest.param({"pricing": "regular"}, "pricing", id="pricing as text"),
        pytest.param({"pricing": []}, "pricing", id="pricing as a list"),
        pytest.param({"pricing": {"type": 1}}, "pricing.type", id="a pricing type that is a number"),
        pytest.param({"pricing": {"billable": "yes"}}, "pricing.billable", id="billable as text"),
        pytest.param({"referral": "ad"}, "referral", id="a referral as text"),
        pytest.param({"referral": {"source_type": 1}}, "referral.source_type", id="a referral's source that is a number"),
        pytest.param({"error": 131047}, "error", id="an error that is its code"),
        pytest.param({"error": {"code": "131047"}}, "error.code", id="an error code as text"),
        pytest.param({"error": {"code": True}}, "error.code", id="an error code that is true"),
        pytest.param({"free_entry_point_expires_at": 5}, "free_entry_point_expires_at", id="an expiry as a number"),
        pytest.param({"template": {}}, "template", id="a template that is an object"),
        pytest.param({"sender_id": 7}, "sender_id", id="a sender as a number"),
    ],
)
def test_a_wrong_field_is_rejected_and_named(fields: dict[str, Any], field: str) -> None:
    rejection = rejected(raw(event(**fields)))
    assert rejection.reason == "invalid_field"
    assert [problem.partition(":")[0] for problem in rejection.detail.split("; ")] == [field]


@pytest.mark.parametrize("field", ["type", "id", "account_id", "phone_number_id", "user", "message_id", "time"])
def test_a_missing_field_is_as_wrong_as_a_null_one(field: str) -> None:
    missing = rejected(raw(event(**{field: None})))
    assert missing == ("invalid_field", f"{field}: is missing")
    assert rejected(raw(event() | {field: None})) == missing


def test_null_is_the_same_as_absent_at_every_depth() -> None:
    optional = dict.fromkeys(["participant", "kind", "edited", "referral", "category", "template", "sender_id", "error"])
    nothing = event() | optional | {"pricing": {"type": None, "category": None, "billable": None, "new": None}}
    assert decode_event(raw(nothing)) == accepted(pricing=None)


def test_every_problem_is_named_at_once_in_the_order_of_the_contract() -> None:
    record = event(id="", user="0033", time=5, message_id=None, participant=7, pricing={"type": 1, "category": 2})
    assert [problem.partition(":")[0] for problem in rejected(raw(record)).detail.split("; ")] == [
        "id",
        "user",
        "participant",
        "message_id",
        "time",
        "pricing.type",
        "pricing.category",
    ]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param(b" " * MAX_EVENT_BYTES + b"{", "too_large", id="too large before invalid JSON"),
        pytest.param(b"[1,", "invalid_json", id="invalid JSON before no object"),
        pytest.param(b"[]", "invalid_field", id="a list"),
        pytest.param(b'"text"', "invalid_field", id="a text"),
        pytest.param(b"null", "invalid_field", id="null"),
        pytest.param(b"{}", "invalid_field", id="an empty object"),
        pytest.param(raw({"v": 2, "type": "message.played"}), "unsupported_version", id="version before type"),
        pytest.param(raw({"v": 1.5, "type": 1}), "unsupported_version", id="version before fields"),
        pytest.param(raw({"v": 0}), "unsupported_version", id="version 0"),
        pytest.param(b'{"v":1e999}', "unsupported_version", id="a version that no double can hold"),
        pytest.param(b'{"v":' + b"1" * 5000 + b"}", "unsupported_version", id="a version of 5,000 digits"),
        pytest.param(
            raw({"v": "2", "type": "message.played"}), "unknown_type", id="a version as text gives no version, so type comes first"
        ),
        pytest.param(raw({"type": "message.played", "id": 5}), "unknown_type", id="type before fields"),
        pytest.param(raw({"type": "", "id": 5}), "unknown_type", id="an empty type"),
        pytest.param(raw({"type": "Message.read"}), "unknown_type", id="a type in other letters"),
        pytest.param(raw(event(time="2008-12-31T23:59:59.999Z", id="")), "invalid_field", id="fields before the range of time"),
        pytest.param(raw(event(time="2008-12-31T23:59:59.999Z")), "time_out_of_range", id="the last instant of 2008"),
        pytest.param(raw(event(time="2009-01-01T00:00:00+00:01")), "time_out_of_range", id="2009 in the east, 2008 in UTC"),
        pytest.param(raw(event(time="2101-01-01T00:00:00Z")), "time_out_of_range", id="the first instant of 2101"),
        pytest.param(raw(event(time="0000-01-01T00:00:00Z")), "time_out_of_range", id="year 0"),
    ],
)
def test_of_several_reasons_the_first_that_applies_is_given(record: bytes, reason: str) -> None:
    assert rejected(record).reason == reason


@pytest.mark.parametrize(
    "record",
    [
        event(user="0033612345678", id="", time="tomorrow"),
        event(type="call +33612345678"),
        event(pricing={"type": ["+33612345678"]}, user_country="+33612345678"),
        {"v": 33612345678},
    ],
)
def test_a_detail_quotes_no_value(record: dict[str, Any]) -> None:
    detail = rejected(raw(record)).detail
    assert "33612345678" not in detail
    assert "tomorrow" not in detail


@pytest.mark.parametrize(
    ("code", "kept"),
    [(131047, 131047), (131047.0, 131047), (-1, -1), (0.5, None), (2**53, 2**53), (2**53 + 2, None), (10**25, None)],
)
def test_an_error_code_is_kept_where_every_json_reader_holds_it(code: float, kept: int | None) -> None:
    assert accepted(type="message.failed", error={"code": code}).error_code == kept


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_in_the_reference_with_its_meaning_and_mend(reason: str) -> None:
    reference = Path(__file__).parents[2] / "docs" / "reference" / "records.md"
    rows = [line.split("|") for line in reference.read_text().splitlines() if line.startswith(f"| `{reason}` |")]
    assert rows
    assert all(len(meaning) > 10 and len(mend) > 10 for _, _, meaning, mend, _ in rows)
