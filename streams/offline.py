"""A stage without a broker: a loop over records, with the same state and the same steps as in a worker.

What a worker does in one Kafka transaction is one call here; nothing can fail half-way, so nothing is ever rolled back. The
outputs come back in the order in which a worker would append them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from rating.stage import Output, Record, Stage, State, Tick
from streams.state.store import Store

BATCH_RECORDS: Final = 1000

_NEVER_MS: Final = 0
"""Offline no clock moves: the tick that ends the input says so, and no time."""


class OfflineHost:
    """Runs a stage over batches of records; keeps its state in memory for as long as it lives."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._store = Store()

    @property
    def state(self) -> State:
        """What the stage remembers; to be read only."""
        return self._store

    def step(self, batch: Sequence[Record | Tick]) -> list[Output]:
        """Applies a batch, with whatever work the stage left for later steps, and returns everything to append."""
        outputs: list[Output] = []
        while True:
            self._store.begin()
            effects = self._stage.step(self._store, batch)
            self._store.commit()
            outputs += effects.outputs
            if not effects.unfinished:
                return outputs
            batch = ()

    def end(self) -> list[Output]:
        """Ends every wait, as at the end of the input, and returns what that brings."""
        return self.step([Tick(_NEVER_MS, end_of_input=True)])


def run(stage: Stage, records: Iterable[Record]) -> Iterator[Output]:
    """Every output of a stage over records, to the end of the input. Lazy: records are read as outputs are taken."""
    host = OfflineHost(stage)
    for batch in batches(records):
        yield from host.step(batch)
    yield from host.end()


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in lists of `BATCH_RECORDS`; the last is shorter."""
    source = iter(records)
    while batch := list(islice(source, BATCH_RECORDS)):
        yield batch
