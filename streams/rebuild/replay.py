"""The log of one partition, played again to a stage on an empty store.

The stage is the worker's own, and steps as a worker's do, one topic in each: what it puts out does not depend on where batches end.

When waits were ended between the records, and how far the last worker came in work that one record leaves for many steps, is recorded
nowhere but in what was published. So such a step is taken if what it puts out is there, and rolled back if not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from typing import NamedTuple

from rating.stage import Effects, Record, Stage, Tick
from rating.waits import next_by_append_time
from streams.engine.stepping import apply, steps_to_end
from streams.guards import identity
from streams.kafka.batches import RecordBatch
from streams.rebuild.said import Said
from streams.state import positions
from streams.state.store import Store

Place = tuple[str, int]
"""A topic, by its logical name, and the number of a partition."""


class Stages(NamedTuple):
    """One stage in two hands: decisions, state and outputs are the same."""

    usual: Stage
    careful: Stage
    """Leaves the next step as much as it may: where a worker stopped is then found exactly."""


class Replay:
    """Plays the log of a partition. Give it records in the order of `in_order`, then `end` it."""

    def __init__(self, stages: Stages, number: int, published: Said, *, batch_max_records: int, tick_interval_ms: int) -> None:
        """`published` is what the partition's workers have said; it is compared with, at the end, and changed by nothing here."""
        self.store = Store()
        self.said = Said()
        """What it would have published."""
        self._stages = stages
        self._number = number
        self._published = published
        self._batch_max_records = batch_max_records
        self._tick_interval_ms = tick_interval_ms
        self.is_over = False
        """Whether the last worker stopped in the middle of what `try_one` was given: nothing after it was read."""
        self._waiting: list[Record] = []
        self._ticked_ms = 0
        self.store.begin()
        self.store.put(identity.KEY, identity.of_state(stages.usual.identity))
        self.store.commit()

    def take(self, record: Record) -> None:
        """The next record of the log."""
        at_ms = record.appended_at_ms or 0
        if at_ms >= self._ticked_ms + self._tick_interval_ms:
            self.flush()
            self._end_waits(at_ms - 1)
            self._ticked_ms = at_ms
        last = self._waiting[-1] if self._waiting else None
        is_full = len(self._waiting) == self._batch_max_records
        if last is not None and (is_full or (last.topic, last.partition) != (record.topic, record.partition)):
            self.flush()
        self._waiting.append(record)

    def flush(self) -> None:
        """Plays what was taken, and all the work that it leaves."""
        if self._waiting:
            batch, self._waiting = self._waiting, []
            self._play((_batch(batch),))

    def try_one(self, record: Record) -> bool | None:
        """Plays a record of which nobody knows whether it was read: True if what it puts out is published, None if that is nothing.

        False: it was not read, so it is not played. After that, and if its work was left in the middle, see `is_over`.
        """
        self.flush()
        self._end_waits((record.appended_at_ms or 0) - 1)
        found, effects = self._try((_batch([record]),))
        while effects is not None and effects.unfinished:
            effects = self._try(())[1]
            self.is_over = effects is None
        return found

    def end(self, cut: Mapping[Place, int]) -> None:
        """Plays what is left, as far as it was published; then the state has come to these positions."""
        batch, self._waiting = self._waiting, []
        if batch:
            self._keep(apply(self._stages.usual, self.store, self._number, (_batch(batch),)).effects)
        if self._finish():
            self._end_waits()
        self.store.begin()
        for (topic, partition), offset in cut.items():
            positions.advance(self.store, topic, partition, offset)
        self.store.commit()

    def _try(self, batches: tuple[RecordBatch, ...], tick: Tick | None = None, *, last: bool = False) -> tuple[bool | None, Effects | None]:
        """A step, if what it puts out is published, or nothing of it stays; else it was not done, and its effects are None.

        `last`: nothing that came after it speaks of the same, so what it puts out must be the latest.
        """
        effects = apply(self._stages.careful, self.store, self._number, batches, tick).effects
        found = self._published.evidence(effects.outputs, self.said)
        latest = self._published.latest_of(effects.outputs)
        if found is False or (last and found is None and not all(latest)):
            self.store.rollback()
            return False, None
        self._keep(effects)
        return found or any(latest) or None, effects

    def _finish(self) -> bool:
        """Does the work that is left, as far as it was done; returns whether it was."""
        unfinished = True
        while unfinished:
            effects = self._try((), last=True)[1]
            if effects is None:
                return False
            unfinished = effects.unfinished
        return True

    def _play(self, batches: tuple[RecordBatch, ...]) -> None:
        effects = apply(self._stages.usual, self.store, self._number, batches).effects
        self._keep(effects)
        if effects.unfinished:
            for rest, _ in steps_to_end(self._stages.usual, self.store):
                self.said.take(rest.outputs)

    def _keep(self, effects: Effects) -> None:
        self.store.commit()
        self.said.take(effects.outputs)

    def _end_waits(self, until_ms: int | None = None) -> None:
        """Ends those waits that the worker had ended by a time; None: when no record came any more, or since it drained.

        What a wait brought and a later event changed need not be found: that event decides the same without it.
        """
        ended_ms = -1
        while (at_ms := next_by_append_time(self.store)) is not None and ended_ms < at_ms and (until_ms is None or at_ms <= until_ms):
            ended_ms = at_ms
            effects = self._try((), Tick(at_ms), last=True)[1]
            if effects is None or (effects.unfinished and not self._finish()):
                return


def in_order(logs: Iterable[Iterable[Record]]) -> Iterator[Record]:
    """Records of several logs by append time; of those of one instant, the first log's first. Each log stays in its own order."""
    return (record for _, _, record in merge(*(_stamped(number, log) for number, log in enumerate(logs)), key=lambda each: each[:2]))


def _stamped(number: int, log: Iterable[Record]) -> Iterator[tuple[int, int, Record]]:
    at_ms = 0
    for record in log:
        at_ms = max(at_ms, record.appended_at_ms or 0)  # a broker's clock may be set back
        yield at_ms, number, record


def _batch(records: list[Record]) -> RecordBatch:
    first = records[0]
    return RecordBatch(first.topic, first.partition, 0, first.offset, records, records[-1].offset + 1)
