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
    """The order of one phone number's month, over the state it lies in."""

    __slots__ = ("_beside", "_edge_key", "_free", "_places", "_state")

    def __init__(self, state: State, phone_number_id: str, month: str, free: int) -> None:
        self._state = state
        self._free = free
        self._places = keys.of_owner(keys.PLACE, phone_number_id, month)
        self._beside = keys.of_owner(keys.NO_PLACE, phone_number_id, month)
        self._edge_key = keys.of_owner(keys.ALLOWANCE_EDGE, phone_number_id, month)

    @property
    def beside(self) -> bytes:
        """Bucket of the deliveries that take no place."""
        return self._beside

    def is_free(self, moment: bytes) -> bool:
        """Whether fewer than the allowance's places are taken before this one."""
        last_free = self._edge().last_free
        return last_free is None or moment <= last_free

    def measure(self, moment: bytes) -> None:
        """Files a delivery that takes no place."""
        self._state.put(self._beside + moment, b"")

    def forget(self, moment: bytes) -> None:
        """Takes it out again."""
        self._state.delete(self._beside + moment)

    def take(self, moment: bytes) -> Moved | None:
        """Gives a delivery its place; returns whom that changes. Taking a place twice changes nothing."""
        if self._state.get(self._places + moment) is not None:
            return None
        self._state.put(self._places + moment, b"")
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
        if self._state.get(self._places + moment) is None:
            return None
        edge = self._edge()
        before = edge.last_free
        returned = None
        if before is not None and moment <= before:
            returned = edge.last_free = self._place_after(before)
        self._state.delete(self._places + moment)
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
        return self._nearest(b"", None, reverse=True)

    def _place_before(self, moment: bytes) -> bytes | None:
        return self._nearest(b"", moment, reverse=True)

    def _place_after(self, moment: bytes) -> bytes | None:
        return self._nearest(moment + b"\x00", None, reverse=False)

    def _nearest(self, low: bytes, high: bytes | None, *, reverse: bool) -> bytes | None:
        for key, _ in self._state.range(self._places, low, high, reverse=reverse):
            return key[len(self._places) :]
        return None


def _moved(place: bytes | None, before: bytes | None, after: bytes | None) -> Moved | None:
    """The stretch between two edges; an edge of None lies after everything."""
    if before == after:
        return None
    if before is None or after is None:
        return Moved(place, before or after or b"", None)
    return Moved(place, min(before, after), max(before, after))
