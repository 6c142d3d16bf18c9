"""What must hold at every commit point and at the end of a run, whatever the stage is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition

from rating.stage import Effects, Record, Stage, State, Tick
from streams.state import positions
from tests.simulation.kafka import Entry, Kafka, Transaction

Memory = dict[int, State]
"""The states that a process has in memory, by partition."""


class BrokenError(AssertionError):
    """A law was broken."""


def must(holds: bool, law: str, *facts: object) -> None:
    """Raises `BrokenError` with the law and the facts."""
    if not holds:
        raise BrokenError(f"{law}: {', '.join(map(repr, facts))}")


class Noted:
    """A stage that remembers which state it saw last for each partition: known by the position that the engine keeps in it."""

    def __init__(self, stage: Stage, partitions: int) -> None:
        self.identity, self.inputs, self.broadcast, self.outputs = stage.identity, stage.inputs, stage.broadcast, stage.outputs
        self.memory: Memory = {}
        self._stage = stage
        self._at = [positions.key_of(stage.inputs[0], number) for number in range(partitions)]

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        for number, key in enumerate(self._at):
            if state.get(key) is not None:
                self.memory[number] = state
        return self._stage.step(state, batch)


class Laws:
    """Follows what readers of committed records see. What the records mean is for those who inherit from it."""

    def __init__(self, kafka: Kafka, partitions: int, stage_name: str, input_topic: str) -> None:
        self.kafka = kafka
        self.partitions = partitions
        self.stage_name = stage_name
        self.input_topic = input_topic
        self.state_topic = f"wameter-{stage_name}-state"
        self.states: list[dict[bytes, bytes]] = [{} for _ in range(partitions)]
        """The committed changelog of each partition, compacted."""
        self.tenures: dict[tuple[int, int], int] = {}
        """When each (producer id, epoch) was given out, as a running number."""
        self.needed = [0] * partitions
        """Behind the last record of each input."""
        self.commits = 0
        self._latest = [0] * partitions

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
        changed = [tp.partition for tp in transaction.entries if tp.topic == self.state_topic]
        for partition in changed:
            self._apply(partition, transaction.entries[TopicPartition(self.state_topic, partition)])
        self.published(transaction.entries)
        for partition in changed:
            self._owned(transaction, partition)
            self.moved(partition)
            if memory is not None and partition in memory:
                self._same(partition, memory[partition])
        for tp, offset in transaction.offsets.items():
            known = self.position(tp.partition)
            must(offset <= known, "no offset is ahead of the state", tp.partition, offset, known)

    def is_done(self) -> bool:
        """True when every record has had its effect, nothing waits, and no transaction is under way."""
        return (
            all(self.position(number) >= needed for number, needed in enumerate(self.needed))
            and self.is_settled()
            and not any(log.opened for log in self.kafka.logs.values())
        )

    def finished(self, memories: Sequence[Memory]) -> None:
        """Checks the end of a run; `memories` are those of the living workers, for the partitions that they own."""
        for partition, state in enumerate(self.states):
            log = {entry.key or b"": entry.value for entry in self.read(self.state_topic, partition)}
            kept = {key: value for key, value in log.items() if value is not None}
            must(kept == state, "the compacted changelog is the state", partition)
            for memory in memories:
                if partition in memory:
                    self._same(partition, memory[partition])
        self.at_the_end()

    def position(self, partition: int) -> int:
        """How far the committed state has read its input."""
        value = self.states[partition].get(positions.key_of(self.input_topic, partition))
        return 0 if value is None else int.from_bytes(value, "big")

    def read(self, topic: str, partition: int, end: int | None = None) -> list[Entry]:
        """Every committed record of a log, up to an offset."""
        log = self.kafka.logs[TopicPartition(topic, partition)]
        found = log.read(log.begin, log.end, committed=True)[0]
        return found if end is None else [entry for entry in found if entry.offset < end]

    def _apply(self, partition: int, entries: Sequence[Entry]) -> None:
        state = self.states[partition]
        for entry in entries:
            if entry.value is None:
                state.pop(entry.key or b"", None)
            else:
                state[entry.key or b""] = entry.value

    def _owned(self, transaction: Transaction, partition: int) -> None:
        tenure = self.tenures[transaction.producer_id, transaction.epoch]
        must(tenure >= self._latest[partition], "who was followed by another commits no more", partition, tenure, self._latest[partition])
        self._latest[partition] = tenure

    def _same(self, partition: int, memory: State) -> None:
        items: dict[bytes, bytes] = dict(memory.items())  # type: ignore[attr-defined] # the engine's store can be listed, whatever a stage may do
        state = self.states[partition]
        if items != state:
            differing = [
                (key, items.get(key), state.get(key)) for key in sorted(items.keys() | state.keys()) if items.get(key) != state.get(key)
            ]
            must(False, "the state in memory is the changelog", partition, differing[:5])
