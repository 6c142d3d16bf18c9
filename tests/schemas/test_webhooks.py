"""Meta's webhook bodies become message events, none of them lost on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.decode import Event, decode_event
from schemas.rejections import Rejection
from schemas.webhooks import MAX_WEBHOOK_BYTES, events_of
from tests.schemas.records import raw

BODIES = Path(__file__).parent / "webhooks"


def body(name: str) -> Any:
    return json.loads((BODIES / f"{name}.json").read_bytes())


def read(webhook: Any) -> list[Event]:
    """The events of a body that has no other parts."""
    events = []
    for record in events_of(raw(webhook)):
        assert isinstance(record, bytes), record
        event = decode_event(record)
        assert isinstance(event, Event), event
        events.append(event)
    return events


def only(webhook: Any) -> Event:
    (event,) = read(webhook)
    return event


def status(**fields: Any) -> dict[str, Any]:
    """A body with one status of a message to a French phone."""
    item = {"id": "wamid.1", "status": "delivered", "timestamp": "1790000012", "recipient_id": "33612340001"} | fields
    return of_value({"statuses": [{name: value for name, value in item.items() if value is not None}]})


def message(**fields: Any) -> dict[str, Any]:
    """A body with one message of a French phone."""
    return of_value({"messages": [{"id": "wamid.2", "from": "33612340001", "timestamp": "1790000000", "type": "text"} | fields]})


def of_value(value: dict[str, Any], field: str = "messages") -> dict[str, Any]:
    change = {"field": field, "value": {"metadata": {"phone_number_id": "209912345678902"}, **value}}
    return {"object": "whatsapp_business_account", "entry": [{"id": "104412345678901", "changes": [change]}]}


def test_a_batch_is_read_whole_and_in_order() -> None:
    events = read(body("batch_two_entries_mixed"))
    assert [(event.type, event.account_id, event.user, event.message_id) for event in events] == [
        ("message.received", "104412345678901", "+33612340001", "wamid.EXAMPLE_IN_B1"),
        ("message.received", "104412345678901", "+33612340001", "wamid.EXAMPLE_IN_B2"),
        ("message.delivered", "104412345678901", "+33612340001", "wamid.EXAMPLE_OUT_B1"),
        ("message.read", "104499999999999", "+5511999990000", "wamid.EXAMPLE_OUT_B2"),
    ]
    assert {event.phone_number_id for event in events[:3]} == {"209912345678902"}
    assert [event.time_ms for event in events] == [1_790_000_000_000, 1_790_000_001_000, 1_790_000_002_000, 1_790_000_003_000]
    assert (events[2].pricing_type, events[2].pricing_category, events[2].pricing_billable) == ("free_customer_service", "utility", False)


def test_an_advertisement_is_told() -> None:
    event = only(body("in_ctwa_referral"))
    assert (event.type, event.kind, event.referral_source) == ("message.received", "text", "ad")


def test_a_hidden_phone_leaves_the_business_scoped_id_and_the_country() -> None:
    for name in ("in_text_bsuid_only_no_phone", "st_delivered_bsuid_only"):
        event = only(body(name))
        assert (event.user, event.user_country, event.participant) == ("ES.70000000000000000002", "ES", None)


def test_a_phone_that_only_the_contact_tells_is_the_user() -> None:
    value = {
        "contacts": [{"wa_id": "34600000000", "user_id": "ES.7"}, {"wa_id": "33612340001", "user_id": "FR.7"}],
        "messages": [{"id": "wamid.2", "from_user_id": "FR.7", "timestamp": "1790000000", "type": "text"}],
    }
    assert only(of_value(value)).user == "+33612340001"


def test_an_edit_is_told_from_a_new_message() -> None:
    assert only(body("in_unsupported")).edited
    assert only(message(type="edit")).edited
    assert not only(message(type="unsupported", unsupported={"type": "poll"})).edited


def test_a_members_message_belongs_to_the_group() -> None:
    event = only(message(group_id="GROUPID0001"))
    assert (event.user, event.participant) == ("group:GROUPID0001", "+33612340001")


def test_each_member_a_group_message_reached_is_an_event() -> None:
    events = read(body("st_group_aggregated_three_recipients"))
    assert {event.user for event in events} == {"group:GROUPID0001"}
    assert [event.participant for event in events] == ["+33612340001", "+5511999990000", "+14155550100"]
    assert len({event.id for event in events}) == 3


@pytest.mark.parametrize("name", ["st_sent_without_pricing_v24", "st_sent_free_entry_point_with_expiry", "st_cbp_before_2025-07"])
def test_a_sent_is_read_though_meta_names_no_category(name: str) -> None:
    event = only(body(name))
    assert (event.type, event.category) == ("message.sent", None)


def test_the_end_of_a_free_entry_point_is_read_from_the_sent() -> None:
    assert only(body("st_sent_free_entry_point_with_expiry")).free_entry_point_expires_at_ms == 1_790_259_210_000


def test_the_end_of_any_other_conversation_is_no_free_entry_point() -> None:
    assert only(body("st_cbp_before_2025-07")).free_entry_point_expires_at_ms is None
    delivered = status(conversation={"expiration_timestamp": "1790259210"}, pricing={"type": "free_entry_point"})
    assert only(delivered).free_entry_point_expires_at_ms is None


def test_a_failure_keeps_its_code() -> None:
    event = only(body("st_failed_131047_outside_window"))
    assert (event.type, event.error_code) == ("message.failed", 131047)


def test_what_tells_of_no_messages_fate_is_left_out() -> None:
    assert read(body("account_update_volume_tier")) == []
    assert read(body("in_system_user_changed_user_id")) == []
    assert read(status(status="played")) == []
    assert read(of_value({"calls": [{"id": "wacid.1", "event": "connect"}]}, field="calls")) == []


def test_the_same_content_is_the_same_event_and_other_content_another() -> None:
    first, again = (list(events_of(raw(status(biz_opaque_callback_data=note)))) for note in ("campaign=7", "campaign=8"))
    assert first == again
    assert only(status()).id != only(status(status="read")).id
    assert only(status()).id != only(status(pricing={"type": "regular"})).id


@pytest.mark.parametrize(
    ("webhook", "reason"),
    [
        pytest.param(status(status="teleported"), "unknown_type", id="a status nobody knows"),
        pytest.param(status(status=7), "invalid_field", id="a status that is a number"),
        pytest.param(status(status=None), "invalid_field", id="no status"),
        pytest.param(status(id=None), "invalid_field", id="no message id"),
        pytest.param(status(recipient_id=None), "invalid_field", id="no recipient"),
        pytest.param(status(recipient_id=""), "invalid_field", id="an empty recipient"),
        pytest.param(status(recipient_type="group", recipient_id="G1"), "invalid_field", id="a group status without the member"),
        pytest.param(status(timestamp="soon"), "invalid_field", id="a timestamp that is none"),
        pytest.param(status(timestamp=None), "invalid_field", id="no timestamp"),
        pytest.param(status(timestamp="1"), "time_out_of_range", id="a timestamp in 1970"),
        pytest.param(status(timestamp="99999999999"), "time_out_of_range", id="a timestamp far ahead"),
        pytest.param(status(pricing="regular"), "invalid_field", id="pricing that is no object"),
        pytest.param(message(type=7), "invalid_field", id="a kind that is a number"),
    ],
)
def test_what_meta_says_wrong_reaches_the_decoder_and_is_rejected_there(webhook: Any, reason: str) -> None:
    (record,) = events_of(raw(webhook))
    assert isinstance(record, bytes)
    rejection = decode_event(record)
    assert isinstance(rejection, Rejection)
    assert rejection.reason == reason


@pytest.mark.parametrize(
    ("webhook", "detail"),
    [
        pytest.param([], "object: must be whatsapp_business_account", id="a list"),
        pytest.param({"object": "page"}, "object: must be whatsapp_business_account", id="another product's webhook"),
        pytest.param({"object": "whatsapp_business_account"}, "entry: must be a list", id="no entries"),
        pytest.param({"object": "whatsapp_business_account", "entry": [5]}, "entry[0]: must be an object", id="an entry that is none"),
        pytest.param(
            {"object": "whatsapp_business_account", "entry": [{"changes": {}}]},
            "entry[0].changes: must be a list",
            id="changes that are no list",
        ),
        pytest.param(
            {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages"}]}]},
            "entry[0].changes[0].value: must be an object",
            id="a change without value",
        ),
        pytest.param(of_value({"statuses": {}}), "entry[0].changes[0].value.statuses: must be a list", id="statuses that are no list"),
        pytest.param(
            of_value({"messages": [None]}), "entry[0].changes[0].value.messages[0]: must be an object", id="a message that is null"
        ),
    ],
)
def test_a_broken_body_is_rejected_where_it_breaks(webhook: Any, detail: str) -> None:
    assert list(events_of(raw(webhook))) == [("invalid_field", detail)]


def test_a_broken_part_does_not_hide_the_others() -> None:
    webhook = status()
    webhook["entry"][0]["changes"][0]["value"]["statuses"].insert(0, "broken")
    webhook["entry"].append(7)
    kinds = [type(part) for part in events_of(raw(webhook))]
    assert kinds == [Rejection, bytes, Rejection]


def test_a_body_of_metas_size_is_read_and_one_beyond_all_limits_is_not() -> None:
    big = {"text": {"body": "x" * (3 * 1024 * 1024)}}
    assert len(read(message(**big))) == 1
    (rejection,) = events_of(b" " * (MAX_WEBHOOK_BYTES + 1))
    assert isinstance(rejection, Rejection)
    assert rejection.reason == "too_large"
