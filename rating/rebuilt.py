"""A state that was made again from the log takes over from what is published what the log does not say.

In which order topics were read is recorded nowhere, so a replay may come to the same lines in fewer or in more revisions, and may have
priced a message in another volume band. Neither is a decision, but the next correction names the line that it takes back: so the state
must know each line as it was published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from rating import keys
from rating.agenda import FIGURES, Agenda
from rating.ids import delivery_id_of, digest_of
from rating.records import Delivery, Figures, decode_delivery, decode_figures, decode_number, decode_tally, encode
from rating.stage import State


class Published(NamedTuple):
    """The newest line of a delivery, as far as it may differ."""

    revision: int
    """0: there is none."""
    tier: str | None
    cost_nanos: int
    amount_nanos: int


def take_over(state: State, found: Iterable[bytes], published: Callable[[str], Published], adjusted: Mapping[str, int]) -> list[str]:
    """Brings the state in line with what is published; returns the ids of deliveries whose line prices them in no band of their rate.

    `found` are the state keys of deliveries and tallies, `adjusted` the newest revision of a tally's adjustments by its state key in
    hexadecimal, without the kind. What the lines say beside band and revision must have been compared.
    """
    unlike: list[str] = []
    for key in found:
        value = state.get(key)
        if value is None:
            continue
        if key[:1] == keys.TALLY:
            tally = decode_tally(value)
            tally.revision = adjusted.get(key[len(keys.TALLY) :].hex(), 0)
            state.put(key, encode(tally))
        elif key[:1] == keys.DELIVERY:
            delivery, name = decode_delivery(value), delivery_id_of(key[len(keys.DELIVERY) :])
            line = published(name)
            delivery.revision = line.revision
            if not _in_its_band(state, delivery, line):
                unlike.append(name)
            state.put(key, encode(delivery))
    return unlike


def _in_its_band(state: State, delivery: Delivery, line: Published) -> bool:
    """Has a delivery's line in force price it in the band in which it was published; False if its rate has no such band."""
    if delivery.charge is None:
        return True
    known = state.get(keys.FIGURES + delivery.charge.figures)
    if known is None:
        raise AssertionError("a line in force without its figures")
    figures = decode_figures(known)
    if _band(figures) == (line.tier, line.cost_nanos, line.amount_nanos):
        return True
    for band in () if figures.terms is None else figures.terms.bands:
        in_band = replace(figures, tier=band.tier, cost_nanos=band.cost_nanos, amount_nanos=band.amount_nanos)
        if _band(in_band) == (line.tier, line.cost_nanos, line.amount_nanos):
            delivery.charge = replace(delivery.charge, figures=_keep(state, in_band))
            return True
    return False


def _band(figures: Figures) -> tuple[str | None, int, int]:
    return figures.tier, figures.cost_nanos, figures.amount_nanos


def _keep(state: State, figures: Figures) -> bytes:
    """Puts figures in the state, on the agenda where there is one; returns their name."""
    encoded = encode(figures)
    name = digest_of(encoded)
    if state.get(keys.FIGURES + name) is None:
        state.put(keys.FIGURES + name, encoded)
        number = state.get(keys.of_owner(keys.CLOCK, figures.phone_number_id))
        if number is not None and state.first(keys.of_owner(keys.AGENDA, figures.phone_number_id)) is not None:
            Agenda(state).dated(decode_number(number), FIGURES, keys.FIGURES + name, figures.date)
    return name
