"""One step of a stage on a store: whoever does it, a worker in a transaction or somebody who asks what it would do.

What of the batches the state has seen already is left out, and how far they go becomes part of the state, as ADR 2 says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rating.stage import Effects, Record, Stage, Tick
from streams.kafka.batches import RecordBatch
from streams.state import positions
from streams.state.store import Store


class Applied(NamedTuple):
    """What a step came to. The store has it as its open batch: commit that, or roll it back."""

    effects: Effects
    """The outputs are those of this partition."""
    records: int
    """How many records were new."""
    next_offsets: Mapping[str, int]
    """Of the inputs among the batches, by logical topic."""


def apply(stage: Stage, store: Store, number: int, batches: Sequence[RecordBatch], tick: Tick | None = None) -> Applied:
    """Applies what of the batches partition `number` has not seen, then the tick. Raises what the stage raises."""
    store.begin()
    work: list[Record | Tick] = []
    next_offsets: dict[str, int] = {}
    for batch in batches:
        if _take(store, batch, work) and batch.topic in stage.inputs:
            next_offsets[batch.topic] = batch.next_offset
    records = len(work)
    if tick is not None:
        work.append(tick)
    effects = stage.step(store, work)
    if any(batch.topic in stage.broadcast for batch in batches):
        effects.outputs = [output for output in effects.outputs if output.only_in in (None, number)]
    return Applied(effects, records, next_offsets)


def steps_to_end(stage: Stage, store: Store, work: Sequence[Record | Tick] = ()) -> Iterator[tuple[Effects, Mapping[bytes, bytes | None]]]:
    """Effects and changes of a step on `work`, whatever has been seen, and of those that finish what it left."""
    unfinished = True
    while unfinished:
        store.begin()
        effects = stage.step(store, work)
        yield effects, store.commit()
        work, unfinished = (), effects.unfinished


def _take(store: Store, batch: RecordBatch, work: list[Record | Tick]) -> bool:
    """Adds a batch's new records to the step, and its position to the state; False if there is nothing new in it."""
    known = positions.position(store, batch.topic, batch.partition) or 0
    if batch.next_offset <= known:
        return False
    if batch.records and batch.records[0].offset < known:
        work += [record for record in batch.records if record.offset >= known]
    else:
        work += batch.records
    positions.advance(store, batch.topic, batch.partition, batch.next_offset)
    return True
