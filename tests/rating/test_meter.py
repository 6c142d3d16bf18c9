"""The taximeter as a whole: late facts, waits, ranges left for the next step, and what is never lost."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from rating import keys
from rating.records import decode_ledger
from schemas.decode import MAX_EVENT_BYTES
from tests.rating.taxi import ACCOUNT, HOUR_MS, PROFILE, Taxi, ms

NOON = "2026-01-05T12:00:00Z"
LATER = "2026-01-05T12:00:05Z"


def ledger(taxi: Taxi) -> tuple[dict[str, int], dict[str, int]]:
    known = taxi.state.get(keys.LEDGER_KEY)
    assert known is not None
    found = decode_ledger(known)
    return {k: n for k, n in found.events.items() if n}, {k: n for k, n in found.deliveries.items() if n}


def test_a_late_inbound_frees_a_utility_message_already_charged() -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "u", category="utility")
    taxi.event("delivered", LATER, "u")
    taxi.event("received", "2026-01-05T11:00:00Z", "in")
    charge, reversal, replacement = taxi.lines()
    assert (charge["kind"], charge["reason"], charge["amount"]) == ("charge", "outside_window", "0.0300")
    assert (reversal["kind"], reversal["reverses"], reversal["amount"]) == ("reversal", charge["line_id"], "0.0300")
    assert (replacement["outcome"], replacement["reason"], replacement["revision"]) == ("free", "in_window", 2)
    assert replacement["window"] == {
        "opened_by": "in",
        "opened_at": "2026-01-05T11:00:00.000Z",
        "expires_at": "2026-01-06T11:00:00.000Z",
    }


def test_an_inbound_that_turns_out_to_be_a_reaction_takes_the_window_back() -> None:
    taxi = Taxi()
    taxi.event("received", "2026-01-05T11:00:00Z", "in")
    taxi.event("sent", NOON, "u", category="utility")
    taxi.event("delivered", LATER, "u")
    taxi.event("received", "2026-01-05T10:59:00Z", "in", kind="reaction")
    assert taxi.net()["u"]["reason"] == "outside_window"
    assert ledger(taxi) == ({"applied": 2, "superseded": 1, "informational": 1}, {"charged": 1})


def test_read_without_delivered_bills_and_a_later_delivered_with_an_earlier_time_moves_the_instant() -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "m", category="marketing")
    taxi.event("read", "2026-01-05T12:10:00Z", "m")
    taxi.event("delivered", LATER, "m")
    assert [line["kind"] for line in taxi.lines()] == ["charge", "reversal", "charge"]
    assert taxi.net()["m"]["billed_at"] == "2026-01-05T12:00:05.000Z"


def test_a_failed_message_is_never_billed_and_failed_beside_delivered_changes_nothing() -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "lost", category="marketing")
    taxi.event("failed", LATER, "lost", error={"code": 131049})
    taxi.event("sent", NOON, "m", category="marketing")
    taxi.event("delivered", LATER, "m")
    taxi.event("failed", LATER, "m", error={"code": 131049})
    assert list(taxi.net()) == ["m"]
    assert len(taxi.lines()) == 1


def test_a_late_profile_rates_what_waited_for_it() -> None:
    taxi = Taxi(profiles=[])
    taxi.event("sent", NOON, "m", category="marketing")
    taxi.event("delivered", LATER, "m")
    assert taxi.unrated() == {"m": "unknown_account"}
    taxi.profile(PROFILE)
    assert taxi.unrated() == {}
    assert taxi.net()["m"]["amount"] == "0.0859"


def test_a_profile_that_changes_later_changes_no_correction_of_what_was_rated_before() -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "before", category="utility")
    taxi.event("delivered", LATER, "before")
    taxi.profile({**PROFILE, "fee": {"percent": "20"}})
    taxi.event("read", "2026-01-05T12:00:01Z", "before")
    taxi.event("sent", NOON, "after", category="utility")
    taxi.event("delivered", LATER, "after")
    assert taxi.net()["before"]["amount"] == "0.0300"
    assert taxi.net()["after"]["amount"] == "0.0360"


def test_the_currency_of_an_account_with_rated_deliveries_stays() -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "a", category="utility")
    taxi.event("delivered", LATER, "a")
    assert taxi.profile({**PROFILE, "currency": "EUR"}).counts["profile_refused"] == 1
    taxi.event("sent", NOON, "b", category="utility")
    taxi.event("delivered", LATER, "b")
    assert taxi.net()["b"]["currency"] == "USD"


def test_the_version_of_the_local_date_rates_a_delivery() -> None:
    taxi = Taxi(profiles=[PROFILE, {**PROFILE, "effective_from": "2026-01-06", "fee": {"percent": "20"}}])
    taxi.event("sent", NOON, "a", category="utility")
    taxi.event("delivered", "2026-01-05T22:59:59.999Z", "a")
    taxi.event("sent", NOON, "b", category="utility")
    taxi.event("delivered", "2026-01-05T23:00:00Z", "b")
    assert (taxi.net()["a"]["amount"], taxi.net()["b"]["amount"]) == ("0.0300", "0.0360")


class TestWaiting:
    """A delivery without a category waits for its `sent`, an hour of event time at most."""

    def waiting(self) -> Taxi:
        taxi = Taxi()
        taxi.event("delivered", NOON, "w", appended_at_ms=ms(NOON))
        assert (taxi.unrated(), taxi.lines()) == ({}, [])
        assert ledger(taxi)[1] == {"pending": 1}
        return taxi

    def test_its_sent_ends_the_wait(self) -> None:
        taxi = self.waiting()
        taxi.event("sent", NOON, "w", category="utility", appended_at_ms=ms(NOON))
        assert taxi.net()["w"]["amount"] == "0.0300"

    @pytest.mark.parametrize(
        ("clock", "over"),
        [
            pytest.param("2026-01-05T12:59:59.999Z", False, id="a millisecond before the hour"),
            pytest.param("2026-01-05T13:00:00Z", True, id="at the hour"),
        ],
    )
    def test_another_event_of_the_phone_number_an_hour_later_ends_it(self, clock: str, over: bool) -> None:
        taxi = self.waiting()
        taxi.event("received", clock, "in", appended_at_ms=ms(clock))
        assert taxi.unrated() == ({"w": "no_category"} if over else {})

    def test_an_event_dated_into_the_future_moves_no_clock(self) -> None:
        taxi = self.waiting()
        taxi.event("received", "2099-01-01T00:00:00Z", "in", appended_at_ms=ms(LATER))
        assert taxi.unrated() == {}

    @pytest.mark.parametrize(("after_ms", "over"), [(HOUR_MS - 1, False), (HOUR_MS, True)])
    def test_where_the_number_falls_silent_an_hour_of_append_time_ends_it(self, after_ms: int, over: bool) -> None:
        taxi = self.waiting()
        taxi.tick(ms(NOON) + after_ms)
        assert taxi.unrated() == ({"w": "no_category"} if over else {})

    def test_the_end_of_the_input_ends_it_and_a_later_sent_still_mends_it(self) -> None:
        taxi = self.waiting()
        taxi.tick(ms(NOON), end_of_input=True)
        assert taxi.unrated() == {"w": "no_category"}
        taxi.event("sent", NOON, "w", category="utility", appended_at_ms=ms(NOON))
        assert taxi.unrated() == {}
        assert taxi.net()["w"]["amount"] == "0.0300"


def test_a_late_inbound_decides_a_thousand_deliveries_a_step_and_the_rest_by_a_persisted_cursor() -> None:
    taxi = Taxi(redecisions_per_step=10)
    for number in range(25):
        taxi.event("sent", NOON, f"u{number:02}", category="utility")
        taxi.event("delivered", LATER, f"u{number:02}")
    left = taxi.event("received", "2026-01-05T11:00:00Z", "in")
    assert left.unfinished
    assert sum(line["outcome"] == "free" for line in taxi.net().values()) == 10
    assert taxi.step().unfinished
    assert not taxi.step().unfinished
    assert {line["outcome"] for line in taxi.net().values()} == {"free"}


def test_a_group_message_is_one_delivery_per_member_by_the_members_own_countries() -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "g", category="marketing", user="group:team")
    taxi.event("delivered", LATER, "g", participant="+33600000001", user="group:team")
    taxi.event("delivered", LATER, "g", participant="+4915100000001", user="group:team")
    assert sorted(line["country"] for line in taxi.lines()) == ["DE", "FR"]
    assert len({line["delivery_id"] for line in taxi.lines()}) == 2


def test_a_late_group_sent_speaks_for_the_members_whose_own_is_missing() -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "g", category="utility", participant="+33600000001", user="group:team")
    for member in ("+33600000001", "+33600000002"):
        taxi.event("delivered", LATER, "g", participant=member, user="group:team")
    taxi.event("sent", NOON, "g", category="marketing", user="group:team")
    assert sorted(line["category"] for line in taxi.lines()) == ["marketing", "utility"]


def test_the_setting_window_basis_sent_asks_for_the_window_at_the_time_of_sending() -> None:
    for basis, reason in (("delivered", "outside_window"), ("sent", "in_window")):
        taxi = Taxi(window_basis=basis)
        taxi.event("sent", NOON, "u", category="utility")
        taxi.event("delivered", "2026-01-06T12:30:00Z", "u")
        taxi.event("received", "2026-01-05T11:59:00Z", "in")
        assert taxi.net()["u"]["reason"] == reason


def test_hashed_message_ids_leave_no_wamid_in_what_is_published() -> None:
    taxi = Taxi(hash_message_ids=True)
    taxi.event("received", "2026-01-05T11:00:00Z", "wamid.in")
    taxi.event("sent", NOON, "wamid.out", category="utility")
    taxi.event("delivered", LATER, "wamid.out")
    taxi.event("delivered", LATER, "wamid.unrated", user="+33612345679")
    taxi.tick(0, end_of_input=True)
    assert taxi.lines()
    assert taxi.unrated()
    assert not any(b"wamid" in (output.value or b"") for output in taxi.outputs)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"category": "luxury"}, "unknown_category", id="a category nobody knows"),
        pytest.param({"category": "utility", "pricing": {"type": "bulk"}}, "unknown_pricing", id="a pricing nobody knows"),
        pytest.param({"category_unknown": True}, "no_category", id="no category"),
    ],
)
def test_what_has_no_price_for_its_category_still_says_where_it_went(fields: dict[str, Any], reason: str) -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "m", **fields)
    taxi.event("delivered", LATER, "m")
    taxi.tick(0, end_of_input=True)
    (unrated,) = taxi.published("usage.unrated")
    assert (unrated["reason"], unrated["country"], unrated["market"]) == (reason, "FR", "France")


def test_no_phone_number_of_an_end_user_is_in_any_line_or_unrated_record() -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "m", category="marketing")
    taxi.event("delivered", LATER, "m")
    taxi.event("delivered", LATER, "n", user="+33612345679")
    taxi.tick(0, end_of_input=True)
    assert not any(b"3361234567" in (output.value or b"") + (output.key or b"") for output in taxi.outputs)


class TestRejected:
    """A bad record loses nothing: original bytes, coordinates and reason."""

    def test_the_original_bytes_stay_with_reason_and_coordinates(self) -> None:
        taxi = Taxi(profiles=[])
        taxi.raw(b'{"type":"message.sent"', appended_at_ms=ms(NOON))
        (output,) = taxi.outputs
        headers = dict(output.headers)
        assert (output.topic, output.value) == ("usage.rejected", b'{"type":"message.sent"')
        assert headers["reason"] == b"invalid_json"
        assert (headers["topic"], headers["partition"], headers["offset"]) == (b"whatsapp.messages", b"0", b"0")
        assert headers["rejected_at"] == b"2026-01-05T12:00:00.000Z"

    def test_a_tombstone_is_rejected(self) -> None:
        taxi = Taxi(profiles=[])
        taxi.raw(None)
        assert dict(taxi.outputs[0].headers)["reason"] == b"invalid_json"

    def test_an_oversized_record_is_shortened_with_its_hash_and_length(self) -> None:
        taxi = Taxi(profiles=[])
        taxi.raw(b"x" * (MAX_EVENT_BYTES + 1))
        headers = dict(taxi.outputs[0].headers)
        assert headers["reason"] == b"too_large"
        assert headers["bytes"] == str(MAX_EVENT_BYTES + 1).encode()
        assert len(headers["sha256"]) == 64
        assert len(taxi.outputs[0].value or b"") < MAX_EVENT_BYTES

    @pytest.mark.parametrize(
        ("profile", "reason", "detail"),
        [
            pytest.param({**PROFILE, "timezone": "Mars"}, b"invalid_field", b"timezone: is no IANA time zone", id="no profile"),
            pytest.param(
                {**PROFILE, "currency": "EUR"}, b"profile_conflict", b"time zone and currency can't change", id="another currency"
            ),
            pytest.param(
                {**PROFILE, "portfolio_id": "p", "effective_from": "2026-01-15"},
                b"profile_conflict",
                b"portfolio_id changes on 2026-01-15",
                id="another portfolio amid a month",
            ),
        ],
    )
    def test_a_profile_that_is_refused_stays_with_its_bytes_and_the_one_before_it_in_force(
        self, profile: dict[str, str], reason: bytes, detail: bytes
    ) -> None:
        taxi = Taxi()
        taxi.event("sent", NOON, "m", category="marketing")
        taxi.event("delivered", LATER, "m")
        effects = taxi.profile(profile, appended_at_ms=ms(NOON))
        (rejected,) = effects.outputs
        headers = dict(rejected.headers)
        assert (rejected.topic, rejected.key, rejected.value) == ("usage.rejected", ACCOUNT.encode(), orjson.dumps(profile))
        assert (headers["reason"], headers["topic"], headers["partition"]) == (reason, b"whatsapp.accounts", b"0")
        assert headers["detail"].startswith(detail)
        assert effects.counts == {"profile_refused": 1}
        taxi.event("sent", NOON, "n", category="marketing")
        taxi.event("delivered", LATER, "n")
        assert taxi.net()["n"]["currency"] == "USD"

    def test_a_profile_that_every_partition_refuses_is_rejected_by_one_and_a_conflict_by_each_that_knows_of_it(self) -> None:
        taxi = Taxi()
        assert taxi.profile({**PROFILE, "timezone": "Mars"}).outputs[0].only_in == 0
        taxi.event("sent", NOON, "m", category="marketing")
        taxi.event("delivered", LATER, "m")
        assert taxi.profile({**PROFILE, "currency": "EUR"}).outputs[0].only_in is None

    def test_every_event_is_on_one_side_of_the_ledger(self) -> None:
        taxi = Taxi()
        taxi.raw(b"{}")
        taxi.event("sent", LATER, "m", category="marketing")
        taxi.event("sent", LATER, "m", category="marketing")
        taxi.event("sent", NOON, "m", category="marketing")
        taxi.event("failed", LATER, "m")
        assert ledger(taxi)[0] == {"rejected": 1, "applied": 1, "duplicate": 1, "superseded": 1, "informational": 1}


def test_a_total_goes_back_to_zero_and_is_published_so() -> None:
    taxi = Taxi()
    taxi.event("sent", NOON, "u", category="utility")
    taxi.event("delivered", LATER, "u")
    taxi.event("received", "2026-01-05T11:00:00Z", "in")
    latest = {orjson.dumps([t["outcome"]]): t for t in taxi.published("usage.totals")}
    assert {t["outcome"]: (t["messages"], t["amount"]) for t in latest.values()} == {"charged": (0, "0"), "free": (1, "0")}
    assert {output.partition_key for output in taxi.outputs if output.topic == "usage.totals"} == {ACCOUNT.encode()}
