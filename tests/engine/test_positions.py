"""A worker goes on where its state ends, and refuses when state and log cannot belong together."""

from __future__ import annotations

import pytest

from streams.engine import positions
from streams.engine.fatal import RefusalError
from streams.engine.state import Store


@pytest.mark.parametrize(
    ("in_state", "committed", "begin", "end", "start"),
    [
        pytest.param(None, None, 0, 9, 0, id="a new pipeline begins at the beginning"),
        pytest.param(None, None, 3, 9, 3, id="a new pipeline on an old log begins where that begins"),
        pytest.param(5, 5, 0, 9, 5, id="after a restart it goes on"),
        pytest.param(9, 9, 0, 9, 9, id="at the end it waits"),
        pytest.param(5, None, 0, 9, 5, id="the group's offset has expired: the state knows"),
        pytest.param(5, 2, 0, 9, 5, id="the group's offset was set back by hand: the state knows"),
        pytest.param(2, 2, 4, 9, 2, id="what lies between was deleted unread: the caller reports it"),
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


def test_a_position_is_kept_per_topic_and_partition_where_no_stage_looks() -> None:
    store = Store()
    positions.advance(store, "t", 1, 7)
    assert positions.position(store, "t", 1) == 7
    assert positions.position(store, "t", 0) is None
    assert positions.position(store, "u", 1) is None
    assert all(key.startswith(positions.RESERVED) for key, _ in store.items())
