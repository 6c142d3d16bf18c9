"""Rounds: a kind of fault, a moment and traffic, drawn from a seed; played, drained, checked; and counted only if the fault is proven."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

from streams.guards.faults import POINTS, Point
from tests.faults.checks import Checked, check
from tests.faults.kinds import brokers, changelogs, cluster, network, profiles, refused_writes, workers
from tests.faults.play import Play, Stand, draw_moment

EVENTS = 1500
WRITTEN_AND_OPEN: tuple[Point, ...] = ("after_state", "after_offsets", "before_commit")
"""Where the broker certainly has records of the open transaction: a step may have no outputs, none is without state."""

Needs = Literal["any broker", "a broker to break", "a cluster"]


class Kind(NamedTuple):
    """A kind of fault."""

    name: str
    play: Callable[[Play], Awaitable[None]]
    needs: Needs = "any broker"
    points: tuple[Point, ...] = POINTS
    same_history: bool = True
    """Whether the state must be, byte by byte, what the log gives: not where profiles come in between."""


KINDS: tuple[Kind, ...] = (
    Kind("worker killed at a point", workers.killed_at_a_point),
    Kind("worker killed at any time", workers.killed_at_any_time),
    Kind("two workers killed at once", workers.two_killed_at_once),
    Kind("zombie replaced", workers.zombie_replaced),
    Kind("zombie evicted", workers.zombie_evicted),
    Kind("worker paused beyond its transaction", workers.paused_too_long, points=WRITTEN_AND_OPEN),
    Kind("scaled out and in", workers.scaled_out_and_in),
    Kind("restarted one by one", workers.restarted_one_by_one),
    Kind("profile late", profiles.late, same_history=False),
    Kind("profile in a new version", profiles.new_version, same_history=False),
    Kind("profile deleted and back", profiles.deleted, same_history=False),
    Kind("changelog ends aborted", changelogs.ends_in_aborted_transactions, points=WRITTEN_AND_OPEN),
    Kind("changelog compacted", changelogs.compacted, needs="a broker to break"),
    Kind("record too large for a topic", refused_writes.record_too_large, needs="a broker to break"),
    Kind("authorisation lost", refused_writes.authorisation_lost, needs="a broker to break"),
    Kind("broker stopped", brokers.stopped, needs="a broker to break"),
    Kind("broker killed", brokers.killed, needs="a broker to break"),
    Kind("broker away", brokers.away, needs="a broker to break"),
    Kind("broker's disk full", brokers.disk_full, needs="a broker to break"),
    Kind("network slow", network.delayed, needs="a broker to break"),
    Kind("network trickles", network.trickling, needs="a broker to break"),
    Kind("network cut", network.cut, needs="a broker to break"),
    Kind("network silent", network.silent, needs="a broker to break"),
    Kind("transaction coordinator dies", cluster.transaction_coordinator_dies, needs="a cluster"),
    Kind("group coordinator dies", cluster.group_coordinator_dies, needs="a cluster"),
    Kind("leader dies", cluster.leader_dies, needs="a cluster"),
)


@dataclass(frozen=True)
class Outcome:
    """What a round showed."""

    points: tuple[Point, ...]
    """Crash points that workers came to, each time once."""
    ends: tuple[int, ...]
    """How workers ended that the fault ended."""
    checked: Checked

    @property
    def counts(self) -> bool:
        """Whether it is proven that the fault hit something: a crash point was reached, or the log holds aborted records."""
        return bool(self.points) or self.checked.aborted > 0


def draw(seed: int, number: int) -> tuple[Kind, Random]:
    """The kind of a round, and the dice for the rest. All kinds come equally often, each time in another order."""
    cycle, place = divmod(number, len(KINDS))
    deck = list(KINDS)
    Random(f"{seed} deck {cycle}").shuffle(deck)
    return deck[place], Random(f"{seed} round {number}")


async def play_round(kind: Kind, rng: Random, stand: Stand, directory: Path, *, events: int = EVENTS, is_short: bool = True) -> Outcome:
    """Plays, drains, checks, and removes what it wrote to the broker. Raises `AssertionError` with what does not hold."""
    play = Play(stand, directory, rng, draw_moment(rng, kind.points), events, is_short)
    try:
        await kind.play(play)
        return await finish(play, same_history=kind.same_history)
    finally:
        await play.pipeline.close()


async def finish(play: Play, *, same_history: bool = True) -> Outcome:
    """Drains the rest, checks everything, and removes what the round wrote to the broker."""
    drained = await play.pipeline.drain_all()
    checked = await check(play.pipeline, drained, same_history=same_history)
    await play.pipeline.delete_topics()
    return Outcome(tuple(play.reached), tuple(play.ends), checked)
