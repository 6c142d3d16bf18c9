"""What two accounts of one partition differ in: what is published, and what a replay would publish."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from rating import keys
from rating.rebuilt import Published, take_over
from streams.rebuild.said import Line, Said
from streams.results import nanos
from streams.state.store import Store


class Difference(NamedTuple):
    """Something that is published and would not be, or the other way round, or otherwise."""

    what: str
    name: str
    """The id of a delivery, or the key of a total or of a count."""
    published: str
    rebuilt: str


class Beside(NamedTuple):
    """How the keys of a former state compare with those of the one made again: for information, since a state is known by what it does."""

    equal: int
    different: int
    only_before: int
    only_rebuilt: int


NOTHING = "–"


def differences(published: Said, rebuilt: Said) -> Iterator[Difference]:
    """Every difference: of lines in force by delivery, of the unrated, of totals, of counts for volume bands, of standing verdicts."""
    for delivery in sorted(published.lines.keys() | rebuilt.lines.keys()):
        ours, theirs = published.in_force(delivery), rebuilt.in_force(delivery)
        if not _alike(ours, theirs):
            yield Difference("line", delivery, _shown(ours), _shown(theirs))
    yield from _of_keys("unrated", published.unrated, rebuilt.unrated, lambda value: str(orjson.loads(value)["reason"]))
    yield from _of_keys("total", published.totals, rebuilt.totals, lambda figures: "{} / {} / {} nanos".format(*figures))
    yield from _of_keys("count", published.counts, rebuilt.counts, str)
    yield from _of_keys("verdict", published.verdicts(), rebuilt.verdicts(), str)


def take_over_from(published: Said, store: Store) -> list[Difference]:
    """Has a rebuilt state know each line by the revision and in the volume band in which it was published.

    Returns the lines that are priced in no band of their rate. What they say otherwise must have been found equal.
    """
    store.begin()
    found = [key for key, _ in store.items() if key[:1] in (keys.DELIVERY, keys.TALLY)]
    unlike = take_over(store, found, lambda delivery: _newest(published, delivery), published.adjusted)
    store.commit()
    return [Difference("line", delivery, _shown(published.in_force(delivery)), "no such volume band") for delivery in unlike]


def beside(former: Store, rebuilt: Store) -> Beside:
    """Compares two states key by key."""
    equal = different = only_before = 0
    for key, value in former.items():
        other = rebuilt.get(key)
        only_before += other is None
        equal += other == value
        different += other is not None and other != value
    return Beside(equal, different, only_before, len(rebuilt) - equal - different)


def _alike(ours: list[Line], theirs: list[Line]) -> bool:
    if not ours or not theirs:
        return not ours and not theirs
    if len(ours) > 1 or len(theirs) > 1 or not ours[0].is_charge or not theirs[0].is_charge:
        return False
    (one,), (other,) = ours, theirs
    return one.content == other.content and (one.band == other.band or (one.in_a_band and other.in_a_band))


def _newest(published: Said, delivery: str) -> Published:
    lines = published.lines.get(delivery)
    if not lines:
        return Published(0, None, 0, 0)
    line = max(lines, key=lambda line: line.revision)
    tier, cost, amount = line.band
    return Published(line.revision, tier, nanos(cost), nanos(amount))


def _of_keys(what: str, ours: Mapping[Any, Any], theirs: Mapping[Any, Any], shown: Callable[[Any], str]) -> Iterator[Difference]:
    for key in sorted(ours.keys() | theirs.keys(), key=str):
        one, other = ours.get(key), theirs.get(key)
        if one != other:
            yield Difference(what, _name(key), *(NOTHING if each is None else shown(each) for each in (one, other)))


def _name(key: Any) -> str:
    return key.decode() if isinstance(key, bytes) else " ".join(map(str, key[:2])) if isinstance(key, tuple) else str(key)


def _shown(lines: list[Line]) -> str:
    return "; ".join(f"{line.shown}, revision {line.revision}" + ("" if line.is_charge else ", reversed") for line in lines) or NOTHING
