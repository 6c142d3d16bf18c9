"""A rating job: METER with a state of its own, which takes lines of a file and answers with what they brought.

Several jobs give together what one gives alone, if all lines of a business phone number go to the same one in their order: every state,
every total and every unrated delivery belongs to one phone number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from rating.stage import Output, Record, Stage
from schemas.webhooks import events_of
from streams.inputs import NO_LINES, Block
from streams.offline import Counts, OfflineHost, bands_records
from streams.results import RATED, REJECTED, Results

MESSAGES: Final = "whatsapp.messages"
ACCOUNTS: Final = "whatsapp.accounts"
LICENCES: Final = "billing.licences"


class Wanted(msgspec.Struct, frozen=True):
    """What of a job's answers anyone will look at."""

    webhooks: bool = False
    """True where a line is a webhook body, not an event."""
    lines: bool = False
    rejected: bool = False
    compliance: bool = False


class Refused(msgspec.Struct, frozen=True, array_like=True, gc=False, order=True):
    """Why a line, or a part of it, is no event."""

    place: int
    """Which of the lines that were handed over, from 0."""
    reason: str
    detail: str


class Answer(msgspec.Struct, array_like=True):
    """What some lines brought, as far as it is wanted."""

    lines: list[bytes] = []
    """Rated lines in the order in which they were decided."""
    rejected: list[Refused] = []
    counts: dict[bytes, bytes] = {}
    """At the end: what this job told of each tally, by record key."""


class Job:
    """One stage at work. `results` holds what everything so far comes to."""

    def __init__(self, stage: Stage, profiles: Iterable[bytes], wanted: Wanted, licences: Iterable[bytes] = ()) -> None:
        self._host = OfflineHost(stage)
        self._wanted = wanted
        self._counts = Counts()
        self.results = Results(with_compliance=wanted.compliance)
        for topic, told in ((ACCOUNTS, profiles), (LICENCES, licences)):
            self._host.step([Record(topic, 0, number, None, value, None) for number, value in enumerate(told)])

    def rate(self, lines: Sequence[bytes], events: Collection[int] = ()) -> Answer:
        """Rates lines in their order. Of webhook bodies, `events` names the places where an event stands that was taken out of one."""
        answer = Answer()
        if self._wanted.webhooks:
            records = self._unpacked(lines, events, answer)
        else:
            records = [Record(MESSAGES, 0, place, None, line, None) for place, line in enumerate(lines)]
        return self._sorted(self._host.step(records), answer)

    def end(self) -> Answer:
        """Ends every wait, as at the end of the input. What then is counted for volume bands is in the answer."""
        answer = self._sorted(self._host.end(), Answer())
        answer.counts = dict(self._counts.latest)
        return answer

    def divide(self, bands: Mapping[bytes, bytes | None]) -> Answer:
        """Brings lines and totals in line with volume bands, the last thing to do: what TIER says of the counts of all
        jobs, as far as it is about this one's."""
        outputs = [output for batch in bands_records(bands) for output in self._host.step(batch)]
        return self._sorted(outputs, Answer())

    def _unpacked(self, bodies: Sequence[bytes], events: Collection[int], answer: Answer) -> list[Record]:
        records = []
        for place, body in enumerate(bodies):
            for event in (body,) if place in events else events_of(body):
                if isinstance(event, bytes):
                    records.append(Record(MESSAGES, 0, place, None, event, None))
                else:  # the converter's verdict, of which the stage never hears
                    self.results.rejected[event.reason] += 1
                    answer.rejected.append(Refused(place, event.reason, event.detail))
        return records

    def _sorted(self, outputs: Sequence[Output], answer: Answer) -> Answer:
        self._counts.take(outputs)
        self.results.take(outputs)
        if self._wanted.lines:
            answer.lines = [output.value for output in outputs if output.topic == RATED and output.value is not None]
        if self._wanted.rejected:
            answer.rejected += [_refused(output) for output in outputs if output.topic == REJECTED]
            answer.rejected.sort()
        else:
            answer.rejected.clear()
        return answer


class Alone:
    """A single job, in this process: rates a block at once. What `Processes` answers to, too."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.results = job.results

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def rate(self, block: Block) -> Iterator[tuple[Block, Answer]]:
        """Takes a block in and gives it back with what it brought."""
        yield block, self._job.rate(block.lines)

    def end(self) -> Iterator[tuple[Block, Answer]]:
        """What the end of the input brings."""
        counts = Counts()
        answer = self._job.end()
        counts.add(answer.counts)
        yield NO_LINES, answer
        yield NO_LINES, self._job.divide(counts.bands())


def _refused(output: Output) -> Refused:
    headers = dict(output.headers)
    return Refused(int(headers["offset"]), headers["reason"].decode(), headers["detail"].decode())
