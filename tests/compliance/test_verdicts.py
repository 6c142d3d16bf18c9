"""When a verdict is said, and when it is withdrawn: billing.md §5, last paragraph, sentence by sentence and at its boundaries."""

from __future__ import annotations

import orjson
import pytest

from rating import keys
from rating.licences import TOPIC as LICENCES
from rating.meter import ACCOUNTS, MESSAGES
from rating.records import decode_leaf
from rating.stage import Record
from tests.compliance.beat import BOUGHT, DAY_MS, HOUR_MS, NINE, NINE_MS, OUTSIDE, UNLICENSED, Beat, at, judged, licence, told
from tests.rating.taxi import ACCOUNT, PHONE

# When it is said


def test_a_message_can_be_against_both_rules() -> None:
    assert judged(BOUGHT, category="service") == [UNLICENSED, OUTSIDE]


def test_a_record_says_what_the_contract_says() -> None:
    beat = Beat()
    beat.tell(BOUGHT)
    beat.sends("m", by="ann")
    beat.event("delivered", NINE, "m")
    beat.tick(0, end_of_input=True)
    (record,) = beat.published("usage.compliance")
    assert record.pop("delivery_id") == beat.lines()[0]["delivery_id"]
    assert record == {
        "v": 1,
        "kind": "unlicensed_sender",
        "account_id": ACCOUNT,
        "phone_number_id": PHONE,
        "message_id": "m",
        "sender_id": "ann",
        "time": NINE,
    }
    (output,) = [output for output in beat.outputs if output.topic == "usage.compliance"]
    assert output.key == ACCOUNT.encode()


def test_both_are_rated_like_any_other() -> None:
    beat, other = Beat(), Beat()
    beat.tell(BOUGHT)
    for each, by in ((beat, "ann"), (other, None)):
        each.sends("m", by=by, category="service")
        each.event("delivered", NINE, "m")
        each.tick(0, end_of_input=True)
    assert (beat.said, other.said) == ([UNLICENSED, OUTSIDE], [OUTSIDE])
    assert [line["outcome"] for line in beat.lines()] == ["free"]
    assert beat.lines() == other.lines()


def test_where_message_ids_are_hashed_they_are_hashed_here_too() -> None:
    beat = Beat(hash_message_ids=True)
    beat.sends("m", category="service")
    beat.event("delivered", NINE, "m")
    beat.tick(0, end_of_input=True)
    (record,) = beat.published("usage.compliance")
    assert record["message_id"] == beat.lines()[0]["message_id"] != "m"


@pytest.mark.parametrize(
    ("clock_ms", "is_said"),
    [
        pytest.param(HOUR_MS - 1, False, id="one millisecond before the hour"),
        pytest.param(HOUR_MS, True, id="at the hour"),
        pytest.param(HOUR_MS + 1, True, id="one millisecond after the hour"),
    ],
)
@pytest.mark.parametrize("comes_first", ["the message", "the clock"])
def test_a_message_is_judged_when_its_phone_numbers_clock_is_an_hour_past_it(comes_first: str, clock_ms: int, is_said: bool) -> None:
    beat = Beat()
    if comes_first == "the clock":
        beat.clock(clock_ms)
    beat.sends("m", category="service")
    if comes_first == "the message":
        assert beat.said == []
        beat.clock(clock_ms)
    assert beat.said == ([OUTSIDE] if is_said else [])


@pytest.mark.parametrize(
    ("tick_ms", "is_said"),
    [
        pytest.param(HOUR_MS - 1, False, id="one millisecond before"),
        pytest.param(HOUR_MS, True, id="an hour of append time after it began to wait"),
    ],
)
def test_where_the_phone_number_falls_silent_append_time_ends_the_wait(tick_ms: int, is_said: bool) -> None:
    beat = Beat()
    beat.sends("m", category="service")
    beat.tick(NINE_MS + tick_ms)
    assert beat.said == ([OUTSIDE] if is_said else [])
    beat.clock(2 * HOUR_MS)
    assert beat.said == [OUTSIDE]


def test_what_is_in_order_again_within_the_hour_is_never_told() -> None:
    beat = Beat()
    beat.tell(BOUGHT)
    beat.sends("m", by="ann", category="service")
    beat.hears("in", -1)
    beat.tell(told("ann", licence(0)))
    beat.clock(2 * HOUR_MS)
    beat.tick(0, end_of_input=True)
    assert beat.said == []


# A verdict that changes


def test_a_late_window_withdraws_and_one_that_is_taken_back_publishes_again() -> None:
    beat = Beat()
    beat.sends("m", category="service")
    beat.clock(2 * HOUR_MS)
    beat.hears("in", -1)
    assert beat.said == [OUTSIDE, f"{OUTSIDE} withdrawn"]
    beat.hears("in", -2, edited=True)
    assert beat.said == [OUTSIDE, f"{OUTSIDE} withdrawn", OUTSIDE]


def test_a_late_licence_withdraws_and_one_that_is_taken_back_publishes_again() -> None:
    beat = Beat()
    beat.tell(BOUGHT)
    beat.sends("m", by="ann")
    beat.clock(2 * HOUR_MS)
    beat.tell(told("ann", licence(0)))
    beat.tell(told("ann", licence(1)))
    beat.tell(told("ann", licence(-1, 1)))
    beat.forget("ann")
    assert beat.said == [UNLICENSED, f"{UNLICENSED} withdrawn"] * 2 + [UNLICENSED]


def test_a_late_purchase_judges_what_its_users_sent() -> None:
    beat = Beat()
    for number, by in enumerate(["ann", "bob", "cid"]):
        beat.sends(f"m{number}", number, by=by)
    beat.clock(2 * HOUR_MS)
    beat.tell(told("bob", licence(1)))
    assert sorted(beat.said) == ["m2 unlicensed_sender"]
    beat.tell(BOUGHT)
    assert sorted(beat.said) == ["m0 unlicensed_sender", "m2 unlicensed_sender"]
    beat.forget(None)
    assert sorted(beat.said) == ["m0 unlicensed_sender", "m0 unlicensed_sender withdrawn", "m2 unlicensed_sender"]


def test_an_earlier_copy_of_the_sent_is_judged_in_its_place() -> None:
    beat = Beat()
    beat.tell(BOUGHT)
    beat.tell(told("ann", licence(0)))
    beat.sends("m", 0, by="bob")
    beat.clock(2 * HOUR_MS)
    beat.sends("m", -1, by="ann")
    records = beat.published("usage.compliance")
    assert [(each["sender_id"], each["time"], each.get("withdrawn")) for each in records] == [
        ("bob", at(0), None),
        ("bob", at(0), True),
        ("ann", at(-1), None),
    ]
    beat.sends("m", -2)
    assert [each.get("withdrawn") for each in beat.published("usage.compliance")] == [None, True, None, True]


def test_a_sent_that_moves_to_another_conversation_is_judged_by_its_windows() -> None:
    beat = Beat()
    beat.hears("in", -HOUR_MS, user="+4915112345678")
    beat.sends("m", 0, category="service")
    beat.clock(2 * HOUR_MS)
    beat.sends("m", -1, category="service", user="+4915112345678")
    assert beat.said == [OUTSIDE, f"{OUTSIDE} withdrawn"]
    beat.hears("late", -HOUR_MS)
    assert len(beat.said) == 2


def test_a_repeated_record_says_nothing_again() -> None:
    beat = Beat()
    for _ in range(2):
        beat.tell(BOUGHT)
        beat.sends("m", by="ann", category="service")
        beat.clock(2 * HOUR_MS)
    assert beat.said == [UNLICENSED, OUTSIDE]


# What is known of the past


@pytest.mark.parametrize(
    ("after_ms", "is_told"),
    [
        pytest.param(-1, False, id="one millisecond before it"),
        pytest.param(0, True, id="from then on"),
    ],
)
def test_nobody_is_blamed_for_a_time_of_which_nothing_is_known(after_ms: int, is_told: bool) -> None:
    assert judged(BOUGHT, told("ann", licence(HOUR_MS), since=NINE), after_ms=after_ms) == ([UNLICENSED] if is_told else [])


def test_what_a_record_no_longer_tells_is_believed_as_it_was_told_before() -> None:
    beat = Beat()
    beat.tell(BOUGHT)
    beat.tell(told("ann", licence(-DAY_MS, -HOUR_MS), licence(DAY_MS)))
    beat.sends("licensed then", -2 * HOUR_MS, by="ann")
    beat.sends("not licensed then", -2 * DAY_MS, by="ann")
    beat.clock(2 * HOUR_MS)
    beat.tell(told("ann", licence(DAY_MS), since=at(-HOUR_MS)))
    beat.tick(0, end_of_input=True)
    assert beat.said == ["not licensed then unlicensed_sender"]


# Work that does not fit one step


def test_a_late_licence_judges_as_many_messages_a_step_as_it_may_and_the_rest_by_a_persisted_cursor() -> None:
    beat = Beat(redecisions_per_step=10)
    beat.tell(BOUGHT)
    for number in range(25):
        beat.sends(f"m{number}", number, by="ann")
    beat.clock(2 * HOUR_MS)
    while beat.step().unfinished:
        pass
    assert len(beat.said) == 25
    beat.outputs.clear()
    beat.tell(told("ann", licence(5)))
    assert len(beat.said) == 10
    beat.sends("m24", 4, by="ann")  # meanwhile: it moves before the licence
    assert beat.step().unfinished or len(beat.said) > 10
    while beat.step().unfinished:
        pass
    left = {said.removesuffix(" withdrawn") for said in beat.said if said.endswith("withdrawn")}
    assert left == {f"m{number} unlicensed_sender" for number in range(5, 25)}
    assert [said for said in beat.said if not said.endswith("withdrawn")] == ["m24 unlicensed_sender"]


# Records that are none


@pytest.mark.parametrize(
    ("record", "detail"),
    [
        pytest.param(b"[]", "the record must be a JSON object", id="no object"),
        pytest.param(orjson.dumps({"account_id": "a"}), "licences: is missing", id="no licences"),
        pytest.param(
            orjson.dumps({"account_id": "", "licences": [{"addon": "w", "consumption": 1, "whatsapp_accounts": ["x"], "from": "today"}]}),
            "account_id: must not be empty; licences.0.consumption: must be true or false; licences.0.from: must be an RFC 3339 instant "
            "with an offset, such as 2026-01-05T09:00:00.000Z, and no leap second",
            id="every problem at once",
        ),
        pytest.param(
            orjson.dumps({"v": 2, "account_id": "a", "licences": []}), "v: only version 1 of this record can be read", id="version"
        ),
    ],
)
def test_a_record_that_cannot_be_read_is_rejected_and_nothing_else_happens(record: bytes, detail: str) -> None:
    beat = Beat()
    effects = beat.step(Record(LICENCES, 3, 7, b"a:", record, NINE_MS))
    (output,) = effects.outputs
    headers = dict(output.headers)
    assert (output.topic, output.value, output.only_in) == ("usage.rejected", record, 3)
    assert (headers["detail"].decode(), headers["topic"], headers["offset"]) == (detail, b"billing.licences", b"7")
    beat.sends("m", by="ann")
    beat.tick(0, end_of_input=True)
    assert beat.said == []


def test_a_tombstone_of_what_was_never_told_changes_nothing() -> None:
    beat = Beat()
    beat.forget("nobody")
    assert beat.step(Record(LICENCES, 0, 1, None, None, None)).outputs == []


def test_the_meter_names_its_topics() -> None:
    meter = Beat().meter
    assert meter.inputs[0] == MESSAGES
    assert {ACCOUNTS, LICENCES} <= set(meter.broadcast)
    assert "usage.compliance" in meter.outputs


def test_what_is_forgotten_leaves_nothing_behind_and_what_was_said_stays() -> None:
    beat = Beat(horizon_days=35)
    beat.tell(BOUGHT)
    beat.sends("never delivered", by="ann", category="service")
    beat.sends("m", by="ann", category="service")
    beat.event("delivered", NINE, "m", appended_at_ms=NINE_MS)
    beat.clock(2 * HOUR_MS)
    said = len(beat.said)
    beat.sends("waits", 2 * HOUR_MS, by="bob", category="service")
    beat.clock(45 * DAY_MS)
    while beat.step().unfinished:
        pass
    beat.tell(told("ann", licence(0)))
    assert (said, len(beat.said)) == (4, 6)
    kinds = {key[:1] for key, _ in beat.state.items()}
    assert not kinds & {keys.SENDERS, keys.NOTICE, keys.NOTICE_BY_APPEND, keys.DELIVERY}
    left = {entry[:1] for key, value in beat.state.items() if key[:1] == keys.CONVERSATION for entry in decode_leaf(value).keys}
    assert left == {keys.OPENS_WINDOW, keys.CHAIN_START}, "those of the message that moved the clock"
