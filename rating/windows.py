"""Customer service windows: when is a business free to answer?

Every message from the user opens 24 hours `[t, t + 24 h)`, or refreshes the window that is open. The instants are kept, not their union:
a message can turn out to have come earlier, or to be none that opens a window, and then its hours must be taken back. Two ordered
indexes per conversation answer everything in O(log n): all opening instants, and those that start a chain because none came in the
24 hours before. The same instants always make the same indexes, so the order in which messages arrive cannot matter.

Source: seed S003; Meta, "Pricing on the WhatsApp Business Platform"; contract §2.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from rating import keys
from rating.leaves import Entry, Ordered
from rating.records import Window

LENGTH_MS: Final = 24 * 60 * 60 * 1000

OPENS_NO_WINDOW: Final = frozenset({"reaction", "system"})
"""Kinds of inbound that open nothing (contract §2). An edit of an earlier message opens nothing either."""


class Span(NamedTuple):
    """A stretch of time `[from_ms, to_ms)` in which an answer changed: what must be decided again."""

    from_ms: int
    to_ms: int


class Windows:
    """The windows of one conversation, over its ordered entries."""

    __slots__ = ("_entries",)

    def __init__(self, conversation: Ordered) -> None:
        self._entries = conversation

    def open(self, moment: bytes) -> Span | None:
        """Adds an inbound message; returns the time that was closed and is open now, or None. Adding it twice changes nothing."""
        if self._entries.get(keys.OPENS_WINDOW, moment) is not None:
            return None
        before, after = self._before(moment), self._at_or_after(moment)
        self._entries.put(keys.OPENS_WINDOW, moment)
        if not _reaches(before, moment):
            self._entries.put(keys.CHAIN_START, moment)
        if _reaches(moment, after):
            self._entries.delete(keys.CHAIN_START, _some(after))
        return _only_through(moment, before, after)

    def take_back(self, moment: bytes) -> Span | None:
        """Removes an inbound message that moved or opens nothing; returns the time that was open through it alone, or None."""
        if self._entries.get(keys.OPENS_WINDOW, moment) is None:
            return None
        self._entries.delete(keys.OPENS_WINDOW, moment)
        self._entries.delete(keys.CHAIN_START, moment)
        before, after = self._before(moment), self._at_or_after(moment)
        if _reaches(moment, after) and not _reaches(before, _some(after)):
            self._entries.put(keys.CHAIN_START, _some(after))
        return _only_through(moment, before, after)

    def at(self, instant_ms: int) -> Window | None:
        """The window that is open at an instant, with its opener as evidence, or None.

        Of messages at the same instant the smaller message id opened it: any order, one answer.
        """
        newest = self._not_after(keys.OPENS_WINDOW, instant_ms)
        if newest is None or instant_ms >= keys.at(newest) + LENGTH_MS:
            return None
        start = _some(self._not_after(keys.CHAIN_START, instant_ms))
        return Window(keys.named(start)[0], keys.at(start), keys.at(newest) + LENGTH_MS)

    def is_open(self, instant_ms: int) -> bool:
        """Whether a window is open at an instant."""
        newest = self._not_after(keys.OPENS_WINDOW, instant_ms)
        return newest is not None and instant_ms < keys.at(newest) + LENGTH_MS

    def closed_since_ms(self, instant_ms: int) -> int | None:
        """How long ago the last window closed, None if none ever did or one is open: how far a charged message missed being free."""
        newest = self._not_after(keys.OPENS_WINDOW, instant_ms)
        if newest is None or instant_ms < keys.at(newest) + LENGTH_MS:
            return None
        return instant_ms - keys.at(newest) - LENGTH_MS

    def _not_after(self, kind: bytes, instant_ms: int) -> bytes | None:
        return _sort(self._entries.last(kind, b"", keys.instant(instant_ms + 1)))

    def _before(self, moment: bytes) -> bytes | None:
        return _sort(self._entries.last(keys.OPENS_WINDOW, b"", moment))

    def _at_or_after(self, moment: bytes) -> bytes | None:
        return _sort(self._entries.first(keys.OPENS_WINDOW, moment))


def _sort(entry: Entry | None) -> bytes | None:
    return None if entry is None else entry[0]


def _reaches(earlier: bytes | None, later: bytes | None) -> bool:
    """Whether a message refreshes the window of the one before it: at exactly 24 hours it opens its own."""
    return earlier is not None and later is not None and keys.at(later) < keys.at(earlier) + LENGTH_MS


def _only_through(moment: bytes, before: bytes | None, after: bytes | None) -> Span | None:
    """The part of a message's 24 hours that neither neighbour covers."""
    at_ms = keys.at(moment)
    from_ms = at_ms if before is None else max(at_ms, keys.at(before) + LENGTH_MS)
    to_ms = at_ms + LENGTH_MS if after is None else min(at_ms + LENGTH_MS, keys.at(after))
    return Span(from_ms, to_ms) if from_ms < to_ms else None


def _some(moment: bytes | None) -> bytes:
    """A moment that must exist: a chain has a start, a reached message is there."""
    if moment is None:
        raise AssertionError("the window indexes of a conversation disagree")
    return moment
