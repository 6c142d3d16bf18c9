"""Windows open at the message, close 24 hours later, and do not care in which order messages arrive or are taken back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rating import keys
from rating.leaves import Leaves
from rating.windows import LENGTH_MS, Span, Windows
from streams.state.store import Store

HOUR_MS = 60 * 60 * 1000
CONVERSATION = keys.conversation("phone", "user")
INSTANTS_MS = st.one_of(st.integers(0, 5 * LENGTH_MS), st.sampled_from([n * LENGTH_MS + d for n in range(4) for d in (0, 1)]))
MESSAGES = st.tuples(INSTANTS_MS, st.sampled_from(["wamid.a", "wamid.b"]))


def moment(at_ms: int, message_id: str | None = None) -> bytes:
    return keys.moment(at_ms, message_id or f"wamid.{at_ms}", "")


def windows(*opened_at_ms: int) -> Windows:
    result = Windows(Leaves(Store()).of(CONVERSATION))
    for at_ms in opened_at_ms:
        result.open(moment(at_ms))
    return result


@pytest.mark.parametrize(
    ("after_ms", "is_open"),
    [
        pytest.param(-1, False, id="just before the message"),
        pytest.param(0, True, id="at the message itself"),
        pytest.param(LENGTH_MS - 1, True, id="one millisecond before 24 hours"),
        pytest.param(LENGTH_MS, False, id="at exactly 24 hours"),
    ],
)
def test_a_message_opens_the_window_for_24_hours(after_ms: int, is_open: bool) -> None:
    assert (windows(HOUR_MS).at(HOUR_MS + after_ms) is not None) is is_open


def test_a_second_message_refreshes_to_24_hours_after_itself_not_to_48() -> None:
    refreshed = windows(0, 10 * HOUR_MS)
    assert refreshed.at(34 * HOUR_MS - 1) is not None
    assert refreshed.at(34 * HOUR_MS) is None


def test_the_opener_of_a_chain_is_the_evidence_and_the_newest_message_sets_the_expiry() -> None:
    window = windows(0, 10 * HOUR_MS, 30 * HOUR_MS).at(40 * HOUR_MS)
    assert window is not None
    assert (window.opened_by, window.opened_at_ms, window.expires_at_ms) == ("wamid.0", 0, 54 * HOUR_MS)


def test_a_message_at_exactly_24_hours_opens_a_window_of_its_own() -> None:
    window = windows(0, LENGTH_MS).at(LENGTH_MS)
    assert window is not None
    assert window.opened_by == f"wamid.{LENGTH_MS}"


def test_of_two_messages_at_one_instant_the_smaller_id_opened_the_window() -> None:
    for order in (["wamid.a", "wamid.b"], ["wamid.b", "wamid.a"]):
        result = Windows(Leaves(Store()).of(CONVERSATION))
        for message_id in order:
            result.open(moment(HOUR_MS, message_id))
        window = result.at(2 * HOUR_MS)
        assert window is not None
        assert window.opened_by == "wamid.a"


@pytest.mark.parametrize(
    ("known", "new_ms", "span"),
    [
        pytest.param([], 0, Span(0, LENGTH_MS), id="the first message opens its whole 24 hours"),
        pytest.param([0], 10 * HOUR_MS, Span(LENGTH_MS, 34 * HOUR_MS), id="a refresh opens only the hours beyond"),
        pytest.param([10 * HOUR_MS], 0, Span(0, 10 * HOUR_MS), id="a late older message opens only the hours before"),
        pytest.param([0, 20 * HOUR_MS], 10 * HOUR_MS, None, id="a message inside a chain opens nothing new"),
        pytest.param([0, 30 * HOUR_MS], 10 * HOUR_MS, Span(24 * HOUR_MS, 30 * HOUR_MS), id="a late message fills a gap"),
    ],
)
def test_what_must_be_decided_again_is_exactly_the_time_that_opened(known: list[int], new_ms: int, span: Span | None) -> None:
    assert windows(*known).open(moment(new_ms)) == span


def test_taking_a_message_back_returns_the_time_that_was_open_through_it_alone() -> None:
    result = windows(0, 10 * HOUR_MS, 30 * HOUR_MS)
    assert result.take_back(moment(10 * HOUR_MS)) == Span(24 * HOUR_MS, 30 * HOUR_MS)
    window = result.at(31 * HOUR_MS)
    assert window is not None
    assert window.opened_by == f"wamid.{30 * HOUR_MS}", "the chain is split: its second half has an opener of its own"


def test_a_charged_message_knows_by_how_much_it_missed_the_window() -> None:
    assert windows(0).closed_since_ms(LENGTH_MS + 42 * 60_000) == 42 * 60_000
    assert windows(0).closed_since_ms(HOUR_MS) is None
    assert windows(HOUR_MS).closed_since_ms(0) is None


@given(opened=st.lists(MESSAGES), asked_ms=INSTANTS_MS)
def test_open_means_that_some_message_came_less_than_24_hours_before(opened: list[tuple[int, str]], asked_ms: int) -> None:
    result = Windows(Leaves(Store()).of(CONVERSATION))
    for at_ms, message_id in opened:
        result.open(moment(at_ms, message_id))
    assert (result.at(asked_ms) is not None) is any(at_ms <= asked_ms < at_ms + LENGTH_MS for at_ms, _ in opened)


@given(steps=st.lists(st.tuples(st.booleans(), MESSAGES)))
def test_any_way_to_the_same_messages_ends_in_the_same_indexes_and_every_span_is_what_changed(
    steps: list[tuple[bool, tuple[int, str]]],
) -> None:
    store = Store()
    there: set[tuple[int, str]] = set()
    edges = {at + d for _, (at, _) in steps for d in (-1, 0, LENGTH_MS - 1, LENGTH_MS)}
    for opens, message in steps:
        before = _open_instants(edges, there)
        there = there | {message} if opens else there - {message}
        leaves = Leaves(store)
        walked = Windows(leaves.of(CONVERSATION))
        span = walked.open(moment(*message)) if opens else walked.take_back(moment(*message))
        assert before ^ _open_instants(edges, there) == {at for at in edges if span is not None and span.from_ms <= at < span.to_ms}
        leaves.settle()
    straight = Leaves(Store())
    for message in sorted(there):
        Windows(straight.of(CONVERSATION)).open(moment(*message))
    for kind in (keys.OPENS_WINDOW, keys.CHAIN_START):
        assert list(Leaves(store).of(CONVERSATION).range(kind)) == list(straight.of(CONVERSATION).range(kind))


def _open_instants(instants_ms: set[int], messages: set[tuple[int, str]]) -> set[int]:
    return {at for at in instants_ms if any(opened <= at < opened + LENGTH_MS for opened, _ in messages)}
