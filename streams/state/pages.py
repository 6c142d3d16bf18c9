"""Ordered entries in little memory: sorted runs of them lie packed, one bytes object each, and are unpacked while a batch touches them.

A Python object costs 33 bytes and more beside its content, and an entry in a dict 45 more; a packed entry costs 4. To unpack and pack
four entries takes 0.4 µs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import msgspec

RUN_MAX = 64
"""Entries that are unpacked together at most. More are cut into runs of half as many."""

Entry = tuple[bytes, bytes]
_buffer = bytearray()
_encode_into = msgspec.msgpack.Encoder().encode_into


class Run(msgspec.Struct, array_like=True, gc=False):
    """A sorted run of entries, unpacked: names, and their values beside them."""

    names: list[bytes] = []
    values: list[bytes] = []
    is_changed: bool = False

    def get(self, name: bytes) -> bytes | None:
        """The value under a name, or None."""
        at = bisect_left(self.names, name)
        return self.values[at] if at < len(self.names) and self.names[at] == name else None

    def put(self, name: bytes, value: bytes | None) -> bytes | None:
        """Sets a value, or removes the name if it is None; returns what was there before."""
        names = self.names
        at = bisect_left(names, name)
        before = self.values[at] if at < len(names) and names[at] == name else None
        if before is not None and value is not None:
            self.values[at] = value
        elif before is not None:
            del names[at], self.values[at]
        elif value is not None:
            names.insert(at, name)
            self.values.insert(at, value)
        self.is_changed = True
        return before

    def first(self, low: bytes, high: bytes | None) -> Entry | None:
        """The first entry whose name lies in `[low, high)`; `high` None is the end."""
        at = bisect_left(self.names, low)
        if at == len(self.names) or (high is not None and self.names[at] >= high):
            return None
        return self.names[at], self.values[at]

    def last(self, low: bytes, high: bytes | None) -> Entry | None:
        """The last entry whose name lies in `[low, high)`."""
        at = (len(self.names) if high is None else bisect_left(self.names, high)) - 1
        if at < 0 or self.names[at] < low:
            return None
        return self.names[at], self.values[at]

    def stretches(self, low: bytes, high: bytes | None, *, reverse: bool = False) -> Iterable[tuple[Run, range]]:
        """Where all of them are, in order or backwards: runs, and the indexes of names and values in each."""
        begin = bisect_left(self.names, low)
        end = len(self.names) if high is None else bisect_left(self.names, high, begin)
        return ((self, range(end - 1, begin - 1, -1) if reverse else range(begin, end)),)

    def packed(self) -> bytes | Runs | None:
        """What to keep of it: nothing, one bytes object or several."""
        if len(self.names) > RUN_MAX:
            runs = Runs()
            runs.replace(0, 0, self)
            return runs
        return _packed(self.names, self.values) if self.names else None


class Runs:
    """More entries than one run should hold: packed runs in order. Answers like a `Run`."""

    __slots__ = ("_firsts", "_open", "_packed", "is_changed")

    def __init__(self) -> None:
        self._firsts: list[bytes] = []
        self._packed: list[bytes] = []
        self._open: dict[int, Run] = {}
        self.is_changed = False

    def get(self, name: bytes) -> bytes | None:
        """As `Run.get`."""
        return self._run(self._at(name)).get(name)

    def put(self, name: bytes, value: bytes | None) -> bytes | None:
        """As `Run.put`."""
        self.is_changed = True
        return self._run(self._at(name)).put(name, value)

    def first(self, low: bytes, high: bytes | None) -> Entry | None:
        """As `Run.first`."""
        at = self._at(low)
        found = self._run(at).first(low, high)
        while found is None and (at := at + 1) < len(self._firsts) and (high is None or self._firsts[at] < high):
            found = self._run(at).first(low, high)
        return found

    def last(self, low: bytes, high: bytes | None) -> Entry | None:
        """As `Run.last`."""
        at = len(self._firsts) - 1 if high is None else self._at(high)
        found = self._run(at).last(low, high)
        while found is None and at and self._firsts[at] > low:
            at -= 1
            found = self._run(at).last(low, high)
        return found

    def stretches(self, low: bytes, high: bytes | None, *, reverse: bool = False) -> Iterable[tuple[Run, range]]:
        """As `Run.stretches`."""
        between = range(self._at(low), len(self._firsts) if high is None else self._at(high) + 1)
        for at in reversed(between) if reverse else between:
            yield from self._run(at).stretches(low, high, reverse=reverse)

    def packed(self) -> Runs | None:
        """Packs what was unpacked; returns itself, or None if nothing is left."""
        for at in sorted(self._open, reverse=True):
            if self._open[at].is_changed:
                self.replace(at, at + 1, self._open[at])
        self._open.clear()
        self.is_changed = False
        return self if self._packed else None

    def replace(self, begin: int, end: int, run: Run) -> None:
        """Puts the entries of one run where those from `begin` to `end` were, cut if they are too many."""
        size = len(run.names) if len(run.names) <= RUN_MAX else RUN_MAX // 2
        starts = range(0, len(run.names), size or 1)
        self._firsts[begin:end] = [run.names[start] for start in starts]
        self._packed[begin:end] = [_packed(run.names[start : start + size], run.values[start : start + size]) for start in starts]

    def _at(self, name: bytes) -> int:
        """Which run a name belongs to. The first one also holds what sorts before it."""
        return max(0, bisect_right(self._firsts, name) - 1)

    def _run(self, at: int) -> Run:
        run = self._open.get(at)
        if run is None:
            run = self._open[at] = unpacked(self._packed[at])
        return run


unpacked = msgspec.msgpack.Decoder(Run).decode
"""The run that was packed as these bytes."""


def _packed(names: list[bytes], values: list[bytes]) -> bytes:
    # By way of a buffer: bytes that an encoder returns were cut from a longer piece of memory, and leave a hole there.
    _encode_into((names, values), _buffer)
    return bytes(_buffer)
