"""TIER: how a portfolio's messages divide among volume bands, as a stage.

It is keyed by portfolio, market, category family and month, reads absolute counts and tells, per tally, where the edges of its bands lie.
It knows no prices, no lines and no messages, and has no clock: counts are absolute, so the last of each is the truth in any order.

Source: contract §8; architecture §3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from rating.records import FORMAT, CountedTally, VolumeEdge
from rating.rejects import REJECTS, rejected_record
from rating.stage import Effects, Output, Record, State, Tick
from rating.tiers.allocation import Order, below, shift
from rating.tiers.naming import BANDS, COUNTS, TallyName, tally_named
from rating.tiers.wire import CountTold, MalformedError, bands_output, read_count
from schemas.decode import Rejection
from schemas.rejections import INVALID_FIELD

_Told = dict[bytes, tuple[TallyName, CountTold]]
"""By place in the order."""


class Tier:
    """Follows the edges of volume bands; publishes how each tally divides, whenever that changed."""

    inputs: Final = (COUNTS,)
    broadcast: Final = ()
    gathers: Final = True
    outputs: Final = (BANDS, REJECTS)
    identity: Final[Mapping[str, str]] = {"tiers": "marginal, by the order of the totals", "state_format": str(FORMAT)}

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        """Takes the last count of each tally in the batch, then says what that changes. Ticks change nothing."""
        told: dict[bytes, _Told] = defaultdict(dict)
        outputs: list[Output] = []
        malformed = 0
        for item in batch:
            if isinstance(item, Tick):
                continue
            try:
                name, count = read_count(item)
            except MalformedError as error:
                outputs.append(rejected_record(item, Rejection(INVALID_FIELD, str(error))))
                malformed += 1
                continue
            told[name.counter][name.place] = name, count
        changed = 0
        for counter, tallies in told.items():
            bands = list(_allocate(Order(state, counter), tallies))
            changed += len(bands)
            outputs += bands
        return Effects(outputs, {"counter": len(told), "allocation": changed, "rejected": malformed})


def _allocate(order: Order, told: _Told) -> list[Output]:
    """Applies new counts of one counter; returns what is to be told of its tallies."""
    before: dict[bytes, CountedTally | None] = {}
    after: dict[bytes, CountedTally] = {}
    for place, (name, count) in told.items():
        known = before[place] = order.at(place)
        edges = count.edges or (() if known is None else known.edges)
        after[place] = CountedTally(count.messages, edges, name.record_key)
    changes = {place: tally.messages - (known.messages if (known := before[place]) else 0) for place, tally in after.items()}
    if not any(changes.values()):
        return []
    for place, tally in after.items():
        order.put(place, tally)
    volume = order.volume()
    old = shift(order, volume, changes, (edge for tally in after.values() for edge in tally.edges))
    concerned = {**after, **{place: tally for place, tally in _passed(order, old, volume.edges) if place not in after}}
    outputs = []
    for place in sorted(concerned):
        tally = concerned[place]
        known = before.get(place, tally)
        was = [None] * len(tally.edges) if known is None else below(old, place, tally.edges)
        now = below(volume.edges, place, tally.edges) if tally.messages else [None] * len(tally.edges)
        if was != now and (named := tally_named(tally.key)) is not None:
            outputs.append(bands_output(named, tally.edges, now, volume.revision + 1))
    volume.revision += bool(outputs)
    order.keep(volume)
    return outputs


def _passed(order: Order, old: Sequence[VolumeEdge], new: Sequence[VolumeEdge]) -> list[tuple[bytes, CountedTally]]:
    """The tallies from where an edge was to where it is, both included; an edge without a holder lies after all.

    An edge that is new was nobody's: only those that brought it are told of it.
    """
    passed: dict[bytes, CountedTally] = {}
    old_by_number = {edge.at: edge for edge in old}
    for edge in new:
        known = old_by_number.get(edge.at)
        if known is None or known == edge:
            continue
        ends = [holder for holder in (known.holder, edge.holder) if holder is not None]
        passed.update(order.between(min(ends), None if len(ends) == 1 else max(ends)))
    return list(passed.items())
