"""Forgetting: what is too late, what leaves, what stays, and whose clock says so."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest

from rating import keys
from rating.forgetting import FORGOTTEN_PER_STEP
from rating.ids import digest
from rating.meter import Meter
from rating.records import Ledger, decode_delivery, decode_ledger
from rating.stage import Record, Tick
from schemas.instants import format_instant
from streams.state.store import Store
from tests.rating.taxi import ACCOUNT, CATALOG, HOUR_MS, PHONE, PROFILE, Taxi, ms

DAY_MS = 24 * HOUR_MS
HORIZON_MS = 35 * DAY_MS
START = ms("2026-05-05T09:00:00Z")
OTHER = "20000000000002"


def taxi(**settings: Any) -> Taxi:
    return Taxi(horizon_days=35, **settings)


def tell(meter: Taxi, status: str, at_ms: int, message_id: str, *, appended_at_ms: int | None = None, **fields: Any) -> None:
    """An event that the log appended when it happened, unless told otherwise."""
    meter.event(status, at_ms, message_id, appended_at_ms=at_ms if appended_at_ms is None else appended_at_ms, **fields)


def deliver(meter: Taxi, at_ms: int, message_id: str, category: str = "marketing", **fields: Any) -> None:
    tell(meter, "sent", at_ms, message_id, category=category, **fields)
    tell(meter, "delivered", at_ms + 1000, message_id, **fields)


def move_clock(meter: Taxi, to_ms: int, **fields: Any) -> None:
    """Nothing but time passes: the user reacts to something."""
    tell(meter, "received", to_ms, f"clock {to_ms}", kind="reaction", **fields)


def rejected(meter: Taxi) -> list[dict[str, str]]:
    records = [output for output in meter.outputs if output.topic == "usage.rejected"]
    return [{name: value.decode() for name, value in record.headers} for record in records]


def ledger(meter: Taxi) -> Ledger:
    return decode_ledger(meter.state.get(keys.LEDGER_KEY) or b"")


def deliveries(meter: Taxi) -> set[str]:
    return {decode_delivery(value).message_id for key, value in meter.state.items() if key.startswith(keys.DELIVERY)}


def of_number(meter: Taxi, phone_number_id: str) -> dict[bytes, bytes]:
    """The records of a phone number that lie under its name."""
    return {key: value for key, value in meter.state.items() if key[1:17] == digest(phone_number_id)}


# What is too late


@pytest.mark.parametrize(
    ("behind_ms", "reasons"),
    [
        pytest.param(HORIZON_MS, [], id="exactly 35 days older than the newest event: in time"),
        pytest.param(HORIZON_MS + 1, ["too_late"], id="a millisecond more: too late"),
    ],
)
def test_an_event_is_too_late_by_its_phone_numbers_clock(behind_ms: int, reasons: list[str]) -> None:
    meter = taxi()
    move_clock(meter, START)
    tell(meter, "delivered", START - behind_ms, "late", category="marketing", appended_at_ms=START)
    assert [record["reason"] for record in rejected(meter)] == reasons
    assert len(meter.lines()) == 1 - len(reasons)
    assert ledger(meter).events.get("rejected", 0) == len(reasons)


def test_what_is_too_late_is_kept_byte_for_byte_with_its_place_and_the_way_to_correct_it() -> None:
    meter = taxi()
    move_clock(meter, START)
    tell(meter, "sent", START - HORIZON_MS - DAY_MS, "late", category="marketing", appended_at_ms=START)
    output = meter.outputs[-1]
    (record,) = rejected(meter)
    assert b'"message_id":"late"' in (output.value or b"")
    assert (record["topic"], record["partition"], record["rejected_at"]) == ("whatsapp.messages", "0", format_instant(START))
    assert "35 days" in record["detail"]
    assert "`wameter rate`" in record["detail"]


def test_an_event_dated_to_2099_makes_nothing_of_its_own_number_too_late() -> None:
    meter = taxi()
    deliver(meter, START, "before")
    tell(meter, "delivered", ms("2099-01-01T00:00:00Z"), "2099", category="marketing", appended_at_ms=START)
    deliver(meter, START + HOUR_MS, "after")
    assert rejected(meter) == []
    assert {"before", "after"} <= deliveries(meter)


def test_one_numbers_backfill_and_anothers_future_leave_each_other_alone() -> None:
    meter = taxi()
    old = START - 100 * DAY_MS
    deliver(meter, START, "now")
    before = of_number(meter, PHONE)
    for day in range(60):
        at = old + day * DAY_MS
        deliver(meter, at, f"backfill {day}", phone_number_id=OTHER, appended_at_ms=START)
    tell(meter, "delivered", ms("2099-01-01T00:00:00Z"), "2099", category="marketing", phone_number_id=OTHER, appended_at_ms=START)
    assert rejected(meter) == []
    assert of_number(meter, PHONE) == before
    assert "now" in deliveries(meter)
    assert len(meter.net()) == 62


def test_offline_nothing_is_ever_too_late() -> None:
    meter = Taxi()
    meter.event("delivered", START, "new", category="marketing")
    meter.event("delivered", START, "as old", category="marketing")
    meter.event("delivered", START - 3 * HORIZON_MS, "old", category="marketing")
    assert {line["message_id"] for line in meter.lines()} == {"new", "as old", "old"}


# What leaves, and does not come back


def test_a_delivery_leaves_and_its_line_and_total_stay_as_published() -> None:
    meter = taxi()
    deliver(meter, START, "old")
    totals = meter.published("usage.totals")
    move_clock(meter, START + HORIZON_MS + 4 * DAY_MS)
    assert deliveries(meter) == set()
    assert list(meter.net()) == ["old"]
    assert meter.published("usage.totals") == totals
    assert (ledger(meter).deliveries, ledger(meter).forgotten) == ({"charged": 1}, {"charged": 1, "free": 0})
    assert not [key for key, _ in meter.state.items() if key[:1] in (keys.TOTAL, keys.FIGURES)]


@pytest.mark.parametrize("status", ["sent", "delivered"])
def test_a_duplicate_of_what_is_forgotten_is_too_late_and_no_new_delivery(status: str) -> None:
    meter = taxi()
    deliver(meter, START, "old")
    move_clock(meter, START + HORIZON_MS + 4 * DAY_MS)
    at = START if status == "sent" else START + 1000
    tell(meter, status, at, "old", category="marketing", appended_at_ms=START + HORIZON_MS + 4 * DAY_MS)
    assert [record["reason"] for record in rejected(meter)] == ["too_late"]
    assert len(meter.lines()) == 1


def test_a_read_that_comes_after_its_delivery_was_forgotten_is_not_billed_again() -> None:
    meter = taxi()
    deliver(meter, START, "old")
    read_ms = START + HORIZON_MS + 4 * DAY_MS
    move_clock(meter, read_ms)
    for copy in ("one", "two"):
        tell(meter, "read", read_ms, "old", id=copy, category="marketing", pricing={"type": "regular", "category": "marketing"})
    assert ledger(meter).deliveries == {"charged": 1, "pending": 1}
    move_clock(meter, read_ms + HORIZON_MS + 4 * DAY_MS)
    assert [record["reason"] for record in rejected(meter)] == ["too_late", "too_late"]
    assert "publish its sent event" in rejected(meter)[0]["detail"]
    assert +Counter(ledger(meter).deliveries) == {"charged": 1}
    assert ledger(meter).events["rejected"] == 2
    assert sum(ledger(meter).events.values()) == 6
    assert len(meter.lines()) == 1
    assert deliveries(meter) == set()


def test_a_read_after_35_days_of_a_delivery_that_is_still_there_is_too_late() -> None:
    meter = taxi()
    deliver(meter, START, "old")
    tell(meter, "read", START + HORIZON_MS + HOUR_MS, "clock")
    tell(meter, "read", START + HORIZON_MS + HOUR_MS, "old", pricing={"type": "free_customer_service", "category": "service"})
    assert "old" in deliveries(meter)
    assert [record["reason"] for record in rejected(meter)] == ["too_late"]
    assert len(meter.lines()) == 1


@pytest.mark.parametrize("told", ["sent", "delivered"])
def test_a_read_that_came_before_everything_else_is_billed_when_that_comes(told: str) -> None:
    meter = taxi()
    deliver(meter, START, "old")
    now = START + HORIZON_MS + 4 * DAY_MS
    move_clock(meter, now)
    tell(meter, "read", now, "new", category="marketing")
    assert "new" not in meter.net()
    tell(meter, told, now - HOUR_MS, "new", category="marketing", appended_at_ms=now)
    assert meter.net()["new"]["billed_at"] == format_instant(now if told == "sent" else now - HOUR_MS)
    assert ledger(meter).deliveries == {"charged": 2, "pending": 0}


def test_a_read_alone_is_billed_as_ever_where_nothing_was_forgotten_yet() -> None:
    meter = taxi()
    tell(meter, "read", START, "new", category="marketing")
    assert "new" in meter.net()


# What stays


def test_an_unrated_delivery_stays_and_is_mended_by_what_was_known_around_it() -> None:
    meter = taxi(profiles=())
    tell(meter, "received", START - HOUR_MS, "question")
    deliver(meter, START, "free", category="utility")
    deliver(meter, START + 30 * HOUR_MS, "charged", category="utility")
    for week in range(1, 12):
        move_clock(meter, START + week * 7 * DAY_MS)
    assert deliveries(meter) == {"free", "charged"}
    meter.profile(PROFILE)
    net = meter.net()
    assert (net["free"]["outcome"], net["charged"]["outcome"]) == ("free", "charged")
    assert net["free"]["window"]["opened_by"] == "question"
    move_clock(meter, START + 200 * DAY_MS)
    assert deliveries(meter) == set()


def test_the_total_of_a_day_stays_as_long_as_something_unrated_may_still_come_into_it() -> None:
    meter = taxi()
    deliver(meter, START, "rated", category="utility")
    deliver(meter, START, "unrated", category="utility", account_id="unknown")
    move_clock(meter, START + 2 * HORIZON_MS)
    meter.profile({**PROFILE, "account_id": "unknown"})
    assert {total["account_id"]: total["messages"] for total in meter.published("usage.totals")} == {ACCOUNT: 1, "unknown": 1}
    assert [key for key, _ in meter.state.items() if key[:1] == keys.TOTAL]


def test_a_months_places_stay_while_an_event_of_the_month_may_come() -> None:
    meter = taxi(allowance=2)
    first = ms("2026-10-01T12:00:00Z")
    deliver(meter, first, "a", category="service")
    deliver(meter, first + DAY_MS, "b", category="service")
    late = ms("2026-10-30T12:00:00Z")
    move_clock(meter, first + HORIZON_MS + 5 * DAY_MS)
    assert deliveries(meter) == set()
    tell(meter, "sent", late, "c", category="service")
    tell(meter, "delivered", late, "c")
    assert meter.net()["c"]["reason"] == "allowance_used"
    move_clock(meter, ms("2026-12-08T12:00:00Z"))
    assert not [key for key, _ in meter.state.items() if key[:1] in (keys.MONTH, keys.ALLOWANCE_EDGE)]


def test_a_group_message_stays_as_long_as_a_member_that_has_it() -> None:
    meter = taxi()
    group: Any = {"user": "group:friends"}
    tell(meter, "sent", START, "all", category="marketing", **group)
    tell(meter, "delivered", START + 20 * DAY_MS, "all", participant="+33611111111", **group)
    move_clock(meter, START + 45 * DAY_MS, **group)
    assert Counter(decode_delivery(value).participant for key, value in meter.state.items() if key[:1] == keys.DELIVERY) == {
        "": 1,
        "+33611111111": 1,
    }
    move_clock(meter, START + 60 * DAY_MS, **group)
    assert deliveries(meter) == set()


def test_a_window_that_never_closed_keeps_its_opener_as_evidence_when_the_opener_is_forgotten() -> None:
    meter = taxi()
    for half_day in range(100):
        tell(meter, "received", START + half_day * 12 * HOUR_MS, f"m{half_day:03d}")
    at = START + 50 * DAY_MS
    deliver(meter, at, "free", category="utility")
    assert meter.net()["free"]["window"]["opened_by"] == "m000"
    assert not meter.state.get(keys.inbound(PHONE, "m000", ""))
    assert meter.state.get(keys.inbound(PHONE, "m099", ""))


# How it goes about it


def test_a_phone_number_that_falls_silent_is_forgotten_by_the_logs_time_and_its_past_stays_too_late() -> None:
    meter = taxi()
    deliver(meter, START, "old")
    meter.tick(START + 90 * DAY_MS)
    assert deliveries(meter) == {"old"}  # a host's clock forgets nothing: only what the log says does
    deliver(meter, START + 41 * DAY_MS, "other", phone_number_id=OTHER)
    assert deliveries(meter) == {"other"}
    tell(meter, "delivered", START + 1000, "old", category="marketing", appended_at_ms=START + 41 * DAY_MS)
    assert [record["reason"] for record in rejected(meter)] == ["too_late"]


def test_a_backfill_that_goes_on_is_no_silence() -> None:
    meter = taxi()
    past = START - 120 * DAY_MS
    for day in range(80):
        deliver(meter, past + day * HOUR_MS, f"past {day}", appended_at_ms=START + day * DAY_MS)
    assert len(meter.net()) == 80
    assert rejected(meter) == []


def test_a_step_forgets_a_bounded_part_and_the_next_ones_go_on_also_after_a_restore() -> None:
    meter = taxi()
    many = FORGOTTEN_PER_STEP + 300
    for number in range(many):
        meter.event("delivered", START + number, f"m{number:05d}", category="marketing", user=f"+33{number % 7:09d}", appended_at_ms=START)
    end = START + HORIZON_MS + 4 * DAY_MS
    meter.event("received", end, "clock", kind="reaction", appended_at_ms=end)
    left = len(deliveries(meter))
    assert 300 <= left < many
    copy = Store()
    copy.restore(list(meter.state.items()))
    meter.state = copy
    while meter.step().unfinished:
        assert len(deliveries(meter)) < left
    assert deliveries(meter) == set()
    assert ledger(meter).forgotten == {"charged": many, "free": 0}


def test_whoever_lengthens_the_horizon_gets_back_nothing_that_is_forgotten() -> None:
    meter = taxi()
    deliver(meter, START, "old")
    move_clock(meter, START + HORIZON_MS + 4 * DAY_MS)
    meter.meter = Meter(CATALOG, horizon_days=60)
    tell(meter, "delivered", START + 1000, "old", category="marketing", appended_at_ms=START + HORIZON_MS + 4 * DAY_MS)
    assert [record["reason"] for record in rejected(meter)] == ["too_late"]


def test_with_a_horizon_of_0_nothing_is_forgotten_until_another_is_set() -> None:
    meter = Taxi(horizon_days=0)
    deliver(meter, START, "old")
    move_clock(meter, START + 3 * HORIZON_MS)
    tell(meter, "delivered", START + 1000, "old 2", category="marketing", appended_at_ms=START + 3 * HORIZON_MS)
    assert deliveries(meter) == {"old", "old 2"}
    meter.meter = Meter(CATALOG, horizon_days=35)
    move_clock(meter, START + 3 * HORIZON_MS + HOUR_MS)
    assert deliveries(meter) == set()


def test_state_stops_growing_while_traffic_goes_on() -> None:
    meter = taxi(allowance=20)
    sizes = {}
    first = ms("2026-10-01T00:00:00Z")
    for day in range(130):
        batch: list[Record | Tick] = []
        for number in range(20):
            at = first + day * DAY_MS + number * 70 * 60_000
            user = f"+336{(number * 31 + day) % 97:08d}"
            common = {"phone_number_id": PHONE if number % 2 else OTHER, "user": user}
            batch += _talk(at, f"{day}-{number}", ("service", "utility", "marketing")[number % 3], common)
        meter.step(*batch)
        sizes[day] = (len(meter.state), sum(len(key) + len(value) for key, value in meter.state.items()))
    early, late = ([sizes[day] for day in days] for days in (range(70, 100), range(100, 130)))
    assert max(late)[0] <= max(early)[0] * 1.02
    assert max(size for _, size in late) <= max(size for _, size in early) * 1.02
    assert sum(ledger(meter).forgotten.values()) > 130 * 20 * 0.6


def _talk(at: int, name: str, category: str, common: dict[str, str]) -> list[Record]:
    events = [
        {"type": "message.received", "message_id": f"in {name}", "time": format_instant(at - 60_000)},
        {"type": "message.sent", "message_id": name, "category": category, "time": format_instant(at)},
        {"type": "message.delivered", "message_id": name, "time": format_instant(at + 1000)},
        {"type": "message.read", "message_id": name, "time": format_instant(at + 2000)},
    ]
    whole = [{"id": f"{event['type']} {name}", "account_id": ACCOUNT, **common, **event} for event in events]
    return [Record("whatsapp.messages", 0, 0, PHONE.encode(), orjson.dumps(event), at) for event in whole]
