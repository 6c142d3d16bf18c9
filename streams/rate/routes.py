"""Which job a line goes to: all lines of a business phone number to the same one.

The number is found by looking at the bytes, without reading the JSON, wherever that is certain to find what a reader would. JSON has one
way to write the name of a field that a search for it misses: letters escaped, as `\\u006e`. So where no such escape stands and the name
stands once, its value is the number, or the record has none and is refused whichever job gets it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from schemas.decode import Event, decode_event
from schemas.webhooks import events_of
from streams.rate.job import Refused

_NAME: Final = b'"phone_number_id"'
_FIELDS: Final = (b'"phone_number_id":"', b'"phone_number_id": "')
"""As writers of JSON put it: tight, or with a space."""
_numbers_in = re.compile(rb'"phone_number_id"[ \t\r\n]*:[ \t\r\n]*"([^"\\]+)"').findall
_has_escaped_letter = re.compile(rb"\\u00[567]").search


class Part:
    """What one job gets of a block."""

    __slots__ = ("events", "lines", "places")

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.places: list[int] = []
        """Where in the block each of the lines stood."""
        self.events: list[int] = []
        """Of webhook bodies: which of the lines are events that were taken out of one."""


class Routes:
    """Remembers which job has which phone number. The same blocks of lines go the same ways.

    A number that is new goes to the job that has had the fewest lines; of several in one block the busiest is placed first.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._job_of: dict[bytes, int] = {}
        self._lines_of = [0] * jobs

    def of_events(self, lines: Sequence[bytes]) -> list[Part]:
        """A block of events, cut into a part for each job."""
        numbers = _numbers_of(lines)
        found = list(map(self._job_of.get, numbers))
        if None in found:
            self._settle(number for number, job in zip(numbers, found, strict=True) if job is None and number)
            found = list(map(self._job_of.get, numbers))
        jobs = [place % self._jobs if job is None else job for place, job in enumerate(found)]
        parts = [Part() for _ in range(self._jobs)]
        lines_of = [part.lines for part in parts]
        places_of = [part.places for part in parts]
        for place, job in enumerate(jobs):
            lines_of[job].append(lines[place])
            places_of[job].append(place)
        self._count(parts)
        return parts

    def of_webhooks(self, bodies: Sequence[bytes]) -> tuple[list[Part], list[Refused]]:
        """A block of webhook bodies, cut into a part for each job, and what of them is no event.

        A body goes whole to a job if all of its phone numbers are that job's. Otherwise its events go each to its own.
        """
        named = [_numbers_named(body) for body in bodies]
        self._settle(number for numbers in named for number in numbers or () if number not in self._job_of)
        parts = [Part() for _ in range(self._jobs)]
        refused: list[Refused] = []
        for place, (body, numbers) in enumerate(zip(bodies, named, strict=True)):
            jobs = None if numbers is None else {self._job_of[number] for number in numbers} or {place % self._jobs}
            if jobs is not None and len(jobs) == 1:
                part = parts[jobs.pop()]
                part.lines.append(body)
                part.places.append(place)
                continue
            for event in events_of(body):
                if isinstance(event, bytes):
                    part = parts[self._job(event, place)]
                    part.events.append(len(part.lines))
                    part.lines.append(event)
                    part.places.append(place)
                else:
                    refused.append(Refused(place, event.reason, event.detail))
        self._count(parts)
        return parts, refused

    def _job(self, event: bytes, place: int) -> int:
        number = _number_of(event)
        if not number:
            return place % self._jobs
        if number not in self._job_of:
            self._settle((number,))
        return self._job_of[number]

    def _settle(self, numbers: Iterable[bytes]) -> None:
        """Gives each of the new numbers a job; a number stands once for each of its lines."""
        lines_of = self._lines_of.copy()
        for number, lines in sorted(Counter(numbers).items(), key=lambda item: (-item[1], item[0])):
            job = min(range(self._jobs), key=lines_of.__getitem__)
            self._job_of[number] = job
            lines_of[job] += lines

    def _count(self, parts: Sequence[Part]) -> None:
        for job, part in enumerate(parts):
            self._lines_of[job] += len(part.lines)


def _numbers_of(lines: Sequence[bytes]) -> list[bytes]:
    """The phone number of each event, empty where there is none: then it is no event."""
    tight, spaced = _FIELDS
    field = spaced if spaced in lines[0] else tight
    numbers = [line.partition(field)[2].partition(b'"')[0] for line in lines]
    whole = b"\n".join(lines)
    escapes = b"\\" in whole
    doubtful = [place for place, number in enumerate(numbers) if not number or (escapes and b"\\" in number)]
    others = whole.count(_NAME) - sum(lines[place].count(_NAME) for place in doubtful)
    if others != len(lines) - len(doubtful):
        doubtful += [place for place, line in enumerate(lines) if line.count(_NAME) > 1]
    if escapes and _has_escaped_letter(whole):
        doubtful += [place for place, line in enumerate(lines) if _has_escaped_letter(line)]
    for place in doubtful:
        numbers[place] = _number_of(lines[place])
    return numbers


def _number_of(event: bytes) -> bytes:
    """The phone number of an event, however it is written; empty where it is no event."""
    numbers = _numbers_named(event)
    if numbers is not None and len(numbers) <= 1:
        return numbers[0] if numbers else b""
    decoded = decode_event(event)
    return decoded.phone_number_id.encode() if isinstance(decoded, Event) else b""


def _numbers_named(record: bytes) -> list[bytes] | None:
    """Every phone number that a record names, or more; None where a search of the bytes may miss one."""
    numbers = _numbers_in(record)
    return None if record.count(_NAME) != len(numbers) or _has_escaped_letter(record) else numbers
