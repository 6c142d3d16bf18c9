"""Stages without a broker: loops over records, with the same state and the same steps as in a worker.

What a worker does in one Kafka transaction is one call here; nothing can fail half-way, so nothing is ever rolled back. The
outputs come back in the order in which a worker would append them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from rating.stage import Output, Record, Stage, State, Tick
from rating.tiers.naming import BANDS, COUNTS
from rating.tiers.stage import Tier
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


class Counts:
    """The newest count of each tally, as METERs have told them: what the topic `usage.counts` holds once it is compacted."""

    def __init__(self) -> None:
        self._latest: dict[bytes, bytes] = {}

    def take(self, outputs: Iterable[Output]) -> None:
        """Keeps the counts among some outputs."""
        self._latest.update((output.key or b"", output.value or b"") for output in outputs if output.topic == COUNTS)

    def add(self, told: Mapping[bytes, bytes]) -> None:
        """Keeps those that another METER told."""
        self._latest.update(told)

    @property
    def latest(self) -> Mapping[bytes, bytes]:
        """Key to value of each."""
        return self._latest

    def bands(self) -> dict[bytes, bytes | None]:
        """What TIER makes of them, key to value: what `usage.bands` then holds. Empty where nothing lies beyond a first band."""
        host = OfflineHost(Tier())
        counts = (Record(COUNTS, 0, number, key, value, None) for number, (key, value) in enumerate(sorted(self._latest.items())))
        return {output.key or b"": output.value for batch in batches(counts) for output in host.step(batch)}


def bands_records(bands: Mapping[bytes, bytes | None]) -> Iterator[list[Record]]:
    """What `usage.bands` holds, in batches as a METER reads it."""
    return batches(Record(BANDS, 0, number, key, value, None) for number, (key, value) in enumerate(bands.items()))


def run(stage: Stage, records: Iterable[Record]) -> Iterator[Output]:
    """Every output of METER over records, to the end of the input, volume bands included. Lazy: records are read as outputs are taken."""
    host, counts = OfflineHost(stage), Counts()
    for batch in batches(records):
        outputs = host.step(batch)
        counts.take(outputs)
        yield from outputs
    outputs = host.end()
    counts.take(outputs)
    yield from outputs
    for batch in bands_records(counts.bands()):
        yield from host.step(batch)


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in lists of `BATCH_RECORDS`; the last is shorter."""
    source = iter(records)
    while batch := list(islice(source, BATCH_RECORDS)):
        yield batch
