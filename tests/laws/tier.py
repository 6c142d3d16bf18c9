"""TIER beside METER: two logs, and a seed that decides who is how far behind."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from rating.stage import Output, Record
from rating.tiers.stage import Tier
from streams.state.store import Store


class TierLoop:
    """TIER, its state, and the logs between it and METER. It may lag, take many counts in one step, or stop and start again on a copy."""

    def __init__(self, seed: int) -> None:
        self.store = Store()
        self.steps = 0
        self.bands_told = 0
        self._rng = Random(seed)
        self._laziness = self._rng.choice((0.0, 0.3, 0.7, 1.0))
        """How likely each side lets the other wait."""
        self._stage = Tier()
        self._counts: list[Record] = []
        self._bands: list[Record] = []
        self._offset = 0

    def take(self, outputs: Iterable[Output]) -> None:
        """Appends what METER has told."""
        for output in outputs:
            if output.topic == "usage.counts":
                self._counts.append(self._record(output))

    def some_bands(self) -> list[Record]:
        """What METER hears now, if TIER has got on and METER looks."""
        if self._rng.random() >= self._laziness:
            self._step(self._rng.randint(1, 6))
        if self._rng.random() < self._laziness:
            return []
        heard = self._bands[: self._rng.randint(1, 4)]
        del self._bands[: len(heard)]
        return heard

    def all_bands(self) -> list[Record]:
        """Everything that is still to be heard, once TIER has taken every count."""
        while self._counts:
            self._step(self._rng.randint(1, 20))
        heard, self._bands = self._bands, []
        return heard

    def restart(self) -> None:
        """Goes on with a new stage on a copy of the state's bytes."""
        self._stage, self.store = Tier(), copied(self.store)

    def _step(self, most: int) -> None:
        batch = self._counts[:most]
        del self._counts[: len(batch)]
        if not batch:
            return
        self.steps += 1
        self.store.begin()
        effects = self._stage.step(self.store, batch)
        self.store.commit()
        told = [output for output in effects.outputs if output.topic == "usage.bands"]
        if len(told) != len(effects.outputs):
            raise AssertionError("TIER understands what METER tells it")
        self.bands_told += len(told)
        self._bands += [self._record(output) for output in told]

    def _record(self, output: Output) -> Record:
        self._offset += 1
        return Record(output.topic, 0, self._offset, output.key, output.value, None)


def copied(store: Store) -> Store:
    """Another store that holds the same bytes, as after a restore."""
    copy = Store()
    copy.restore((bytes(key), bytes(value)) for key, value in store.items())
    return copy
