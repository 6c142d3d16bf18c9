"""METER's side of volume bands: how many messages of a total count, at which band the published lines price them, and what must move.

A charge is priced in the band that its total's next message lies in, as far as that is known. Everything later is an adjustment: when other
totals grow or shrink, when a message is taken back that was not the last one, when TIER knows better. At the end of each step the lines of
every touched total are in line with what is known then; when TIER has had its say, that is the truth.

Source: contract §4, §8; architecture §3.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson

from rating import keys
from rating.lines import RATED
from rating.money import Nanos, format_nanos
from rating.records import Figures, Tally, Terms, decode_tally, encode
from rating.stage import Output, State
from rating.tiers.division import Move, band_of, divided, moves
from rating.tiers.naming import TallyName, tally_named, tally_of, total_of
from rating.tiers.wire import count_output, edges_of
from rating.totals import KEY_FIELDS, Totals, total_of_key

ADJUSTMENT: Final = "adjustment"


class Counted(NamedTuple):
    """Where figures are counted."""

    name: TallyName
    terms: Terms
    band: int
    """Which of the terms' bands the figures price, from 0."""


class _Touched:
    __slots__ = ("messages_before", "name", "record")

    def __init__(self, name: TallyName, record: Tally) -> None:
        self.name = name
        self.record = record
        self.messages_before = record.messages


def counted(figures: Figures, total: bytes) -> Counted | None:
    """Where messages with these figures are counted, `total` being the key of their total; None where they are not."""
    if figures.terms is None:
        return None
    return Counted(
        tally_of(figures.terms, total), figures.terms, next(n for n, band in enumerate(figures.terms.bands) if band.tier == figures.tier)
    )


class Tallies:
    """The tallies that one step touches: read once, changed in memory, settled once."""

    __slots__ = ("_state", "_touched")

    def __init__(self, state: State) -> None:
        self._state = state
        self._touched: dict[bytes, _Touched] = {}

    def charge(self, what: Counted) -> int:
        """Counts one message more; returns the band, from 0, in which its line is to price it."""
        record = self._touch(what.name).record
        if record.terms is None:
            record.terms, record.total = what.terms, total_of(what.name)
            record.priced = [0] * len(what.terms.bands)
        record.messages += 1
        band = band_of(record.messages, _reach(record))
        record.priced[band] += 1
        return band

    def take_back(self, what: Counted) -> None:
        """Counts one message less, whose line priced it in this band."""
        record = self._touch(what.name).record
        record.messages -= 1
        record.priced[what.band] -= 1

    def tell(self, name: TallyName, below: list[int | None] | None) -> None:
        """Takes in where the edges of the bands lie."""
        self._touch(name).record.below = below

    def settle(self, totals: Totals) -> list[Output]:
        """Writes what was touched, moves totals, and returns adjustments and counts; call it once, before the totals are settled."""
        lines, counts = [], []
        for key, touched in self._touched.items():
            record = touched.record
            if record.terms is not None:
                lines += _adjustments(touched.name, record, record.terms, totals)
                if record.messages != touched.messages_before:
                    counts.append(count_output(touched.name, record.terms, record.messages))
            self._state.put(key, encode(record))
        return lines + counts

    def _touch(self, name: TallyName) -> _Touched:
        touched = self._touched.get(name.state_key)
        if touched is None:
            known = self._state.get(name.state_key)
            touched = self._touched[name.state_key] = _Touched(name, Tally(priced=[]) if known is None else decode_tally(known))
        return touched


def tally_record(state: State, record_key: bytes) -> Tally | None:
    """What a METER's state knows of a tally, by its record key; None where it has no message and was told nothing."""
    name = tally_named(record_key)
    known = None if name is None else state.get(name.state_key)
    return None if known is None else decode_tally(known)


def _reach(record: Tally) -> list[int | None]:
    """Where the edges lie, as far as it was told."""
    if record.below is not None or record.terms is None:
        return record.below or []
    return [None] * len(edges_of(record.terms))


def _adjustments(name: TallyName, record: Tally, terms: Terms, totals: Totals) -> list[Output]:
    """Brings the lines of a tally in line with what is known, in the fewest moves between neighbouring bands."""
    due = divided(record.messages, _reach(record))
    if due == record.priced:
        return []
    record.revision += 1
    found = list(moves(record.priced, due))
    record.priced = due
    total = total_of_key(record.total)
    lines = []
    for move in found:
        lower, higher = terms.bands[move.edge], terms.bands[move.edge + 1]
        cost_nanos = move.down * (lower.cost_nanos - higher.cost_nanos)
        amount_nanos = move.down * (lower.amount_nanos - higher.amount_nanos)
        totals.adjust(total, cost_nanos, amount_nanos)
        lines.append(_line(name, record, terms, move, Nanos(cost_nanos), Nanos(amount_nanos)))
    return lines


def _line(name: TallyName, record: Tally, terms: Terms, move: Move, cost: Nanos, amount: Nanos) -> Output:
    """A function of what is moved and of the tally's revision: a replay writes the same bytes."""
    lower, higher = terms.bands[move.edge], terms.bands[move.edge + 1]
    start, end = (higher, lower) if move.down > 0 else (lower, higher)
    line = {
        "v": 1,
        "line_id": f"{name.state_key[len(keys.TALLY) :].hex()}-{lower.tier_to}-{record.revision}-{ADJUSTMENT}",
        "kind": ADJUSTMENT,
        "revision": record.revision,
        **dict(zip(KEY_FIELDS, name.fields, strict=False)),
        "moved": abs(move.down),
        "cost": format_nanos(cost),
        "amount": format_nanos(amount),
        "tier_from": start.tier,
        "tier_to": end.tier,
    }
    return Output(RATED, (name.fields[0] or "").encode(), orjson.dumps(line))
