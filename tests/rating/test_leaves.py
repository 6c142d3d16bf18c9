"""Ordered entries in leaves answer as one sorted list would, however many leaves there are and whoever else lies beside them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rating import leaves as module
from rating.leaves import Leaves
from rating.stage import PREFIX_BYTES
from streams.state.store import Store

BUCKET = b"V" + bytes(16)
KINDS = (b"a", b"b", b"c")
SORTS = st.binary(max_size=2)
STEPS = st.lists(st.tuples(st.sampled_from(["put", "delete", "settle"]), st.sampled_from(KINDS), SORTS, st.binary(max_size=1)))


@pytest.fixture(autouse=True, scope="module")
def _small_leaves() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAF_ENTRIES", 4)
        yield


@given(steps=STEPS, kind=st.sampled_from(KINDS), low=SORTS, high=st.one_of(st.none(), SORTS))
def test_any_way_to_the_same_entries_answers_as_a_sorted_list(
    steps: list[tuple[str, bytes, bytes, bytes]], kind: bytes, low: bytes, high: bytes | None
) -> None:
    store = Store()
    leaves = Leaves(store)
    other = leaves.of(b"W" + bytes(16))
    other.put(b"a", b"beside")
    expected: dict[bytes, bytes] = {}
    for what, entry_kind, sort, value in steps:
        entries = leaves.of(BUCKET)
        if what == "put":
            entries.put(entry_kind, sort, value)
            expected[entry_kind + sort] = value
        elif what == "delete":
            entries.delete(entry_kind, sort)
            expected.pop(entry_kind + sort, None)
        else:
            leaves.settle()
            leaves = Leaves(store)
        assert leaves.of(BUCKET).get(entry_kind, sort) == expected.get(entry_kind + sort)
    entries = leaves.of(BUCKET)
    inside: list[tuple[bytes, bytes]] = []
    for key, value in expected.items():
        if key[:1] == kind and low <= key[1:] and (high is None or key[1:] < high):
            insort(inside, (key[1:], value))
    assert list(entries.range(kind, low, high)) == inside
    assert entries.first(kind, low, high) == (inside[0] if inside else None)
    assert entries.last(kind, low, high) == (inside[-1] if inside else None)


def test_what_is_emptied_leaves_nothing_behind() -> None:
    store = Store()
    leaves = Leaves(store)
    entries = leaves.of(BUCKET)
    sorts = [bytes((n,)) for n in range(50)]
    for sort in sorts:
        entries.put(b"a", sort)
    leaves.settle()
    assert len(store) > 1
    for sort in sorts:
        entries.delete(b"a", sort)
    leaves.settle()
    assert len(store) == 0


def test_one_more_entry_touches_one_leaf_however_many_there_are() -> None:
    store = Store()
    leaves = Leaves(store)
    for n in range(1000):
        leaves.of(BUCKET).put(b"a", n.to_bytes(2, "big"))
    leaves.settle()
    store.commit()
    late = Leaves(store)
    late.of(BUCKET).put(b"a", (500).to_bytes(2, "big") + b"!")
    late.settle()
    changes = store.commit()
    assert len(changes) <= 2
    assert all(len(key) >= PREFIX_BYTES for key in changes)
