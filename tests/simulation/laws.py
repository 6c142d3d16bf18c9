"""What must hold at every commit point and at the end of a run, whatever the stage is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition

from rating.stage import Effects, Record, Stage, State, Tick
from streams.state import positions
from tests.simulation.kafka import Entry, Kafka, Transaction

Memory = dict[tuple[str, int], State]
"""The states that a process has in memory, by stage and partition."""


class BrokenError(AssertionError):
    """A law was broken."""


def must(holds: bool, law: str, *facts: object) -> None:
    """Raises `BrokenError` with the law and the facts."""
    if not holds:
        raise BrokenError(f"{law}: {', '.join(map(repr, facts))}")


def state_topic(stage_name: str) -> str:
    """The name of a stage's changelog."""
    return f"wameter-{stage_name}-state"


class Noted:
    """A stage that remembers which state it saw last for each partition: known by the position that the engine keeps in it."""

    def __init__(self, name: str, stage: Stage, partitions: int, memory: Memory) -> None:
        self.identity, self.inputs, self.broadcast, self.outputs = stage.identity, stage.inputs, stage.broadcast, stage.outputs
        self._name = name
        self._memory = memory
        self._stage = stage
        self._at = [positions.key_of(stage.inputs[0], number) for number in range(partitions)]

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        for number, key in enumerate(self._at):
            if state.get(key) is not None:
                self._memory[self._name, number] = state
        return self._stage.step(state, batch)


class Laws:
    """Follows what readers of committed records see. What the records mean is for those who inherit from it."""

    def __init__(self, kafka: Kafka, partitions: int, stages: Mapping[str, Sequence[str]]) -> None:
        """`stages` are the inputs of each stage, by name; the first input of the first one is what is published from outside."""
        self.kafka = kafka
        self.partitions = partitions
        self.stage_name = next(iter(stages))
        self.input_topic = stages[self.stage_name][0]
        self._reader = {topic: name for name, inputs in stages.items() for topic in inputs}
        self._stage_of = {state_topic(name): name for name in stages}
        self.committed_states: dict[tuple[str, int], dict[bytes, bytes]] = {
            (name, number): {} for name in stages for number in range(partitions)
        }
        """The committed changelog of each stage's partition, compacted."""
        self.states = [self.committed_states[self.stage_name, number] for number in range(partitions)]
        """Those of the first stage."""
        self.tenures: dict[tuple[int, int], int] = {}
        """When each (producer id, epoch) was given out, as a running number."""
        self.needed = [0] * partitions
        """Behind the last record of each input."""
        self.commits = 0
        self._latest = dict.fromkeys(self.committed_states, 0)

    # For those who inherit

    def published(self, entries: Mapping[TopicPartition, list[Entry]]) -> None:
        """Checks what a transaction put out."""

    def moved(self, partition: int) -> None:
        """Checks a partition whose committed state has changed."""

    def is_settled(self) -> bool:
        """True when nothing is left to do once every record was read."""
        return True

    def at_the_end(self) -> None:
        """Checks everything from what lies in the logs alone."""

    # For the run

    def committed(self, transaction: Transaction, memory: Memory | None) -> None:
        """Checks a commit point. `memory` is what the process that commits has in memory, if it lives."""
        self.commits += 1
        changed = {(self._stage_of[tp.topic], tp.partition): tp for tp in transaction.entries if tp.topic in self._stage_of}
        for place, tp in changed.items():
            self._apply(place, transaction.entries[tp])
        self.published(transaction.entries)
        for place in changed:
            self._owned(transaction, place)
            if place[0] == self.stage_name:
                self.moved(place[1])
            if memory is not None and place in memory:
                self._same(place, memory[place])
        for tp, offset in transaction.offsets.items():
            known = self.position(tp.partition, tp.topic)
            must(offset <= known, "no offset is ahead of the state", tp, offset, known)

    def is_done(self) -> bool:
        """True when every record has had its effect, nothing waits, and no transaction is under way."""
        return (
            all(self.position(number) >= needed for number, needed in enumerate(self.needed))
            and all(self._is_read(topic, number) for topic in self._reader for number in range(self.partitions))
            and self.is_settled()
            and not any(log.opened for log in self.kafka.logs.values())
        )

    def finished(self, memories: Sequence[Memory]) -> None:
        """Checks the end of a run; `memories` are those of the living workers, for the partitions that they own."""
        for place, state in self.committed_states.items():
            log = {entry.key or b"": entry.value for entry in self.read(state_topic(place[0]), place[1])}
            kept = {key: value for key, value in log.items() if value is not None}
            must(kept == state, "the compacted changelog is the state", place)
            for memory in memories:
                if place in memory:
                    self._same(place, memory[place])
        self.at_the_end()

    def position(self, partition: int, topic: str | None = None) -> int:
        """How far the committed state of its stage has read an input; without a name, the first one."""
        topic = topic or self.input_topic
        value = self.committed_states[self._reader[topic], partition].get(positions.key_of(topic, partition))
        return 0 if value is None else int.from_bytes(value, "big")

    def _is_read(self, topic: str, partition: int) -> bool:
        last = next((entry.offset for entry in reversed(self.read(topic, partition))), -1)
        return topic == self.input_topic or self.position(partition, topic) > last

    def read(self, topic: str, partition: int, end: int | None = None) -> list[Entry]:
        """Every committed record of a log, up to an offset."""
        log = self.kafka.logs[TopicPartition(topic, partition)]
        found = log.read(log.begin, log.end, committed=True)[0]
        return found if end is None else [entry for entry in found if entry.offset < end]

    def _apply(self, place: tuple[str, int], entries: Sequence[Entry]) -> None:
        state = self.committed_states[place]
        for entry in entries:
            if entry.value is None:
                state.pop(entry.key or b"", None)
            else:
                state[entry.key or b""] = entry.value

    def _owned(self, transaction: Transaction, place: tuple[str, int]) -> None:
        tenure = self.tenures[transaction.producer_id, transaction.epoch]
        must(tenure >= self._latest[place], "who was followed by another commits no more", place, tenure, self._latest[place])
        self._latest[place] = tenure

    def _same(self, place: tuple[str, int], memory: State) -> None:
        items: dict[bytes, bytes] = dict(memory.items())  # type: ignore[attr-defined] # the engine's store can be listed, whatever a stage may do
        state = self.committed_states[place]
        if items != state:
            differing = [
                (key, items.get(key), state.get(key)) for key in sorted(items.keys() | state.keys()) if items.get(key) != state.get(key)
            ]
            must(False, "the state in memory is the changelog", place, differing[:5])
