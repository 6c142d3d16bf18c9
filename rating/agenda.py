"""The agenda: what of a phone number can be forgotten from which day of its clock on.

Forgetting must cost what leaves, not what stays. So whatever can leave as a whole is on its phone number's agenda, an ordered index by
day: a conversation from the day of its oldest fact, a month of the allowance, a total, figures. `forgetting.py` reads it from the
front. An offline rater forgets nothing and has no agenda.

A day on the agenda is one of the floor, the instant before which facts may go: two days after what it is about, so that a whole day
leaves at once and the hours that later messages still need are past.
"""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

from rating import keys
from rating.leaves import Ordered
from rating.localtime import day_of_date, day_of_next_month
from rating.records import PhoneNumber
from rating.stage import PREFIX_BYTES, State

DAY_MS: Final = 24 * 60 * 60 * 1000
DAYS_AFTER: Final = 2
_DAY_BYTES: Final = 4
_NAME: Final = slice(1, None)
"""Of a bucket: what it is called without its kind."""

CONVERSATION: Final = b"c"
MONTH: Final = b"m"
TOTAL: Final = b"t"
FIGURES: Final = b"y"
"""Kinds of entries, in the order in which they leave on one day: a total when its deliveries have left, its figures after it."""


class Entry(NamedTuple):
    """One entry of an agenda."""

    key: bytes
    day: int
    kind: bytes
    name: bytes
    """16 bytes: with the kind of a state key before it, the key of what may leave."""
    date_day: int
    """Of a total and of figures: their local date, as a day since 1970; otherwise 0."""


class Agenda:
    """The agendas of all phone numbers of a partition, over its state."""

    __slots__ = ("_state",)

    def __init__(self, state: State) -> None:
        self._state = state

    @staticmethod
    def day_for(at_ms: int) -> int:
        """The day on which a fact of this instant may leave."""
        return at_ms // DAY_MS + DAYS_AFTER

    @staticmethod
    def due_before_ms(today: int) -> int:
        """The instant before which facts may leave on a day: at least a day before the floor, so long may a later event need them."""
        return max(0, today + 1 - DAYS_AFTER) * DAY_MS

    def fact_at(self, number: PhoneNumber, conversation: bytes, entries: Ordered, at_ms: int) -> None:
        """A conversation has a fact of this instant: it is due no later than that may leave."""
        day = self.day_for(at_ms)
        if entries.due_day == 0 or day < entries.due_day:
            entries.due_day = self._put(number, max(day, number.swept_day + 1), CONVERSATION, conversation[_NAME])

    def look_again(self, number: PhoneNumber, conversation: bytes, entries: Ordered, day: int) -> None:
        """A conversation of which something stays is looked at again on a later day; 0: nothing is left of it."""
        entries.due_day = day and self._put(number, day, CONVERSATION, conversation[_NAME])

    def month(self, number: PhoneNumber, entries: Ordered, bucket: bytes, month: str) -> None:
        """A month of the allowance leaves when it is over in every zone of the earth and no event may come that belongs to it."""
        if entries.due_day == 0:
            entries.due_day = self._put(number, day_of_next_month(month) + DAYS_AFTER, MONTH, bucket[_NAME])

    def dated(self, number: PhoneNumber, kind: bytes, key: bytes, date: str) -> None:
        """A total, or figures, of a local date. West of Greenwich its last deliveries are of the next day, and leave before it."""
        day = day_of_date(date)
        self._put(number, max(day + 1 + DAYS_AFTER, number.swept_day + 1), kind, key[_NAME], day)

    def postpone(self, number: PhoneNumber, entry: Entry, day: int) -> None:
        """Has an entry looked at again on a later day."""
        self._put(number, day, entry.kind, entry.name, entry.date_day)

    def due(self, number: PhoneNumber, today: int) -> Entry | None:
        """The first entry for a day up to this one, or None."""
        found = self._state.first(keys.of_owner(keys.AGENDA, number.phone_number_id), b"", (today + 1).to_bytes(_DAY_BYTES, "big"))
        if found is None:
            return None
        key, value = found
        rest = key[PREFIX_BYTES:]
        kind, name = rest[_DAY_BYTES : _DAY_BYTES + 1], rest[_DAY_BYTES + 1 :]
        return Entry(key, int.from_bytes(rest[:_DAY_BYTES], "big"), kind, name, int.from_bytes(value, "big"))

    def is_empty(self, number: PhoneNumber) -> bool:
        """Whether nothing of a phone number is left that could leave."""
        return self._state.first(keys.of_owner(keys.AGENDA, number.phone_number_id)) is None

    def _put(self, number: PhoneNumber, day: int, kind: bytes, name: bytes, date_day: int = 0) -> int:
        key = keys.of_owner(keys.AGENDA, number.phone_number_id) + day.to_bytes(_DAY_BYTES, "big") + kind + name
        self._state.put(key, date_day.to_bytes(_DAY_BYTES, "big") if date_day else b"")
        return day

    # Unrated deliveries: they stay, and with them what their mending needs

    def is_unrated_about(self, number: PhoneNumber, date_day: int) -> bool:
        """Whether the phone number has an unrated delivery whose local date can be this one in any zone."""
        low, high = (keys.instant(max(0, date_day + days) * DAY_MS) for days in (-1, 2))
        return self._state.first(keys.of_owner(keys.UNRATED, number.phone_number_id), low, high) is not None

    # Phone numbers that fall silent

    def heard(self, number: PhoneNumber, day: int, patience_days: int) -> None:
        """A phone number spoke on this day of append time: the one on which it will have been silent for too long moves."""
        number.heard_day = day
        self.check_on(number, day + patience_days)

    def check_on(self, number: PhoneNumber, day: int) -> None:
        """Sets the day of append time on which its silence is looked at; 0: none."""
        name = keys.of_owner(keys.CLOCK, number.phone_number_id)[_NAME]
        if number.check_day:
            self._state.delete(keys.SILENT_NUMBERS + number.check_day.to_bytes(_DAY_BYTES, "big") + name)
        number.check_day = day
        if day:
            self._state.put(keys.SILENT_NUMBERS + day.to_bytes(_DAY_BYTES, "big") + name, b"")

    def silent_on(self, day: int) -> bytes | None:
        """The state key of a phone number that has been silent for too long on this day of append time, or None."""
        found = self._state.first(keys.SILENT_NUMBERS, b"", (day + 1).to_bytes(_DAY_BYTES, "big"))
        return None if found is None else keys.CLOCK + found[0][PREFIX_BYTES + _DAY_BYTES :]

    # Sweeps that a step could not finish

    def unfinished(self, most: int) -> list[bytes]:
        """State keys of the phone numbers, so many at most, whose sweep an earlier step left unfinished."""
        return [keys.CLOCK + key[PREFIX_BYTES:] for key, _ in islice(self._state.range(keys.SWEEPS), most)]

    def leave_unfinished(self, number: PhoneNumber, *, is_unfinished: bool) -> None:
        """Says whether a phone number's sweep goes on in the next step."""
        key = keys.SWEEPS + keys.of_owner(keys.CLOCK, number.phone_number_id)[_NAME]
        if is_unfinished:
            self._state.put(key, b"")
        else:
            self._state.delete(key)
