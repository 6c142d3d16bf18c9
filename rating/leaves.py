"""Ordered facts of one owner, packed: many small entries in few state records.

A conversation has an entry for each message that was sent, delivered or received, and most questions about it are "which is the last one
before?". One state record per entry would cost far more than the entry. So entries lie in leaves of at most 32, each of them one record
under the smallest key it may hold, like the leaves of a B-tree whose upper levels are the order of the state itself. The first leaf lies
under the bucket's own key, and for nearly every conversation it is the only one.

An entry changes one leaf, whatever the length of the conversation or of the month.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import Final

from rating.records import FORMAT, LeafRecord, decode_leaf, encode
from rating.stage import PREFIX_BYTES, State

LEAF_ENTRIES: Final = 32
"""A leaf with more is split in two. Every step that touches a leaf writes all of it: larger leaves cost more there and save little."""

Entry = tuple[bytes, bytes]
"""Sort field, without the kind before it, and value."""


class _Leaf:
    __slots__ = ("changed", "due_day", "keys", "low", "parted", "reach", "values")

    def __init__(self, low: bytes, keys: list[bytes], values: list[bytes], *, parted: bool = False, due_day: int = 0) -> None:
        self.low = low
        self.keys = keys
        self.values = values
        self.parted = parted
        self.due_day = due_day
        self.changed = False
        self.reach = keys[-1] if keys else low
        """Every key from `low` to this one certainly belongs here; perhaps later ones, too."""


class Leaves:
    """The leaves that one step touches: read once, changed in memory, written by `settle`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._owners: dict[bytes, Ordered] = {}

    def of(self, bucket: bytes) -> Ordered:
        """The ordered entries of one owner; `bucket` is a state key of `PREFIX_BYTES`."""
        found = self._owners.get(bucket)
        if found is None:
            found = self._owners[bucket] = Ordered(self._state, bucket)
        return found

    def settle(self) -> None:
        """Writes what was changed. Afterwards the leaves may be used on."""
        for owner in self._owners.values():
            owner.settle()


class Ordered:
    """An ordered map of one owner: entries under a kind (one byte) and a sort field, in byte order."""

    __slots__ = ("_bucket", "_latest", "_others", "_root", "_state")

    def __init__(self, state: State, bucket: bytes) -> None:
        self._state = state
        self._bucket = bucket
        self._root = self._read(b"")
        self._others: dict[bytes, _Leaf] | None = {} if self._root.parted else None
        """The other leaves that were touched; None where there certainly are none."""
        self._latest = self._root
        """The leaf that was last asked the state for: what comes next is often near."""

    @property
    def due_day(self) -> int:
        """For which day the owner is on the agenda of what may be forgotten; 0: it is not. Entries and this day leave together."""
        return self._root.due_day

    @due_day.setter
    def due_day(self, day: int) -> None:
        self._root.due_day = day
        self._root.changed = True

    def get(self, kind: bytes, sort: bytes) -> bytes | None:
        """The value of an entry, or None."""
        key = kind + sort
        leaf = self._root if self._others is None else self._at(key)
        index = bisect_left(leaf.keys, key)
        return leaf.values[index] if index < len(leaf.keys) and leaf.keys[index] == key else None

    def put(self, kind: bytes, sort: bytes, value: bytes = b"") -> None:
        """Adds an entry, or sets the value of the one that is there."""
        key = kind + sort
        leaf = self._root if self._others is None else self._at(key)
        keys = leaf.keys
        index = bisect_left(keys, key)
        if index < len(keys) and keys[index] == key:
            if leaf.values[index] == value:
                return
            leaf.values[index] = value
        else:
            keys.insert(index, key)
            leaf.values.insert(index, value)
        leaf.changed = True
        if len(keys) > LEAF_ENTRIES:
            self._split(leaf)

    def delete(self, kind: bytes, sort: bytes) -> None:
        """Removes an entry; removing one that is not there does nothing."""
        key = kind + sort
        leaf = self._root if self._others is None else self._at(key)
        index = bisect_left(leaf.keys, key)
        if index == len(leaf.keys) or leaf.keys[index] != key:
            return
        del leaf.keys[index], leaf.values[index]
        leaf.changed = True
        if not leaf.keys and self._others is not None and leaf.low:
            del self._others[leaf.low]
            self._latest = self._root
            self._state.delete(self._bucket + leaf.low)
            self._root.changed = True  # it may be the last one now

    def first(self, kind: bytes, low: bytes = b"", high: bytes | None = None) -> Entry | None:
        """The first entry of a kind whose sort field lies in `[low, high)`; `high` None is the kind's end."""
        bottom, top = kind + low, _top(kind, high)
        leaf: _Leaf | None = self._root if self._others is None else self._at(bottom)
        while leaf is not None:
            index = bisect_left(leaf.keys, bottom)
            if index < len(leaf.keys):
                key = leaf.keys[index]
                return (key[1:], leaf.values[index]) if key < top else None
            leaf = self._after(leaf)
        return None

    def last(self, kind: bytes, low: bytes = b"", high: bytes | None = None) -> Entry | None:
        """The last one."""
        bottom, top = kind + low, _top(kind, high)
        leaf: _Leaf | None = self._root if self._others is None else self._at(top)
        while leaf is not None:
            index = bisect_left(leaf.keys, top) - 1
            if index >= 0:
                key = leaf.keys[index]
                return (key[1:], leaf.values[index]) if key >= bottom else None
            leaf = self._before(leaf)
        return None

    def range(self, kind: bytes, low: bytes = b"", high: bytes | None = None) -> Iterator[Entry]:
        """Those entries in order. Writing while iterating is allowed only after the iterator is dropped."""
        bottom, top = kind + low, _top(kind, high)
        leaf: _Leaf | None = self._at(bottom)
        while leaf is not None:
            for index in range(bisect_left(leaf.keys, bottom), len(leaf.keys)):
                if leaf.keys[index] >= top:
                    return
                yield leaf.keys[index][1:], leaf.values[index]
            leaf = self._after(leaf)

    @property
    def is_empty(self) -> bool:
        """Whether there are no entries at all."""
        return not self._root.keys and (self._others is None or self._after(self._root) is None)

    def shed(self, leaves: int) -> int:
        """Removes as many leaves as that, the last ones first, with whatever they hold; returns how many there were to remove."""
        doomed = [key for key, _ in islice(self._state.range(self._bucket, reverse=True), leaves)]
        for key in doomed:
            self._state.delete(key)
        self._root = self._latest = self._read(b"")
        self._others = {} if self._root.parted else None
        return len(doomed)

    def settle(self) -> None:
        """Writes what was changed."""
        if self._root.changed:
            self._write(self._root)
        if self._others is not None:
            for leaf in self._others.values():
                if leaf.changed:
                    self._write(leaf)

    # Which leaf

    def _at(self, key: bytes) -> _Leaf:
        """The leaf in which an entry lies, or would."""
        if self._others is None or key <= self._root.reach:
            return self._root
        leaf = self._latest
        if leaf.low <= key <= leaf.reach:
            return leaf
        leaf = self._latest = self._found(self._others, self._state.last(self._bucket, b"", key + b"\x00")) or self._root
        if leaf.reach < key:
            leaf.reach = key
        return leaf

    def _before(self, leaf: _Leaf) -> _Leaf | None:
        if self._others is None or not leaf.low:
            return None
        return self._found(self._others, self._state.last(self._bucket, b"", leaf.low))

    def _after(self, leaf: _Leaf) -> _Leaf | None:
        if self._others is None:
            return None
        return self._found(self._others, self._state.first(self._bucket, leaf.low + b"\x00"))

    def _found(self, others: dict[bytes, _Leaf], record: tuple[bytes, bytes] | None) -> _Leaf | None:
        """The leaf of a state record, as it is by now."""
        if record is None:
            return None
        low = record[0][PREFIX_BYTES:]
        if not low:
            return self._root
        leaf = others.get(low)
        if leaf is None:
            leaf = others[low] = self._read(low)
        return leaf

    def _split(self, leaf: _Leaf) -> None:
        """Parts a leaf that has grown too large in two; both are written at once, so that the state's order knows them."""
        half = len(leaf.keys) // 2
        right = _Leaf(leaf.keys[half], leaf.keys[half:], leaf.values[half:])
        del leaf.keys[half:], leaf.values[half:]
        leaf.reach = leaf.keys[-1]
        if self._others is None:
            self._others = {}
        self._root.parted = self._root.changed = True
        self._others[right.low] = right
        self._write(leaf)
        self._write(right)

    def _read(self, low: bytes) -> _Leaf:
        known = self._state.get(self._bucket + low)
        if known is None:
            return _Leaf(low, [], [])
        record = decode_leaf(known)
        return _Leaf(low, record.keys, record.values, parted=record.parted, due_day=record.due_day)

    def _write(self, leaf: _Leaf) -> None:
        leaf.changed = False
        if leaf.keys or (leaf.parted and self._state.first(self._bucket, b"\x00") is not None):
            self._state.put(self._bucket + leaf.low, encode(LeafRecord(FORMAT, leaf.keys, leaf.values, leaf.parted, leaf.due_day)))
        else:
            self._state.delete(self._bucket + leaf.low)


_NEXT_KIND: Final = {bytes((kind,)): bytes((kind + 1,)) for kind in range(255)}


def _top(kind: bytes, high: bytes | None) -> bytes:
    """Where a range ends: before the next kind, if nothing else is said."""
    return _NEXT_KIND[kind] if high is None else kind + high
