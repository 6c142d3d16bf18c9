"""Rates one history twice at the same time: as it is, and as it would be. Each side has jobs of its own, as in `wameter rate --jobs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from rating.meter import ACCOUNTS, MESSAGES, Meter
from streams import topic_reader
from streams.errors import UserError
from streams.inputs import Block, blocks, open_input
from streams.rate.job import Job, Wanted
from streams.rate.processes import Processes
from streams.results import Results
from streams.settings import Settings
from streams.stages import meter_of
from streams.topic_reader import TopicReader
from streams.whatif.changes import Changes

LINES_OF_A_JOB: Final = 4096
_WANTED: Final = Wanted()

Report = Callable[[int, int], None]


class Sides:
    """The two ratings under way."""

    def __init__(self, before: Processes, after: Processes) -> None:
        self._both = before, after

    def rate(self, block: Block) -> None:
        """Hands lines to both; neither waits for the other."""
        for side in self._both:
            for _ in side.rate(block):
                pass

    def end(self) -> tuple[Results, Results]:
        """What they come to: as it is, as it would be."""
        for side in self._both:
            for _ in side.end():
                pass
        return self._both[0].results, self._both[1].results


def of_files(
    settings: Settings, changes: Changes, files: Sequence[str], profiles: Sequence[bytes], jobs: int, report: Report
) -> tuple[Results, Results]:
    """Both ratings of files of events. Raises `UserError`, for a catalog that cannot be loaded among others."""
    with _sides(settings, changes, profiles, jobs) as sides:
        for index, name in enumerate(files):
            with open_input(name) as file:
                for block in blocks(file, name, lines=LINES_OF_A_JOB * jobs, progress=partial(report, index)):
                    sides.rate(block)
        return sides.end()


def of_topics(settings: Settings, changes: Changes, jobs: int) -> tuple[Results, Results]:
    """Both ratings of what the topics of a running system hold. Nothing is written there. Raises `UserError`, `UnreachableError`."""
    profiles = topic_reader.run(settings, _profiles)
    with _sides(settings, changes, profiles, jobs) as sides:

        async def read(reader: TopicReader) -> None:
            lines: list[bytes] = []
            async for record in reader.records(MESSAGES):
                lines.append(bytes(record.value or b""))
                if len(lines) >= LINES_OF_A_JOB * jobs:
                    sides.rate(Block(MESSAGES, lines, ()))
                    lines = []
            if lines:
                sides.rate(Block(MESSAGES, lines, ()))

        topic_reader.run(settings, read)
        return sides.end()


async def _profiles(reader: TopicReader) -> list[bytes]:
    return [bytes(record.value) async for record in reader.records(ACCOUNTS) if record.value is not None]


@contextmanager
def _sides(settings: Settings, changes: Changes, profiles: Sequence[bytes], jobs: int) -> Iterator[Sides]:
    before, after = _loaded(lambda: meter_of(settings), lambda: changes.stage(settings))
    changed = [changes.applied_to(profile) for profile in profiles]
    with ExitStack() as stack:
        first = stack.enter_context(Processes(partial(_job, before, profiles), _WANTED, jobs))
        second = stack.enter_context(Processes(partial(_job, after, changed), _WANTED, jobs))
        yield Sides(first, second)


def _loaded(*makers: Callable[[], Meter]) -> list[Meter]:
    """All stages; the problems of all catalogs at once."""
    stages, problems = [], []
    for make in makers:
        try:
            stages.append(make())
        except UserError as error:
            problems += [sentence for sentence in error.sentences if sentence not in problems]
    if problems:
        raise UserError(*problems)
    return stages


def _job(stage: Meter, profiles: Iterable[bytes]) -> Job:
    return Job(stage, profiles, _WANTED)
