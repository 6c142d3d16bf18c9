"""Commands on the meter: what they change, how often, and what they leave alone."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from rating import keys
from rating.commands import TOPIC
from rating.records import decode_ledger
from rating.stage import Record
from tests.rating.taxi import PHONE, Taxi, ms

GROUP = "group:120363027326"
MEMBERS = ("+33611111111", "+33622222222", "+33633333333")


def sides(taxi: Taxi) -> dict[str, int]:
    found = decode_ledger(taxi.state.get(keys.LEDGER_KEY) or b"").deliveries
    return {side: count for side, count in found.items() if count}


def utility(taxi: Taxi, message_id: str, time: str = "2026-01-05T09:00:00.000Z", **fields: Any) -> None:
    taxi.event("sent", time, message_id, category="utility", **fields)
    taxi.event("delivered", time, message_id, **fields)


def group_message(taxi: Taxi, message_id: str, *members: str) -> None:
    taxi.event("sent", "2026-01-05T09:00:00.000Z", message_id, category="marketing", user=GROUP)
    for member in members:
        taxi.event("delivered", "2026-01-05T09:00:00.000Z", message_id, user=GROUP, participant=member)


class Unrated(Taxi):
    """Two deliveries without a price, each for its own reason, and one that has a price."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.event("sent", "2026-01-05T09:00:00.000Z", "odd", category="newsletter")
        self.event("delivered", "2026-01-05T09:00:00.000Z", "odd")
        self.event("sent", "2026-01-05T09:00:00.000Z", "nowhere", category="utility", user="XX.123")
        self.event("delivered", "2026-01-05T09:00:00.000Z", "nowhere", user="XX.123")
        utility(self, "priced")
        assert self.unrated() == {"odd": "unknown_category", "nowhere": "no_market"}


def test_redriving_what_still_lacks_something_publishes_nothing() -> None:
    taxi = Unrated()
    before = len(taxi.outputs)
    taxi.command("redrive", "r-1")
    assert taxi.outputs[before:] == []
    assert taxi.unrated() == {"odd": "unknown_category", "nowhere": "no_market"}


def test_redriving_a_priced_delivery_does_nothing() -> None:
    taxi = Taxi()
    utility(taxi, "priced")
    (line,) = taxi.lines()
    taxi.command("redrive", "r-1")
    taxi.command("redrive", "r-2", delivery_ids=[line["delivery_id"]])
    assert taxi.lines() == [line]


def test_what_is_mended_by_itself_is_no_longer_redriven() -> None:
    taxi = Unrated()
    taxi.event("sent", "2026-01-05T08:00:00.000Z", "odd", category="marketing")
    assert taxi.net()["odd"]["category"] == "marketing"
    before = len(taxi.outputs)
    taxi.command("redrive", "r-1")
    assert taxi.outputs[before:] == []


def test_void_reverses_the_line_once_and_names_the_command() -> None:
    taxi = Taxi()
    utility(taxi, "test")
    taxi.command("void", "v-1", message_ids=["test"], reason="load test")
    charge, reversal = taxi.lines()
    assert (reversal["kind"], reversal["reverses"]) == ("reversal", charge["line_id"])
    assert reversal["cause"] == {"type": "void", "id": "v-1", "reason": "load test"}
    assert "cause" not in charge
    assert {name: charge[name] for name in ("cost", "amount", "card")} == {name: reversal[name] for name in ("cost", "amount", "card")}
    assert taxi.published("usage.totals")[-1]["messages"] == 0
    assert sides(taxi) == {"voided": 1}
    for again in ("v-1", "v-2"):
        taxi.command("void", again, message_ids=["test"], reason="once more")
    assert len(taxi.lines()) == 2


@pytest.mark.parametrize("late", ["delivered", "sent", "read"])
def test_what_is_heard_of_a_void_message_later_brings_nothing(late: str) -> None:
    taxi = Taxi()
    utility(taxi, "test", "2026-01-05T09:00:00.000Z")
    taxi.command("void", "v-1", message_ids=["test"], reason="test")
    taxi.event(late, "2026-01-05T07:00:00.000Z", "test", category="marketing")
    taxi.event("received", "2026-01-05T06:00:00.000Z", "hello")
    assert [line["kind"] for line in taxi.lines()] == ["charge", "reversal"]


def test_a_void_may_come_before_anything_of_its_message() -> None:
    taxi = Taxi()
    taxi.command("void", "v-1", message_ids=["test"], reason="test")
    utility(taxi, "test")
    utility(taxi, "real")
    assert list(taxi.net()) == ["real"]
    assert [line["message_id"] for line in taxi.lines()] == ["real"]
    assert sides(taxi) == {"voided": 1, "charged": 1}


def test_a_void_mends_what_was_unrated_and_ends_what_waited() -> None:
    taxi = Unrated()
    taxi.event("delivered", "2026-01-05T09:00:00.000Z", "waits")
    assert sides(taxi)["pending"] == 1
    taxi.command("void", "v-1", message_ids=["odd", "waits"], reason="test")
    assert taxi.unrated() == {"nowhere": "no_market"}
    taxi.tick(0, end_of_input=True)
    assert sides(taxi) == {"unrated": 1, "charged": 1, "voided": 2}


def test_voiding_a_group_message_voids_every_members_copy_even_one_that_comes_later() -> None:
    taxi = Taxi()
    group_message(taxi, "news", *MEMBERS[:2])
    taxi.command("void", "v-1", message_ids=["news"], reason="test")
    taxi.event("delivered", "2026-01-05T09:00:00.000Z", "news", user=GROUP, participant=MEMBERS[2])
    assert taxi.net() == {}
    assert sides(taxi) == {"voided": 3}


def test_voiding_one_members_copy_leaves_the_others() -> None:
    taxi = Taxi()
    group_message(taxi, "news", *MEMBERS)
    taxi.command("void", "v-1", message_ids=["news"], participant=MEMBERS[0], reason="test")
    assert sides(taxi) == {"voided": 1, "charged": 2}


def test_a_void_service_message_gives_its_place_back() -> None:
    taxi = Taxi(allowance=1)
    for number, message in enumerate(("first", "second")):
        at = f"2026-10-05T09:0{number}:00.000Z"
        taxi.event("sent", at, message, category="service")
        taxi.event("delivered", at, message)
    assert taxi.net()["second"]["reason"] == "allowance_used"
    taxi.command("void", "v-1", message_ids=["first"], reason="test")
    assert {message: line["reason"] for message, line in taxi.net().items()} == {"second": "allowance"}
    assert [line.get("cause") for line in taxi.lines() if line["message_id"] == "second"] == [None, None, None]


def test_a_big_command_goes_on_from_step_to_step() -> None:
    taxi = Taxi(redecisions_per_step=2)
    messages = [f"m{number}" for number in range(7)]
    for message in messages:
        utility(taxi, message)
    assert taxi.command("void", "v-1", message_ids=messages, reason="test").unfinished
    assert sides(taxi) == {"voided": 2, "charged": 5}
    assert taxi.finish() == 3
    assert sides(taxi) == {"voided": 7}
    assert [line["message_id"] for line in taxi.lines() if line["kind"] == "reversal"] == messages


def test_commands_are_carried_out_in_the_order_of_their_log() -> None:
    taxi = Taxi(redecisions_per_step=1)
    for message in ("a", "b"):
        utility(taxi, message)
    for number, message in enumerate("ba"):
        command = {"type": "void", "id": f"v-{number}", "phone_number_id": PHONE, "message_ids": [message], "reason": "test"}
        taxi.step(Record(TOPIC, 0, number, PHONE.encode(), orjson.dumps(command), None))
    taxi.finish()
    assert [line["message_id"] for line in taxi.lines() if line["kind"] == "reversal"] == ["b", "a"]


@pytest.mark.parametrize(
    ("fields", "reason", "detail"),
    [
        ({"type": "refund"}, "unknown_type", "type: is none of redrive, reprice, void, activate_catalog"),
        ({"type": None}, "invalid_field", "type: is missing"),
        ({"v": 2}, "unsupported_version", "v: only version 1 of this record can be read"),
        ({"type": "void"}, "invalid_field", "message_ids: is missing; reason: is missing"),
        ({"type": "void", "message_ids": [], "reason": "x"}, "invalid_field", "message_ids: must not be empty"),
        ({"type": "void", "message_ids": ["m"] * 1001, "reason": "x"}, "invalid_field", "message_ids: names too many at once"),
        ({"reason": "no_money"}, "invalid_field", "reason: is none of the words that the contract has for it"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_command_is_rejected_with_its_coordinates(fields: dict[str, Any], reason: str, detail: str) -> None:
    taxi = Taxi()
    taxi.command("redrive", "r-1", **fields)
    (rejected,) = [output for output in taxi.outputs if output.topic == "usage.rejected"]
    headers = dict(rejected.headers)
    assert (headers["topic"], headers["reason"], headers["detail"]) == (b"rating.commands", reason.encode(), detail.encode())
    assert decode_ledger(taxi.state.get(keys.LEDGER_KEY) or b"").events == {}


def test_a_command_under_another_key_is_rejected_since_its_phone_number_lies_elsewhere() -> None:
    taxi = Taxi()
    utility(taxi, "test")
    command = {"type": "void", "id": "v", "phone_number_id": PHONE, "message_ids": ["test"], "reason": "test"}
    taxi.step(Record(TOPIC, 0, 0, b"another", orjson.dumps(command), None))
    assert len(taxi.lines()) == 1
    (rejected,) = [output for output in taxi.outputs if output.topic == "usage.rejected"]
    assert b"must be the record's key" in dict(rejected.headers)["detail"]


def test_a_command_of_one_phone_number_leaves_the_others_alone() -> None:
    taxi = Taxi()
    utility(taxi, "test", phone_number_id="7")
    taxi.command("void", "v-1", message_ids=["test"], reason="test")
    assert sides(taxi) == {"charged": 1}


def test_what_is_forgotten_is_no_longer_voided_or_repriced_and_what_is_unrated_is_redriven_however_old() -> None:
    taxi = Taxi(horizon_days=35)
    utility(taxi, "old", "2026-01-05T09:00:00.000Z", appended_at_ms=ms("2026-01-05T09:00:00.000Z"))
    taxi.event("sent", "2026-01-05T09:00:00.000Z", "odd", category="newsletter", appended_at_ms=ms("2026-01-05T09:00:00.000Z"))
    taxi.event("delivered", "2026-01-05T09:00:00.000Z", "odd", appended_at_ms=ms("2026-01-05T09:00:00.000Z"))
    taxi.command("void", "v-1", message_ids=["old"], reason="test")
    assert sides(taxi) == {"voided": 1, "unrated": 1}
    utility(taxi, "new", "2026-03-05T09:00:00.000Z", user="+33600000000", appended_at_ms=ms("2026-03-05T09:00:00.000Z"))
    taxi.finish()
    ledger = decode_ledger(taxi.state.get(keys.LEDGER_KEY) or b"")
    assert ledger.forgotten == {"charged": 0, "free": 0, "voided": 1}
    before = len(taxi.lines())
    taxi.command("void", "v-2", message_ids=["old"], reason="test")
    assert len(taxi.lines()) == before
    taxi.command("redrive", "r-1", reason="unknown_category")
    assert taxi.unrated() == {"odd": "unknown_category"}


def test_a_phone_numbers_conversations_are_listed_while_they_have_a_delivery() -> None:
    taxi = Taxi(horizon_days=35)
    bucket = keys.of_owner(keys.CONVERSATIONS, PHONE)
    for number, day in enumerate(("2026-01-05", "2026-01-06", "2026-03-20")):
        at = f"{day}T09:00:00.000Z"
        utility(taxi, f"m{number}", at, user=f"+3360000000{number}", appended_at_ms=ms(at))
        taxi.finish()
    assert len(list(taxi.state.range(bucket))) == 1
