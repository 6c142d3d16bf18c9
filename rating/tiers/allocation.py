"""Where the edges of volume bands lie among a month's tallies, kept up to date by walking neighbours.

The messages of a counter stand in the order of their tallies. An edge is the n-th of them, n being the last message of some band; one
record per counter holds, for each edge, the tally in which it lies and how many messages come before that. A change of counts shifts an
edge by as many messages, so it is found again from where it was, tally by tally: never by summing the month.

Different currencies, days and categories have bands of their own in one counter, so a counter has the edges of all of them; a tally
is told of its own.

Source: contract §8; architecture §3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rating import keys
from rating.records import CountedTally, Volume, VolumeEdge, decode_counted, decode_volume, encode
from rating.stage import PREFIX_BYTES, State
from rating.tiers.naming import counter_bucket


class Seat(NamedTuple):
    """A tally in its place in the order."""

    place: bytes
    tally: CountedTally


class Order:
    """The tallies of one counter, in their order, over the state. Those without messages are not in it."""

    def __init__(self, state: State, counter: bytes) -> None:
        self._state = state
        self._bucket = counter_bucket(keys.COUNTED, counter)
        self._volume_key = counter_bucket(keys.VOLUME, counter)

    def volume(self) -> Volume:
        """What is known of the whole counter."""
        known = self._state.get(self._volume_key)
        return Volume(edges=[]) if known is None else decode_volume(known)

    def keep(self, volume: Volume) -> None:
        """Writes it back."""
        self._state.put(self._volume_key, encode(volume))

    def at(self, place: bytes) -> CountedTally | None:
        """The tally in a place, or None."""
        known = self._state.get(self._bucket + place)
        return None if known is None else decode_counted(known)

    def put(self, place: bytes, tally: CountedTally) -> None:
        """Seats a tally, or empties its place where it has no messages left."""
        if tally.messages:
            self._state.put(self._bucket + place, encode(tally))
        else:
            self._state.delete(self._bucket + place)

    def first(self) -> Seat | None:
        """The first one."""
        return self._seat(self._state.first(self._bucket))

    def last(self) -> Seat | None:
        """The last one."""
        return self._seat(self._state.last(self._bucket))

    def after(self, place: bytes) -> Seat | None:
        """The one that follows a place, which need not be taken."""
        return self._seat(self._state.first(self._bucket, place + b"\x00"))

    def before(self, place: bytes) -> Seat | None:
        """The one that comes before it."""
        return self._seat(self._state.last(self._bucket, b"", place))

    def between(self, low: bytes, high: bytes | None) -> Iterator[Seat]:
        """Those in `[low, high]`; None is the end."""
        for key, value in self._state.range(self._bucket, low, None if high is None else high + b"\x00"):
            yield Seat(key[PREFIX_BYTES:], decode_counted(value))

    @staticmethod
    def _seat(found: tuple[bytes, bytes] | None) -> Seat | None:
        return None if found is None else Seat(found[0][PREFIX_BYTES:], decode_counted(found[1]))


def shift(order: Order, volume: Volume, changes: Mapping[bytes, int], edges: Iterable[int]) -> list[VolumeEdge]:
    """Moves the edges of a counter after its tallies were changed; returns where they were.

    `changes` says by place how many messages more or less there are than before; `edges` are those that its tallies have, known or new.
    """
    old = volume.edges
    volume.messages += sum(changes.values())
    volume.edges = [_moved(order, volume, each, changes) for each in old]
    for at in sorted(set(edges) - {each.at for each in old}):
        volume.edges.append(_found(order, volume, at))
    volume.edges.sort(key=lambda each: each.at)
    return old


def below(edges: Sequence[VolumeEdge], place: bytes, own: Sequence[int]) -> list[int | None]:
    """How far each of a tally's own edges reaches into it: none of its messages, some, or all (None)."""
    by_number = {each.at: each for each in edges}
    return [_reach(by_number.get(at), place) for at in own]


def _reach(edge: VolumeEdge | None, place: bytes) -> int | None:
    if edge is None or edge.holder is None or place < edge.holder:
        return None
    return edge.at - edge.before if place == edge.holder else 0


def _moved(order: Order, volume: Volume, edge: VolumeEdge, changes: Mapping[bytes, int]) -> VolumeEdge:
    """The edge, found again from where it was."""
    if edge.holder is None:
        return _from_the_end(order, volume, edge.at)
    before = edge.before + sum(change for place, change in changes.items() if place < edge.holder)
    return _walked(order, edge.at, edge.holder, before)


def _found(order: Order, volume: Volume, at: int) -> VolumeEdge:
    """An edge that nobody asked about so far, found from the nearest place where the count is known."""
    known = [each for each in volume.edges if each.holder is not None]
    nearest = min(known, key=lambda each: abs(each.before - at), default=None)
    if nearest is None or volume.messages - at < abs(nearest.before - at) or at > volume.messages:
        return _from_the_end(order, volume, at)
    if at < abs(nearest.before - at):
        return _from_the_start(order, at)
    return _walked(order, at, nearest.holder or b"", nearest.before)


def _from_the_end(order: Order, volume: Volume, at: int) -> VolumeEdge:
    last = order.last() if volume.messages >= at else None
    if last is None:
        return VolumeEdge(at, None, 0)
    return _walked(order, at, last.place, volume.messages - last.tally.messages)


def _from_the_start(order: Order, at: int) -> VolumeEdge:
    first = order.first()
    return VolumeEdge(at, None, 0) if first is None else _walked(order, at, first.place, 0)


def _walked(order: Order, at: int, place: bytes, before: int) -> VolumeEdge:
    """The edge, from a place with so many messages before it. Each turn goes to a neighbour that has messages."""
    while before >= at:
        seat = order.before(place)
        if seat is None:
            raise AssertionError("more messages before a place than there are")
        place, before = seat.place, before - seat.tally.messages
    tally = order.at(place)
    messages = 0 if tally is None else tally.messages
    while before + messages < at:
        before += messages
        following = order.after(place)
        if following is None:
            return VolumeEdge(at, None, 0)
        place, messages = following.place, following.tally.messages
    return VolumeEdge(at, place, before)
