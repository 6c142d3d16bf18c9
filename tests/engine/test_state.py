"""The store is a sorted dict with a batch that can be kept or taken back, however the calls interleave."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rating.stage import PREFIX_BYTES
from streams.state import pages, shelves
from streams.state import store as state
from streams.state.shelves import Shelves
from streams.state.store import Store

FEW = [bytes([number]) * PREFIX_BYTES for number in range(12)]
"""Records that are no more than buckets: enough for several shelves."""
BUCKETS = [
    b"w" * PREFIX_BYTES,
    b"v" + b"w" * (PREFIX_BYTES - 1),  # another kind of the same owner
    b"w" * (PREFIX_BYTES - 1) + b"x",
    b"\xff" * PREFIX_BYTES,
]
RESTS = st.binary(max_size=2)
BUCKET = st.sampled_from(BUCKETS)
KEYS = st.one_of(st.builds(bytes.__add__, BUCKET, RESTS), st.sampled_from([b"", b"w", b"\x00offsets", *FEW]))
VALUES = st.sampled_from([b"", b"1", b"2", b"longer", FEW[1] * 2])


def ranged(model: dict[bytes, bytes], bucket: bytes, low: bytes, high: bytes | None) -> list[tuple[bytes, bytes]]:
    return [
        (key, model[key])
        for key in sorted(model)
        if key[:PREFIX_BYTES] == bucket and key[PREFIX_BYTES:] >= low and (high is None or key[PREFIX_BYTES:] < high)
    ]


class StoreMachine(RuleBasedStateMachine):
    """Every call on a store and on a plain dict; the model of a batch is a copy of the dict."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.now: dict[bytes, bytes] = {}
        self.kept: dict[bytes, bytes] = {}

    @rule(key=KEYS, value=VALUES)
    def put(self, key: bytes, value: bytes) -> None:
        self.store.put(key, value)
        self.now[key] = value

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        self.store.delete(key)
        self.now.pop(key, None)

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        assert self.store.get(key) == self.now.get(key)

    @rule(bucket=BUCKET, low=RESTS, high=st.none() | RESTS, reverse=st.booleans())
    def look_at_a_range(self, bucket: bytes, low: bytes, high: bytes | None, reverse: bool) -> None:
        expected = ranged(self.now, bucket, low, high)
        assert list(self.store.range(bucket, low, high, reverse=reverse)) == (expected[::-1] if reverse else expected)

    @rule(bucket=BUCKET, low=RESTS, high=st.none() | RESTS)
    def look_at_the_ends_of_a_range(self, bucket: bytes, low: bytes, high: bytes | None) -> None:
        expected = ranged(self.now, bucket, low, high)
        assert self.store.first(bucket, low, high) == (expected[0] if expected else None)
        assert self.store.last(bucket, low, high) == (expected[-1] if expected else None)

    @rule()
    def take_back(self) -> None:
        self.store.rollback()
        self.now = dict(self.kept)

    @rule()
    def commit(self) -> None:
        everything = {**dict.fromkeys(self.kept), **self.now}
        assert self.store.commit() == {key: after for key, after in everything.items() if after != self.kept.get(key)}
        self.store.begin()
        self.kept = dict(self.now)

    @rule(records=st.lists(st.tuples(KEYS, st.none() | VALUES)))
    def restart_from_the_changelog(self, records: list[tuple[bytes, bytes | None]]) -> None:
        self.store = Store()
        self.now = {}
        self.store.restore([*self.kept.items(), *records])
        for key, value in [*self.kept.items(), *records]:
            self.now[key] = value or b""
            if value is None:
                del self.now[key]
        self.kept = dict(self.now)

    @rule(records=st.lists(st.tuples(KEYS, st.none() | VALUES)))
    def catch_up_with_the_changelog(self, records: list[tuple[bytes, bytes | None]]) -> None:
        self.commit()
        self.store.restore(records)
        for key, value in records:
            self.now[key] = value or b""
            if value is None:
                del self.now[key]
        self.kept = dict(self.now)

    @invariant()
    def they_hold_the_same(self) -> None:
        assert dict(self.store.items()) == self.now
        assert len(self.store) == len(self.now)


class TightMachine(StoreMachine):
    """The same where few entries already are several runs or shelves, that split and vanish all the time, and hardly any stays unpacked."""

    def __init__(self) -> None:
        super().__init__()
        self._patches = pytest.MonkeyPatch()
        self._patches.setattr(pages, "RUN_MAX", 4)
        self._patches.setattr(state, "RUN_MAX", 4)
        self._patches.setattr(state, "WARM_PAGES", 1)
        self._patches.setattr(state, "RECENT_RECORDS", 1)
        self._patches.setattr(shelves, "PER_SHELF", 2)

    def teardown(self) -> None:
        self._patches.undo()


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestTight = TightMachine.TestCase
TestTight.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


def test_putting_the_value_that_is_there_is_no_change() -> None:
    store = Store()
    store.put(b"key", b"value")
    assert store.commit() == {b"key": b"value"}
    store.put(b"key", b"other")
    store.put(b"key", b"value")
    assert store.commit() == {}


def test_a_batch_cannot_begin_on_top_of_one_that_was_not_ended() -> None:
    store = Store()
    store.put(b"key", b"value")
    with pytest.raises(RuntimeError, match="not committed"):
        store.begin()


def test_a_range_of_less_or_more_than_a_bucket_is_refused() -> None:
    with pytest.raises(ValueError, match="17 bytes long, not 3"):
        list(Store().range(b"abc"))


@pytest.mark.parametrize("together", [False, True])
def test_a_key_is_not_mistaken_for_the_end_of_one_and_the_head_of_the_next(together: bool) -> None:
    shelf, key = Shelves(), b"abcdefgh" + b"12345678" + b"x"
    before, after = b"#" * 9 + key[:8], key[8:] + b"#" * 8
    shelf.put(before, b"before")
    shelf.put(after, b"after")
    assert (before + after).find(key) == 9
    assert shelf.get(key) is None
    if together:
        assert shelf.put_all({key: b"itself", before: b"before"}) == 1
    else:
        assert shelf.put(key, b"itself")
    assert dict(shelf.items()) == {before: b"before", after: b"after", key: b"itself"}
    shelf.pop(key)
    assert (shelf.get(before), shelf.get(key), shelf.get(after), len(shelf)) == (b"before", None, b"after", 2)


@pytest.mark.parametrize("count", [1, 2, 32, 33, 1000, 20_000])
def test_shelves_hold_what_was_put_however_many_there_are(count: int) -> None:
    due = {number.to_bytes(PREFIX_BYTES, "big"): b"v" * (number % 70) for number in range(count)}
    packed = Shelves()
    for key, value in due.items():
        packed.put(key, b"old")
        packed.put(key, value)
    assert dict(packed.items()) == due
    assert all(packed.get(key) == value for key, value in due.items())
    for key in list(due)[::2]:
        packed.pop(key)
        del due[key]
    assert dict(packed.items()) == due


@pytest.mark.parametrize("known", [0, 1, 500, 5000])
@pytest.mark.parametrize("count", [0, 1, 32, 33, 5000])
def test_many_values_are_put_like_one_after_another(known: int, count: int) -> None:
    """Half of what is known is among them."""
    before = {number.to_bytes(PREFIX_BYTES, "big"): b"old" * (number % 70) for number in range(known)}
    many = {number.to_bytes(PREFIX_BYTES, "big"): b"new" * (number % 50) for number in range(known // 2, known // 2 + count)}
    packed = Shelves()
    assert packed.put_all(before) == known
    assert packed.put_all(many) == len(many.keys() - before.keys())
    assert dict(packed.items()) == before | many
    assert len(packed) == len(before | many)


def test_a_shelf_takes_a_value_of_megabytes() -> None:
    packed = Shelves()
    packed.put(FEW[0], b"small")
    packed.put(FEW[1], bytes(5_000_000))
    packed.put(FEW[2], b"also small")
    assert (packed.get(FEW[0]), packed.get(FEW[1]), packed.get(FEW[2])) == (b"small", bytes(5_000_000), b"also small")
