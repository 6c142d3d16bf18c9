"""The monthly allowance: the first 1,000 service messages of a phone number's month are free, in the order of event time.

The order is (billing instant, message id, participant), never arrival. One record holds the count and the edge, the delivery that takes
the last free place: a late delivery before the edge pushes the edge's delivery out, a removal lets the next one back in. So either costs
O(log n), whatever the length of the month.

Deliveries that take no place, because Meta's word decides them, are still measured against the edge: their own verdict is kept beside
Meta's.

Source: contract §2, rulebook 2026-10-01.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from rating import keys
from rating.leaves import Entry, Leaves
from rating.records import Edge, decode_edge, encode
from rating.stage import State

FREE_PER_MONTH: Final = 1000
"""Free service messages of one business phone number and calendar month. A parameter of the core: tests use 3."""


class Moved(NamedTuple):
    """What a moved edge changes."""

    place: bytes | None
    """The `moment` of the delivery that lost or regained a free place, or None."""
    beside_from: bytes
    """Those that take no place and lie in `[beside_from, beside_to)` changed sides too; `beside_to` None is the end of the month."""
    beside_to: bytes | None


class Allowance:
    """The order of one phone number's month, over the state and the leaves it lies in."""

    __slots__ = ("_edge_key", "_entries", "_free", "_state", "bucket")

    def __init__(self, state: State, leaves: Leaves, phone_number_id: str, month: str, free: int) -> None:
        self._state = state
        self._free = free
        self.bucket = keys.of_owner(keys.MONTH, phone_number_id, month)
        """Where those that take no place lie, under `keys.NO_PLACE`."""
        self._entries = leaves.of(self.bucket)
        self._edge_key = keys.of_owner(keys.ALLOWANCE_EDGE, phone_number_id, month)

    def is_free(self, moment: bytes) -> bool:
        """Whether fewer than the allowance's places are taken before this one."""
        last_free = self._edge().last_free
        return last_free is None or moment <= last_free

    def measure(self, moment: bytes) -> None:
        """Files a delivery that takes no place."""
        self._entries.put(keys.NO_PLACE, moment)

    def forget(self, moment: bytes) -> None:
        """Takes it out again."""
        self._entries.delete(keys.NO_PLACE, moment)

    def take(self, moment: bytes) -> Moved | None:
        """Gives a delivery its place; returns whom that changes. Taking a place twice changes nothing."""
        if self._entries.get(keys.PLACE, moment) is not None:
            return None
        self._entries.put(keys.PLACE, moment)
        edge = self._edge()
        before = edge.last_free
        edge.count += 1
        if edge.count == self._free:
            edge.last_free = self._last_place()
        elif before is not None and moment < before:
            edge.last_free = self._place_before(before)
        self._save(edge)
        displaced = before if edge.count > self._free and before != edge.last_free else None
        return _moved(displaced, before, edge.last_free)

    def give_back(self, moment: bytes) -> Moved | None:
        """Takes a delivery out of the order; returns whom that changes. Giving back what was never taken changes nothing."""
        if self._entries.get(keys.PLACE, moment) is None:
            return None
        edge = self._edge()
        before = edge.last_free
        returned = None
        if before is not None and moment <= before:
            returned = edge.last_free = self._place_after(before)
        self._entries.delete(keys.PLACE, moment)
        edge.count -= 1
        self._save(edge)
        return _moved(returned, before, edge.last_free)

    def _edge(self) -> Edge:
        known = self._state.get(self._edge_key)
        return Edge() if known is None else decode_edge(known)

    def _save(self, edge: Edge) -> None:
        if edge.count:
            self._state.put(self._edge_key, encode(edge))
        else:
            self._state.delete(self._edge_key)

    def _last_place(self) -> bytes | None:
        return _sort(self._entries.last(keys.PLACE))

    def _place_before(self, moment: bytes) -> bytes | None:
        return _sort(self._entries.last(keys.PLACE, b"", moment))

    def _place_after(self, moment: bytes) -> bytes | None:
        return _sort(self._entries.first(keys.PLACE, moment + b"\x00"))


def _sort(entry: Entry | None) -> bytes | None:
    return None if entry is None else entry[0]


def _moved(place: bytes | None, before: bytes | None, after: bytes | None) -> Moved | None:
    """The stretch between two edges; an edge of None lies after everything."""
    if before == after:
        return None
    if before is None or after is None:
        return Moved(place, before or after or b"", None)
    return Moved(place, min(before, after), max(before, after))
