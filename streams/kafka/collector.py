"""Python's cyclic garbage collector, told what a worker's memory is like: many objects per batch, all freed by reference counts.

Left alone it searches all of a worker's memory for cycles that are not there, again and again: 4 µs of CPU per event, half of what the
engine costs, and pauses that grow with the state.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 100_000
"""New container objects before a search begins. More than the records of every batch under way, so that only what really stays is
searched; few enough that one search takes under 25 ms."""
YOUNG_SEARCHES, MIDDLE_SEARCHES = 20, 20


def spare_what_stays() -> None:
    """Takes everything that exists now out of every search, and searches what comes later seldom. Call it once, after imports."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_SEARCHES, MIDDLE_SEARCHES)


@contextmanager
def few_searches() -> Iterator[None]:
    """The garbage collector as a worker has it, for as long as a command works that holds much."""
    thresholds = gc.get_threshold()
    spare_what_stays()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
