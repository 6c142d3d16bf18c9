"""Several rating jobs, each in a process of its own.

This process reads and cuts the input; a job gets its part of a block as soon as it has answered the one before. Nothing is sent to a job
that may be writing, so neither ever waits for the other to read. Blocks come back whole and in their order, so that what is written
depends on the input and on the number of jobs alone.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from typing import Final

import msgspec

from streams.inputs import NO_LINES, Block
from streams.offline import Counts
from streams.rate.job import Answer, Job, Refused, Wanted
from streams.rate.process import JobProcess
from streams.rate.routes import Part, Routes
from streams.results import Results

BLOCKS_UNDER_WAY: Final = 4
"""How many blocks may be read before the first of them is done."""


class _Round(msgspec.Struct):
    """A block under way."""

    block: Block
    parts: list[Part]
    rejected: list[Refused]
    answers: dict[int, Answer]
    """By job, of those that got a part and have answered."""

    def is_done(self) -> bool:
        return all(job in self.answers for job, part in enumerate(self.parts) if part.lines)

    def answer(self) -> Answer:
        """What the jobs answered, one after the other; places are those in the block."""
        whole = Answer(rejected=self.rejected)
        for job, answer in sorted(self.answers.items()):
            whole.lines += answer.lines
            places = self.parts[job].places
            whole.rejected += [Refused(places[it.place], it.reason, it.detail) for it in answer.rejected]
        whole.rejected.sort()
        return whole


class Processes:
    """So many jobs. A context: leaving it ends every process."""

    def __init__(self, make: Callable[[], Job], wanted: Wanted, jobs: int) -> None:
        """`make` is called in each process, where everything that this one holds is at hand."""
        self.results = Results(with_compliance=wanted.compliance)
        self._wanted = wanted
        self._routes = Routes(jobs)
        self._rounds: deque[_Round] = deque()
        self._sent: list[deque[_Round]] = [deque() for _ in range(jobs)]
        """By job, the blocks of which it has not answered its part."""
        self._processes: list[JobProcess] = []
        # A Ctrl-C that comes now must find processes that ignore it, and this one able to end them.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for number in range(jobs):
                self._processes.append(JobProcess(number, make, self._processes))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.stop()

    def rate(self, block: Block) -> Iterator[tuple[Block, Answer]]:
        """Takes a block in, and gives back those that are done by now."""
        if self._wanted.webhooks:
            parts, rejected = self._routes.of_webhooks(block.lines)
            self.results.rejected.update(it.reason for it in rejected)
        else:
            parts, rejected = self._routes.of_events(block.lines), []
        round_ = _Round(block, parts, rejected if self._wanted.rejected else [], {})
        self._rounds.append(round_)
        for process, part, sent in zip(self._processes, parts, self._sent, strict=True):
            if part.lines:
                sent.append(round_)
                process.ask(part.lines, part.events)
        self._receive(timeout_s=0)
        while len(self._rounds) >= BLOCKS_UNDER_WAY and not self._rounds[0].is_done():
            self._receive()
        yield from self._done()

    def end(self) -> Iterator[tuple[Block, Answer]]:
        """Gives back what is under way, and what the end of the input brings; then `results` is complete."""
        while self._rounds:
            if not self._rounds[0].is_done():
                self._receive()
            yield from self._done()
        for process in self._processes:
            process.ask_for_the_end()
        counts = Counts()
        told = []
        for process in self._processes:
            answer = process.take_answer()
            counts.add(answer.counts)
            told.append(answer.counts)
            yield NO_LINES, answer
        yield from self._divide(counts.bands(), told)

    def _divide(self, bands: Mapping[bytes, bytes | None], told: Sequence[Mapping[bytes, bytes]]) -> Iterator[tuple[Block, Answer]]:
        """Gives each job the volume bands of what it has told, and gives back the lines that this brings."""
        for process, counts in zip(self._processes, told, strict=True):
            process.ask_to_divide({key: value for key, value in bands.items() if key in counts})
        for process in self._processes:
            yield NO_LINES, process.take_answer()
            self.results.add(process.take_results())

    def _receive(self, timeout_s: int | None = None) -> None:
        """Takes the answers that are there; without a time limit at least one."""
        busy = {process.connection: process for process in self._processes if process.is_busy}
        for connection in wait(list(busy), timeout_s):
            process = next(it for other, it in busy.items() if other is connection)
            self._sent[process.number].popleft().answers[process.number] = process.take_answer()

    def _done(self) -> Iterator[tuple[Block, Answer]]:
        while self._rounds and self._rounds[0].is_done():
            done = self._rounds.popleft()
            yield done.block, done.answer()
