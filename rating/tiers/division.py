"""How the messages of one tally divide among bands, by where the edges of the bands lie in it.

An edge is known by how many of the tally's messages come before it, the edge's own message included: none, some, or all of them, however
many they become (None). So what is known of a tally stays true when messages are added after the last edge in it.

Source: contract §8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

Below = Sequence[int | None]
"""Edge by edge, in order; each reaches at least as far as the one before."""


class Move(NamedTuple):
    """Messages that cross one edge."""

    edge: int
    """Which, from 0: it lies between the bands `edge` and `edge + 1`."""
    down: int
    """So many go from the higher band to the lower one; negative: up."""


def divided(messages: int, below: Below) -> list[int]:
    """How many of so many messages are in each band: one more than there are edges."""
    ends = [messages if reach is None else min(reach, messages) for reach in below]
    return [end - begin for begin, end in zip([0, *ends], [*ends, messages], strict=True)]


def band_of(nth: int, below: Below) -> int:
    """The band, from 0, of a tally's n-th message."""
    for band, reach in enumerate(below):
        if reach is None or nth <= reach:
            return band
    return len(below)


def moves(are: Sequence[int], due: Sequence[int]) -> Iterator[Move]:
    """What turns one division of the same messages into another: for each edge that any cross, how many."""
    down = 0
    for edge in range(len(due) - 1):
        down += due[edge] - are[edge]
        if down:
            yield Move(edge, down)
