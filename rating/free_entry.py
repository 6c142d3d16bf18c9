"""Free entry points: everything is free for a while after a business answers someone who came through an ad.

Each ad referral starts one at the business's first `sent` at or after it and less than 24 hours later. It lasts 72 hours from that
`sent`, or until the expiry Meta printed on it. That first message is free whenever it is delivered. Several make a union.

Referrals and sends arrive in any order, so both are kept in order, and a free entry point is derived: a `sent` opens one when a referral
lies between the send before it and itself. A change touches one send and its neighbour.

Source: contract §2; Meta, "Pricing on the WhatsApp Business Platform", free entry point.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from rating import keys
from rating.leaves import Entry, Ordered
from rating.windows import Span

ANSWER_WITHIN_MS: Final = 24 * 60 * 60 * 1000
LENGTH_MS: Final = 72 * 60 * 60 * 1000


class Change(NamedTuple):
    """What a changed free entry point touches: a stretch of time (None: it was free anyway) and the message that opened it."""

    span: Span | None
    message_id: str


class FreeEntryPoints:
    """The free entry points of one conversation, over its ordered entries."""

    __slots__ = ("_entries",)

    def __init__(self, conversation: Ordered) -> None:
        self._entries = conversation

    def refer(self, moment: bytes) -> list[Change]:
        """Adds an ad referral. Adding it twice changes nothing."""
        self._entries.put(keys.AD_REFERRAL, moment)
        return self._reconsider_answer_to(moment)

    def take_referral_back(self, moment: bytes) -> list[Change]:
        """Removes an ad referral that moved or turned out to be none."""
        self._entries.delete(keys.AD_REFERRAL, moment)
        return self._reconsider_answer_to(moment)

    def send(self, moment: bytes, expires_at_ms: int | None) -> list[Change]:
        """Adds a `sent`, or changes its expiry: the expiry Meta printed, or None."""
        self._entries.put(keys.SENT, moment, b"" if expires_at_ms is None else keys.instant(expires_at_ms))
        if self._entries.first(keys.AD_REFERRAL) is None:  # nearly every conversation: nobody came through an ad
            return []
        return self._reconsider(moment, *self._next_send(moment))

    def take_send_back(self, moment: bytes) -> list[Change]:
        """Removes a `sent` that moved to another instant or conversation."""
        following = self._next_send(moment)
        self._entries.delete(keys.SENT, moment)
        return self._reconsider(moment, *following)

    def forget(self, moment: bytes) -> None:
        """Removes what one `sent` opened, when no delivery is left that it could make free."""
        self._entries.delete(keys.FREE_ENTRY, moment)
        self._count(keys.named(moment)[0], -1)

    def are_any(self) -> bool:
        """Whether there is one at all: in nearly every conversation there is none."""
        return self._entries.first(keys.FREE_ENTRY) is not None

    def covers(self, instant_ms: int) -> bool:
        """Whether an instant lies in any of them."""
        entry = self._entries.last(keys.FREE_ENTRY_UNION, b"", keys.instant(instant_ms + 1))
        return entry is not None and instant_ms < keys.at(entry[1])

    def opened_by(self, message_id: str) -> bool:
        """Whether a message opened one: then it is free whenever it is delivered."""
        return self._entries.get(keys.FREE_ENTRY_MESSAGE, message_id.encode()) is not None

    def _next_send(self, moment: bytes) -> list[bytes]:
        return _sort(self._entries.first(keys.SENT, moment + b"\x00"))

    def _reconsider_answer_to(self, referral: bytes) -> list[Change]:
        at_ms = keys.at(referral)
        return self._reconsider(*_sort(self._entries.first(keys.SENT, keys.instant(at_ms), keys.instant(at_ms + ANSWER_WITHIN_MS))))

    def _reconsider(self, *sends: bytes) -> list[Change]:
        return [change for moment in sends for change in self._settle(moment)]

    def _settle(self, moment: bytes) -> list[Change]:
        """Brings the free entry point of one `sent` in line with the facts; returns what that changes."""
        known = self._entries.get(keys.FREE_ENTRY, moment)
        due = self._end_if_answer(moment)
        if known == due:
            return []
        message_id, _ = keys.named(moment)
        changes = []
        if known is not None:
            self._entries.delete(keys.FREE_ENTRY, moment)
            self._count(message_id, -1)
            changes.append(Change(self._uncover(keys.at(moment), keys.at(known)), message_id))
        if due is not None:
            self._entries.put(keys.FREE_ENTRY, moment, due)
            self._count(message_id, +1)
            changes.append(Change(self._cover(keys.at(moment), keys.at(due)), message_id))
        return changes

    def _end_if_answer(self, moment: bytes) -> bytes | None:
        """When the free entry point that this `sent` opens ends; None when it answers no referral."""
        expiry = self._entries.get(keys.SENT, moment)
        if expiry is None:
            return None
        at_ms = keys.at(moment)
        earliest_ms = at_ms - ANSWER_WITHIN_MS + 1
        previous = _sort(self._entries.last(keys.SENT, b"", moment))
        if previous:
            earliest_ms = max(earliest_ms, keys.at(previous[0]) + 1)
        if earliest_ms > at_ms:
            return None
        if self._entries.first(keys.AD_REFERRAL, keys.instant(earliest_ms), keys.instant(at_ms + 1)) is None:
            return None
        return expiry or keys.instant(at_ms + LENGTH_MS)

    def _count(self, message_id: str, by: int) -> None:
        """One message can open several, when each of a group's members has a `sent` of its own."""
        name = message_id.encode()
        count = int.from_bytes(self._entries.get(keys.FREE_ENTRY_MESSAGE, name) or b"", "big") + by
        if count:
            self._entries.put(keys.FREE_ENTRY_MESSAGE, name, count.to_bytes(2, "big"))
        else:
            self._entries.delete(keys.FREE_ENTRY_MESSAGE, name)

    def _cover(self, from_ms: int, to_ms: int) -> Span | None:
        """Adds `[from_ms, to_ms)` to the union; returns it, or None if every instant of it was in the union before."""
        if to_ms <= from_ms:
            return None
        start_ms, end_ms = from_ms, to_ms
        before = self._entries.last(keys.FREE_ENTRY_UNION, b"", keys.instant(from_ms + 1))
        if before is not None:
            key, end = before
            if keys.at(end) >= to_ms:
                return None
            if keys.at(end) >= from_ms:
                start_ms = keys.at(key)
        swallowed = list(self._entries.range(keys.FREE_ENTRY_UNION, keys.instant(start_ms), keys.instant(to_ms + 1)))
        for key, end in swallowed:
            end_ms = max(end_ms, keys.at(end))
            self._entries.delete(keys.FREE_ENTRY_UNION, key)
        self._entries.put(keys.FREE_ENTRY_UNION, keys.instant(start_ms), keys.instant(end_ms))
        return Span(from_ms, to_ms)

    def _uncover(self, from_ms: int, to_ms: int) -> Span | None:
        """Takes `[from_ms, to_ms)` out of the union and lays the others that it overlapped in again; returns what may have changed."""
        if to_ms <= from_ms:
            return None
        start = _sort(self._entries.last(keys.FREE_ENTRY_UNION, b"", keys.instant(from_ms + 1)))[0]
        end = self._entries.get(keys.FREE_ENTRY_UNION, start)
        self._entries.delete(keys.FREE_ENTRY_UNION, start)
        for key, ends_at in list(self._entries.range(keys.FREE_ENTRY, start, end)):
            self._cover(keys.at(key), keys.at(ends_at))
        return Span(from_ms, to_ms)


def _sort(entry: Entry | None) -> list[bytes]:
    """The sort field of an entry: one, or none."""
    return [] if entry is None else [entry[0]]
