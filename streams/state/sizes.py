"""How large a partition's state is: counted when it is opened, carried on by what the steps since then have added.

To count it anew for every look would stop the worker for a moment each time; to follow every write would cost more than it is worth.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.state.store import Store

SAMPLE_EVERY = 64
"""Steps between two looks at how large the records are that steps write."""


class StateSize:
    """Records exactly, bytes as an estimate: what is added since the count is taken to be as large as what was written lately."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted_records = 0
        self._counted_bytes = 0
        self._mean_bytes = 0.0
        self._steps = 0

    def count(self) -> None:
        """Counts all of it: about a third of a second per million records."""
        self._counted_bytes = sum(len(key) + len(value) for key, value in self._store.items())
        self._counted_records = len(self._store)
        self._mean_bytes = self._counted_bytes / max(1, self._counted_records)

    def wrote(self, changes: Mapping[bytes, bytes | None]) -> None:
        """A step has changed these."""
        if self._steps % SAMPLE_EVERY == 0 and (sizes := [len(key) + len(value) for key, value in changes.items() if value is not None]):
            self._mean_bytes = sum(sizes) / len(sizes)
        self._steps += 1

    @property
    def records(self) -> int:
        """How many records the state has."""
        return len(self._store)

    @property
    def bytes(self) -> int:
        """Their keys and values, about."""
        return max(0, self._counted_bytes + round((self.records - self._counted_records) * self._mean_bytes))
