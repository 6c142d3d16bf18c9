"""Edges are where counting through the whole month puts them, however they came there; and they get there by a few steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rating.records import CountedTally
from rating.tiers.allocation import Order, below, shift
from rating.tiers.division import band_of, divided, moves
from streams.state.store import Store

EDGES = (3, 5, 12)
PLACES = [b"a", b"ab", b"b", b"c", b"d", b"e", b"f"]
COUNTER = b"counter"

Changes = list[tuple[bytes, int, tuple[int, ...]]]
changes = st.lists(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.integers(0, 9), st.sampled_from([EDGES, (3,), (5, 12), (1, 20), ()])),
        min_size=1,
        max_size=4,
        unique_by=lambda change: change[0],
    ),
    max_size=12,
)
"""Batches of new counts, each with the edges that its tally has."""


def counted_through(tallies: dict[bytes, CountedTally], place: bytes) -> list[int | None]:
    """Where the edges of a tally lie in it, by counting the month from its beginning."""
    before = sum(tally.messages for other, tally in tallies.items() if other < place)
    own = tallies[place]
    return [None if at > before + own.messages and _ends(tallies, at, place) else max(0, at - before) for at in own.edges]


def _ends(tallies: dict[bytes, CountedTally], at: int, place: bytes) -> bool:
    """Whether the n-th message lies in a later tally, or in none."""
    places = sorted(tallies)
    ends = dict(zip(places, accumulate(tallies[each].messages for each in places), strict=True))
    return at > ends[place]


@given(changes)
def test_every_edge_is_where_counting_puts_it_after_any_changes(batches: list[Changes]) -> None:
    order = Order(Store(), COUNTER)
    tallies: dict[bytes, CountedTally] = {}
    known: set[int] = set()
    for batch in batches:
        differences = {}
        for place, messages, edges in batch:
            edges = tallies[place].edges if place in tallies else edges
            differences[place] = messages - (tallies[place].messages if place in tallies else 0)
            tallies[place] = CountedTally(messages, edges, b"")
            order.put(place, tallies[place])
            known.update(edges)
        volume = order.volume()
        shift(order, volume, differences, (edge for _, _, edges in batch for edge in (*edges, *known)))
        order.keep(volume)
        assert volume.messages == sum(tally.messages for tally in tallies.values())
        for place, tally in tallies.items():
            if tally.messages:
                assert below(volume.edges, place, tally.edges) == counted_through(tallies, place)


class Counting:
    """A state that counts how often it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked = 0

    def get(self, key: bytes) -> bytes | None:
        self.asked += 1
        return self._store.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self._store.put(key, value)

    def delete(self, key: bytes) -> None:
        self._store.delete(key)

    def range(self, bucket: bytes, low: bytes = b"", high: bytes | None = None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        for found in self._store.range(bucket, low, high, reverse=reverse):
            self.asked += 1
            yield found

    def first(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        self.asked += 1
        return self._store.first(bucket, low, high)

    def last(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        self.asked += 1
        return self._store.last(bucket, low, high)


@pytest.mark.parametrize("totals", [100, 10_000])
def test_one_message_more_costs_a_few_looks_whatever_the_length_of_the_month(totals: int) -> None:
    state = Counting(Store())
    order = Order(state, COUNTER)
    edges = (totals // 3, totals, 2 * totals)
    names = [b"%06d" % number for number in range(totals)]
    _change(order, dict.fromkeys(names, 2), edges)
    for place in (names[0], names[totals // 2], names[-1], names[totals // 6]):
        state.asked = 0
        _change(order, {place: 1}, edges)
        assert state.asked <= 10


def _change(order: Order, more: dict[bytes, int], edges: Sequence[int]) -> None:
    for place, messages in more.items():
        known = order.at(place)
        order.put(place, CountedTally(messages + (known.messages if known else 0), tuple(edges), b""))
    volume = order.volume()
    shift(order, volume, more, edges)
    order.keep(volume)


DIVIDED = [
    pytest.param(2, [None, None], [2, 0, 0], id="nothing is told: all in the first band"),
    pytest.param(3, [3, None], [3, 0, 0], id="the last message is the band's last"),
    pytest.param(4, [3, None], [3, 1, 0], id="one message beyond the band"),
    pytest.param(9, [3, 8], [3, 5, 1], id="two edges in one total"),
    pytest.param(2, [3, 8], [2, 0, 0], id="fewer messages than when it was told"),
    pytest.param(4, [0, None], [0, 4, 0], id="wholly beyond the first band"),
    pytest.param(4, [0, 0], [0, 0, 4], id="wholly beyond all of them"),
    pytest.param(0, [0, 3], [0, 0, 0], id="no message"),
    pytest.param(7, [], [7], id="a single band"),
]


@pytest.mark.parametrize(("messages", "reach", "bands"), DIVIDED)
def test_a_total_divides_by_how_far_each_edge_reaches_into_it(messages: int, reach: list[int | None], bands: list[int]) -> None:
    assert divided(messages, reach) == bands
    each = [band_of(nth, reach) for nth in range(1, messages + 1)]
    assert [each.count(band) for band in range(len(bands))] == bands


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5).flatmap(lambda bands: st.tuples(st.just(bands), st.permutations(bands))))
def test_moves_over_edges_make_one_division_of_another_in_as_few_lines_as_edges(pair: tuple[list[int], list[int]]) -> None:
    are, due = pair
    moved = list(are)
    found = list(moves(are, due))
    for move in found:
        moved[move.edge] += move.down
        moved[move.edge + 1] -= move.down
    assert moved == due
    assert all(move.down for move in found)
    assert len({move.edge for move in found}) == len(found)
