"""A consumer group: who owns which partition, and how late a member may learn it.

Rebalances are eager, as Faust's are: everybody gives up everything, then everybody is told anew. A member that does not answer in
time is left out and goes on believing that it owns what it had, until it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from faust.types import TP

from streams.pipeline.pipeline import Pipeline
from tests.simulation.network import Network
from tests.simulation.world import Process, World

SESSION_S = 1.5
REBALANCE_S = 1.0


class Member:
    """A worker's place in the group. It belongs to one process."""

    def __init__(self, process: Process, engine: Pipeline, owns: Callable[[set[TP]], None]) -> None:
        self.process = process
        self.generation = -1
        self.owned: set[TP] = set()
        self._engine = engine
        self._owns = owns
        self._news: asyncio.Queue[tuple[int, set[TP] | None]] = asyncio.Queue()

    def tell(self, generation: int, assigned: set[TP] | None) -> None:
        """Comes over the network: None means that a rebalance begins, or that the group does not know this member any more."""
        if self.process.is_alive:
            self.process.call_soon(self._news.put_nowait, (generation, assigned))

    async def follow(self, group: Group) -> None:
        """Does what the group says, one thing after another."""
        group.join(self)
        while True:
            generation, assigned = await self._news.get()
            if assigned is None:
                leaving, self.owned = self.owned, set()
                self._owns(set())
                await self._engine.revoked(leaving)
                self.generation = generation
                group.ready(self, generation)
            elif generation == self.generation:
                self.owned = assigned
                await self._engine.assigned(assigned)
                self._owns(assigned)


class Group:
    """The group's coordinator."""

    def __init__(self, world: World, network: Network, partitions: list[TP]) -> None:
        self.world = world
        self.network = network
        self.generation = 0
        self.deaf = 0.0
        """Share of notices that get lost: the member learns of a rebalance only when it has been left out."""
        self._partitions = partitions
        self._members: list[Member] = []
        self._ready: list[Member] = []
        self._everybody: dict[Process, Member] = {}
        self._is_preparing = False

    def join(self, member: Member) -> None:
        """A new member, or one that had been left out."""
        self.world.after(self.network.delay_s(), lambda: self._add(member))

    def ready(self, member: Member, generation: int) -> None:
        """A member has given up what it had."""

        def arrive() -> None:
            if member not in self._members:
                self._add(member)
            elif generation == self.generation and self._is_preparing and member not in self._ready:
                self._ready.append(member)
                if len(self._ready) == len(self._members):
                    self._assign(generation)

        self.world.after(self.network.delay_s(), arrive)

    def left(self, process: Process) -> None:
        """A process has ended; the group learns it when the session ends, or at once."""
        self.world.after(self.world.rng.choice((0.01, SESSION_S)), lambda: self._remove(process))

    def frozen(self, process: Process) -> None:
        """A process sends no heartbeats; it is left out after the session timeout, unless it goes on before."""
        until = self.world.now_s + SESSION_S
        self.world.after(SESSION_S, lambda: self._remove(process) if process.is_frozen and self.world.now_s >= until else None)

    def thawed(self, process: Process) -> None:
        """It sends a heartbeat after some time, and is told if it is no member any more."""

        def beat() -> None:
            member = self._everybody.get(process)
            if member is not None and member not in self._members and process.is_alive:
                member.tell(self.generation, None)

        self.world.after(self.world.rng.random() * 0.5, beat)

    def owner_of(self, partition: int) -> Process | None:
        """Who has a partition, as the group sees it."""
        for member in self._members:
            if any(tp.partition == partition for tp in member.owned):
                return member.process
        return None

    def rebalance(self) -> None:
        """Begins anew."""
        self.generation += 1
        generation = self.generation
        self._is_preparing = True
        self._ready = []
        self.world.say(f"group: rebalance {generation} of {[member.process.name for member in self._members]}")
        for member in self._members:
            late_s = SESSION_S + self.world.rng.random() if self.world.rng.random() < self.deaf else 0.0
            self.world.after(self.network.delay_s() + late_s, lambda member=member: self._notify(member))  # type: ignore[misc] # a default binds it
        self.world.after(REBALANCE_S, lambda: self._assign(generation))

    def _notify(self, member: Member) -> None:
        if member.generation != self.generation:
            member.tell(self.generation, None)

    def _add(self, member: Member) -> None:
        if member.process.is_alive and member not in self._members:
            self._members.append(member)
            self._everybody[member.process] = member
            self.rebalance()

    def _remove(self, process: Process) -> None:
        gone = [member for member in self._members if member.process is process]
        if gone:
            self._members = [member for member in self._members if member.process is not process]
            self.rebalance()

    def _assign(self, generation: int) -> None:
        if generation != self.generation or not self._is_preparing:
            return
        self._is_preparing = False
        for member in self._members:
            if member not in self._ready:  # it is told when it next sends a heartbeat
                self.world.after(self.world.rng.random() * 0.5, lambda member=member: self._notify(member))  # type: ignore[misc] # a default binds it
        self._members = list(self._ready)
        if not self._members:
            return
        shares: list[set[TP]] = [set() for _ in self._members]
        first = self.world.rng.randrange(len(shares))
        for tp in self._partitions:
            shares[(first + tp.partition) % len(shares)].add(tp)
        for member, share in zip(self._members, shares, strict=True):
            self.world.say(f"group: {member.process.name} gets {sorted({tp.partition for tp in share})}")
            self.world.after(self.network.delay_s(), lambda member=member, share=share: member.tell(generation, share))  # type: ignore[misc] # likewise
