"""The sample traffic looks like life, and the same seed makes the same bytes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import pytest

from schemas.decode import Event, decode_event
from schemas.profiles import Profile, decode_profile
from streams.traffic import events, keyed_events, profiles

EVENTS = 30_000


@pytest.fixture(scope="module")
def traffic() -> list[Event]:
    decoded = [decode_event(event) for event in events(1, EVENTS)]
    assert all(isinstance(event, Event) for event in decoded)
    return [event for event in decoded if isinstance(event, Event)]


def test_the_same_seed_makes_the_same_bytes_and_another_other_ones() -> None:
    assert list(events(1, 2000)) == list(events(1, 2000))
    assert list(events(1, 2000)) != list(events(2, 2000))


def test_as_many_events_come_as_were_asked_for() -> None:
    assert [len(list(events(1, n))) for n in (0, 1, 999)] == [0, 1, 999]


def test_the_key_is_the_phone_number() -> None:
    assert all(json.loads(event)["phone_number_id"] == key.decode() for key, event in keyed_events(1, 500))


def test_every_profile_is_valid_and_one_account_has_none(traffic: list[Event]) -> None:
    known = [decode_profile(profile) for profile in profiles()]
    assert all(isinstance(profile, Profile) for profile in known)
    accounts = {event.account_id for event in traffic}
    assert len(accounts - {profile.account_id for profile in known if isinstance(profile, Profile)}) == 1


def test_everything_that_can_happen_happens(traffic: list[Event]) -> None:
    assert len({event.phone_number_id for event in traffic}) >= 8
    assert {event.type for event in traffic} == {f"message.{kind}" for kind in ("received", "sent", "delivered", "read", "failed")}
    assert {event.category for event in traffic} == {"marketing", "utility", "authentication", "service", None}
    assert {event.referral_source for event in traffic} == {"ad", "post", None}
    assert {event.pricing_type for event in traffic} == {"regular", "free_customer_service", "free_entry_point", None}
    assert {"reaction", "image", "text"} <= {event.kind for event in traffic}
    assert any(event.participant for event in traffic)
    assert any(event.user_country for event in traffic)
    assert {event.user[0] for event in traffic} > {"+", "g"}


def test_events_come_twice_late_and_in_the_wrong_order(traffic: list[Event]) -> None:
    copies = Counter((event.phone_number_id, event.message_id, event.participant, event.type, event.id) for event in traffic)
    assert sum(count > 1 for count in copies.values()) > EVENTS // 100
    retold = defaultdict(set)
    for event in traffic:
        retold[event.phone_number_id, event.message_id, event.participant, event.type].add(event.time_ms)
    assert sum(len(times) > 1 for times in retold.values()) > EVENTS // 2000
    newest_ms = 0
    lateness_ms = []
    for event in traffic:
        newest_ms = max(newest_ms, event.time_ms)
        lateness_ms.append(newest_ms - event.time_ms)
    assert sum(late > 3_600_000 for late in lateness_ms) > EVENTS // 1000
    assert max(lateness_ms) < 40 * 3_600_000


def test_both_rulebooks_apply_and_one_number_passes_its_allowance() -> None:
    service: Counter[str] = Counter()
    days = set()
    for event in events(1, 60_000):
        fields = json.loads(event)
        days.add(fields["time"][:10])
        if fields["type"] == "message.sent" and fields["category"] == "service" and fields["time"].startswith("2026-10"):
            service[fields["phone_number_id"]] += 1
    assert {"2026-09-30", "2026-10-01"} <= days
    assert service.most_common(1)[0][1] > 1100


@pytest.mark.parametrize(("asked_for", "share"), [(False, 0), (True, 1 / 5000)], ids=["none unasked", "one in 5,000 when asked for"])
def test_damaged_records_come_when_asked_for(asked_for: bool, share: float) -> None:
    damaged = sum(not isinstance(decode_event(event), Event) for event in events(1, EVENTS, damaged=asked_for))
    assert damaged == pytest.approx(EVENTS * share, rel=0.8)
