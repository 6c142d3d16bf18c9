"""A free entry point: the business's first answer to someone from an ad, and 72 hours from then on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rating import keys
from rating.free_entry import ANSWER_WITHIN_MS, LENGTH_MS, FreeEntryPoints
from rating.leaves import Leaves
from streams.state.store import Store

HOUR_MS = 60 * 60 * 1000
DAY_ONE_MS = 1_767_225_600_000
CONVERSATION = keys.conversation("phone", "user")


def moment(at_ms: int, message_id: str = "wamid.a") -> bytes:
    """A moment that many milliseconds after the first of January 2026."""
    return keys.moment(DAY_ONE_MS + at_ms, message_id, "")


def points() -> FreeEntryPoints:
    return FreeEntryPoints(Leaves(Store()).of(CONVERSATION))


@pytest.mark.parametrize(
    ("answered_after_ms", "opens"),
    [
        pytest.param(-1, False, id="sent just before the referral"),
        pytest.param(0, True, id="sent at the referral itself"),
        pytest.param(ANSWER_WITHIN_MS - 1, True, id="one millisecond before 24 hours"),
        pytest.param(ANSWER_WITHIN_MS, False, id="at exactly 24 hours"),
    ],
)
def test_an_answer_counts_for_24_hours_after_the_referral(answered_after_ms: int, opens: bool) -> None:
    conversation = points()
    conversation.refer(moment(50 * HOUR_MS, "wamid.ad"))
    conversation.send(moment(50 * HOUR_MS + answered_after_ms), None)
    assert conversation.opened_by("wamid.a") is opens


@pytest.mark.parametrize(
    ("after_ms", "free"),
    [
        pytest.param(-1, False, id="just before the answer"),
        pytest.param(0, True, id="at the answer"),
        pytest.param(LENGTH_MS - 1, True, id="one millisecond before 72 hours"),
        pytest.param(LENGTH_MS, False, id="at exactly 72 hours"),
    ],
)
def test_everything_is_free_for_72_hours_from_the_answer(after_ms: int, free: bool) -> None:
    conversation = points()
    conversation.refer(moment(HOUR_MS, "wamid.ad"))
    conversation.send(moment(2 * HOUR_MS), None)
    assert conversation.covers(DAY_ONE_MS + 2 * HOUR_MS + after_ms) is free


@pytest.mark.parametrize("hours", [pytest.param(1, id="shorter"), pytest.param(7 * 24, id="longer")])
def test_the_expiry_that_meta_printed_replaces_the_72_hours(hours: int) -> None:
    conversation = points()
    conversation.refer(moment(0, "wamid.ad"))
    conversation.send(moment(0), DAY_ONE_MS + hours * HOUR_MS)
    assert conversation.covers(DAY_ONE_MS + hours * HOUR_MS - 1)
    assert not conversation.covers(DAY_ONE_MS + hours * HOUR_MS)


def test_an_earlier_answer_that_arrives_late_takes_the_free_entry_point_over() -> None:
    conversation = points()
    conversation.refer(moment(0, "wamid.ad"))
    conversation.send(moment(5 * HOUR_MS, "wamid.b"), None)
    changes = conversation.send(moment(2 * HOUR_MS, "wamid.a"), None)
    assert {change.message_id for change in changes} == {"wamid.a", "wamid.b"}
    assert conversation.opened_by("wamid.a")
    assert not conversation.opened_by("wamid.b")
    assert not conversation.covers(DAY_ONE_MS + 2 * HOUR_MS + LENGTH_MS)


def test_of_two_answers_at_one_instant_the_smaller_message_id_opens_it() -> None:
    conversation = points()
    conversation.refer(moment(0, "wamid.ad"))
    conversation.send(moment(HOUR_MS, "wamid.b"), None)
    conversation.send(moment(HOUR_MS, "wamid.a"), None)
    assert (conversation.opened_by("wamid.a"), conversation.opened_by("wamid.b")) == (True, False)


TIMES = st.integers(0, 12).map(lambda n: n * 12 * HOUR_MS)


@given(data=st.data())
def test_any_way_to_the_same_referrals_and_answers_is_the_brute_force_union(data: st.DataObject) -> None:
    walked = points()
    referrals: set[int] = set()
    sends: dict[tuple[int, str], int | None] = {}
    for _ in range(data.draw(st.integers(0, 12))):
        kind, at_ms = data.draw(st.sampled_from(["refer", "unrefer", "send", "unsend"])), data.draw(TIMES)
        name = at_ms, data.draw(st.sampled_from("ab"))
        if kind == "refer":
            referrals.add(at_ms)
            walked.refer(moment(at_ms, "ad"))
        elif kind == "unrefer":
            referrals.discard(at_ms)
            walked.take_referral_back(moment(at_ms, "ad"))
        elif kind == "send":
            sends[name] = data.draw(st.one_of(st.none(), TIMES))
            expiry = None if sends[name] is None else DAY_ONE_MS + (sends[name] or 0)
            walked.send(moment(*name), expiry)
        elif name in sends:
            del sends[name]
            walked.take_send_back(moment(*name))
    open_points = _brute_force(referrals, sends)
    for at_ms in range(0, 20 * 12 * HOUR_MS, 6 * HOUR_MS):
        assert walked.covers(DAY_ONE_MS + at_ms) is any(start <= at_ms < end for start, end, _ in open_points)
    for message_id in "ab":
        assert walked.opened_by(message_id) is any(name == message_id for _, _, name in open_points)


def _brute_force(referrals: set[int], sends: dict[tuple[int, str], int | None]) -> list[tuple[int, int, str]]:
    found = []
    for referral in referrals:
        answers = sorted(name for name in sends if referral <= name[0] < referral + ANSWER_WITHIN_MS)
        for at_ms, message_id in answers[:1]:
            expiry = sends[at_ms, message_id]
            found.append((at_ms, at_ms + LENGTH_MS if expiry is None else expiry, message_id))
    return found
