"""What must hold at every commit point, and at the end of a run."""

from __future__ import annotations

from collections import Counter

from aiokafka import TopicPartition

from rating.stage import State
from streams.engine import positions
from tests.simulation.kafka import Kafka, Transaction
from tests.simulation.stage import ECHOES, FACTOR, FACTORS, IN, LINES, STATE, SUM, TOTALS, WAITING

Memory = dict[int, State]


class BrokenError(AssertionError):
    """A law was broken."""


def must(holds: bool, law: str, *facts: object) -> None:
    """Raises `BrokenError` with the law and the facts."""
    if not holds:
        raise BrokenError(f"{law}: {', '.join(map(repr, facts))}")


class Laws:
    """Follows what readers of committed records see."""

    def __init__(self, kafka: Kafka, partitions: int) -> None:
        self._kafka = kafka
        self._partitions = partitions
        self.states: list[dict[bytes, bytes]] = [{} for _ in range(partitions)]
        """The committed changelog of each partition, compacted."""
        self.tenures: dict[tuple[int, int], int] = {}
        """When each (producer id, epoch) was given out, as a running number."""
        self._latest = [0] * partitions
        self._seen: list[set[int]] = [set() for _ in range(partitions)]
        self._lines: Counter[bytes] = Counter()
        self._totals: dict[bytes, int] = {}
        self._echoes: Counter[bytes] = Counter()
        self.needed = [0] * partitions
        """Behind the last record of each input."""
        self.commits = 0

    def committed(self, transaction: Transaction, memory: Memory | None) -> None:
        """Checks a commit point. `memory` is what the process that commits has in memory, if it lives."""
        self.commits += 1
        changed: set[int] = set()
        keys: set[bytes] = set()
        for tp, entries in transaction.entries.items():
            for entry in entries:
                key, value = entry.key or b"", entry.value or b""
                if tp.topic == STATE:
                    changed.add(tp.partition)
                    if entry.value is None:
                        self.states[tp.partition].pop(key, None)
                    else:
                        self.states[tp.partition][key] = value
                elif tp.topic == LINES:
                    keys.add(key)
                    self._line(key, value)
                elif tp.topic == TOTALS:
                    keys.add(key)
                    self._totals[key] = int(value)
                else:
                    self._echoes[value] += 1
                    must(self._echoes[value] == 1, "no echo comes twice", value)
        for partition in sorted(changed):
            self._owned(transaction, partition)
            self._position(partition)
            if memory is not None and partition in memory:
                self._same(partition, memory[partition], "the state in memory is the changelog")
        for key in sorted(keys):
            must(self._lines[key] == self._totals.get(key), "Σ lines = total", key, self._lines[key], self._totals.get(key))
        for tp, offset in transaction.offsets.items():
            known = self.position(tp.partition)
            must(offset <= known, "no offset is ahead of the state", tp.partition, offset, known)
            if tp.partition not in changed:
                self._position(tp.partition)

    def position(self, partition: int) -> int:
        """How far the committed state has read its input."""
        value = self.states[partition].get(positions.key_of(IN, partition))
        return 0 if value is None else int.from_bytes(value, "big")

    def is_done(self) -> bool:
        """True when every record has had its effect, nothing waits, and no transaction is under way."""
        factors = factors_of(self._kafka, self._partitions)
        return (
            all(self.position(number) >= needed for number, needed in enumerate(self.needed))
            and not any(key.startswith(WAITING) for state in self.states for key in state)
            and all(factors_in(state) == factors for state in self.states)
            and not any(log.opened for log in self._kafka.logs.values())
        )

    def finished(self, memories: list[Memory]) -> None:
        """Checks the end of a run, from what lies in the logs alone and from the living workers' memory."""
        sums: Counter[bytes] = Counter()
        lines = Counter(entry for partition in range(self._partitions) for entry in self._read(LINES, partition))
        must(max(lines.values(), default=1) == 1, "no line comes twice", lines.most_common(1))
        places = {(line.split()[0], key) for key, line in lines}
        inputs: set[tuple[bytes, bytes]] = set()
        odd: set[bytes] = set()
        for partition in range(self._partitions):
            log = self._kafka.logs[TopicPartition(IN, partition)]
            for entry in log.read(log.begin, log.end, committed=True)[0]:
                inputs.add((b"%d/%d" % (partition, entry.offset), entry.key or b""))
                if int(entry.value or b"0") % 2:
                    odd.add(b"%d/%d" % (partition, entry.offset))
        must(places == inputs, "every input has its line, and no other has", places ^ inputs)
        echoes = Counter(line for partition in range(self._partitions) for _, line in self._read(ECHOES, partition))
        must(echoes == Counter(odd), "every odd number is echoed once", (echoes - Counter(odd)), Counter(odd) - echoes)
        for key, line in lines:
            sums[key] += int(line.split()[1])
        totals = {key: int(value) for partition in range(self._partitions) for key, value in self._read(TOTALS, partition)}
        must(totals == dict(sums), "Σ lines = totals at the end", totals, dict(sums))
        self._states_at_the_end(memories, sums)

    def _states_at_the_end(self, memories: list[Memory], sums: Counter[bytes]) -> None:
        in_state: dict[bytes, int] = {}
        for partition, state in enumerate(self.states):
            log: dict[bytes, bytes | None] = dict(self._read_all(STATE, partition))
            kept = {key: value for key, value in log.items() if value is not None}
            must(kept == state, "the compacted changelog is the state", partition)
            in_state.update({key.removeprefix(SUM): int(value) for key, value in state.items() if key.startswith(SUM)})
            for memory in memories:
                if partition in memory:
                    self._same(partition, memory[partition], "the state in memory is the changelog at the end")
        must(in_state == dict(sums), "Σ lines = state at the end", in_state, dict(sums))

    def _line(self, key: bytes, value: bytes) -> None:
        place, amount = value.split()
        partition, offset = (int(part) for part in place.split(b"/"))
        must(offset not in self._seen[partition], "no line comes twice", place)
        self._seen[partition].add(offset)
        self._lines[key] += int(amount)

    def _owned(self, transaction: Transaction, partition: int) -> None:
        tenure = self.tenures[transaction.producer_id, transaction.epoch]
        must(tenure >= self._latest[partition], "who was followed by another commits no more", partition, tenure, self._latest[partition])
        self._latest[partition] = tenure

    def _position(self, partition: int) -> None:
        log = self._kafka.logs[TopicPartition(IN, partition)]
        position = self.position(partition)
        expected = {entry.offset for entry in log.read(log.begin, position, committed=True)[0] if entry.offset < position}
        must(self._seen[partition] == expected, "lines are those of the records before the position", partition, position)

    def _same(self, partition: int, memory: State, law: str) -> None:
        items = dict(memory.items())  # type: ignore[attr-defined] # the engine's store can be listed, whatever a stage may do
        must(items == self.states[partition], law, partition, _differing(items, self.states[partition]))

    def _read(self, topic: str, partition: int) -> list[tuple[bytes, bytes]]:
        return [(key, value or b"") for key, value in self._read_all(topic, partition)]

    def _read_all(self, topic: str, partition: int) -> list[tuple[bytes, bytes | None]]:
        log = self._kafka.logs[TopicPartition(topic, partition)]
        return [(entry.key or b"", entry.value) for entry in log.read(log.begin, log.end, committed=True)[0]]


def factors_in(state: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The broadcast's records, as a state knows them."""
    return {key.removeprefix(FACTOR): value for key, value in state.items() if key.startswith(FACTOR)}


def factors_of(kafka: Kafka, partitions: int) -> dict[bytes, bytes]:
    """The broadcast's records, as the log knows them."""
    logs = [kafka.logs[TopicPartition(FACTORS, number)] for number in range(partitions)]
    return {entry.key or b"": entry.value or b"" for log in logs for entry in log.read(log.begin, log.end, committed=True)[0]}


def _differing(one: dict[bytes, bytes], other: dict[bytes, bytes]) -> list[tuple[bytes, bytes | None, bytes | None]]:
    return [(key, one.get(key), other.get(key)) for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]
