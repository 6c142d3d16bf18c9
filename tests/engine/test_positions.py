"""A worker goes on where its state ends, and refuses when state and log cannot belong together."""

from __future__ import annotations

import pytest

from streams.guards.fatal import RefusalError
from streams.state import positions
from streams.state.store import Store


@pytest.mark.parametrize(
    ("in_state", "committed", "begin", "end", "start"),
    [
        pytest.param(None, None, 0, 9, 0, id="a new pipeline begins at the beginning"),
        pytest.param(None, None, 3, 9, 3, id="a new pipeline on an old log begins where that begins"),
        pytest.param(5, 5, 0, 9, 5, id="after a restart it goes on"),
        pytest.param(9, 9, 0, 9, 9, id="at the end it waits"),
        pytest.param(5, None, 0, 9, 5, id="the group's offset has expired: the state knows"),
        pytest.param(5, 2, 0, 9, 5, id="the group's offset was set back by hand: the state knows"),
    ],
)
def test_it_goes_on(in_state: int | None, committed: int | None, begin: int, end: int, start: int) -> None:
    assert positions.start("t", 0, in_state=in_state, committed=committed, begin=begin, end=end) == start


@pytest.mark.parametrize(
    ("in_state", "committed", "end", "what"),
    [
        pytest.param(None, 5, 9, "the state knows it up to 0; its changelog was lost", id="the changelog is empty"),
        pytest.param(3, 5, 9, "the state knows it up to 3; its changelog was lost", id="the changelog was cut"),
        pytest.param(5, None, 2, "the log ends at 2; the topic was made anew", id="the input was made anew"),
    ],
)
def test_it_refuses(in_state: int | None, committed: int | None, end: int, what: str) -> None:
    with pytest.raises(RefusalError, match=f"^t partition 0: .*{what}"):
        positions.start("t", 0, in_state=in_state, committed=committed, begin=0, end=end)


@pytest.mark.parametrize("accepted", [0, 3])
def test_it_goes_over_no_gap_that_nobody_gave_up(accepted: int) -> None:
    with pytest.raises(RefusalError, match=r"^t partition 0: offsets 2 to 3 are gone .* --accept-lost-records t:0:4$"):
        positions.start("t", 0, in_state=2, committed=2, begin=4, end=9, accepted=accepted)


@pytest.mark.parametrize("accepted", [4, 7])
def test_it_goes_over_a_gap_that_a_person_gave_up_and_not_a_record_further(accepted: int) -> None:
    assert positions.start("t", 0, in_state=2, committed=2, begin=4, end=9, accepted=accepted) == 4


def test_what_was_given_up_changes_nothing_where_there_is_no_gap() -> None:
    assert positions.start("t", 0, in_state=5, committed=5, begin=0, end=9, accepted=7) == 5


def test_a_position_is_kept_per_topic_and_partition_where_no_stage_looks() -> None:
    store = Store()
    positions.advance(store, "t", 1, 7)
    assert positions.position(store, "t", 1) == 7
    assert positions.position(store, "t", 0) is None
    assert positions.position(store, "u", 1) is None
    assert all(key.startswith(positions.RESERVED) for key, _ in store.items())
