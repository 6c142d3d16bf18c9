"""Which catalog is in force: recorded in the state of each partition, and changed by an activation record alone.

What is in force is a catalog as known at a time: the hash of what its rows said by then, and when that was. A catalog that has learned more
since has the same hash as of that time, so workers can be given a newer one, one by one, before it is activated. One that says something
else about the same time is another catalog, and is refused.

Source: architecture, rules are data with dates.
"""

from __future__ import annotations

from typing import Final

from rating import keys
from rating.catalog import Catalog
from rating.decision import CATALOG_SHOWN
from rating.orders import Active, decode_active
from rating.records import encode
from rating.stage import StageRefusedError, State

BEGINNING_SHOWN: Final = "the beginning"


def active(state: State, catalog: Catalog, first: Catalog) -> Active:
    """What is in force in a state; a new one takes `first`. Raises `StageRefusedError` where `catalog` does not have it."""
    encoded = state.get(keys.ACTIVE_CATALOG)
    if encoded is None:
        found = activation_of(first)
        state.put(keys.ACTIVE_CATALOG, encode(found))
        return found
    found = decode_active(encoded)
    if not has(catalog, found):
        raise StageRefusedError(
            f"in force is catalog {told(found)}, but this worker's is {told(activation_of(catalog.as_known(found.known_at)))}: "
            "give it the one in force, or one that has learned more since; to bring in another, see wameter cards activate"
        )
    return found


def has(catalog: Catalog, wanted: Active) -> bool:
    """Whether a catalog, as known then, says what is wanted."""
    known = catalog.as_known(wanted.known_at)
    return (known.content_hash, known.known_at) == (wanted.catalog, wanted.known_at)


def activation_of(catalog: Catalog) -> Active:
    """What to record so that this catalog, as it is known here, is in force."""
    return Active(catalog.content_hash, catalog.known_at)


def set_active(state: State, wanted: Active) -> None:
    """Puts a catalog in force."""
    state.put(keys.ACTIVE_CATALOG, encode(wanted))


def told(which: Active) -> str:
    """In words: `0123456789ab as known from 2026-10-03`."""
    return f"{which.catalog[:CATALOG_SHOWN]} as known from {which.known_at or BEGINNING_SHOWN}"


def learned(catalog: Catalog) -> str:
    """All that a catalog has ever known, as the workers of a group compare it: a longer list begins with a shorter one's entries."""
    return ",".join(
        f"{known.content_hash[:CATALOG_SHOWN]}@{known.known_at or 'beginning'}" for known in map(catalog.as_known, catalog.known_times)
    )
