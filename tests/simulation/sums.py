"""A stage whose every effect can be checked, and the checks: it adds up numbers by key, scaled by a factor that a broadcast sets.

A record of `IN` is a number. It makes one line, which names its partition and offset, and one total. An odd number also makes an
echo, in a later step: the stage leaves work behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from aiokafka import TopicPartition

from rating.stage import Effects, Output, Record, State, Tick
from tests.simulation.kafka import Entry, Kafka
from tests.simulation.laws import Laws, must

IN, FACTORS = "sim.in", "sim.factors"
LINES, TOTALS, ECHOES = "sim.lines", "sim.totals", "sim.echoes"
NAME = "sim"

WAITING = b"w".ljust(17, b".")
SUM = b"sum|"
FACTOR = b"factor|"


class SumStage:
    """Keeps nothing."""

    identity: ClassVar[dict[str, str]] = {"stage": "sums"}
    inputs = (IN,)
    broadcast = (FACTORS,)
    gathers = True
    outputs = (LINES, TOTALS, ECHOES)

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        effects = Effects()
        self._echo(state, effects)
        for record in batch:
            if isinstance(record, Tick):
                continue
            if record.topic == FACTORS:
                state.put(FACTOR + (record.key or b""), record.value or b"")
            else:
                self._add(state, record, effects)
        effects.unfinished = next(state.range(WAITING), None) is not None
        effects.counts = {"applied": len(batch)}
        return effects

    def _add(self, state: State, record: Record, effects: Effects) -> None:
        key, number = record.key or b"", int(record.value or b"0")
        amount = number * int(state.get(FACTOR + key) or b"1")
        total = int(state.get(SUM + key) or b"0") + amount
        place = b"%d/%d" % (record.partition, record.offset)
        state.put(SUM + key, b"%d" % total)
        effects.outputs.append(Output(LINES, key, b"%s %d" % (place, amount)))
        effects.outputs.append(Output(TOTALS, key, b"%d" % total))
        if number % 2:
            state.put(WAITING + record.offset.to_bytes(8, "big"), place)

    def _echo(self, state: State, effects: Effects) -> None:
        """One of the echoes that wait."""
        found = next(state.range(WAITING), None)
        if found is not None:
            state.delete(found[0])
            effects.outputs.append(Output(ECHOES, None, found[1]))


class SumLaws(Laws):
    """Lines, totals and echoes are those of the records that the state has read."""

    def __init__(self, kafka: Kafka, partitions: int) -> None:
        super().__init__(kafka, partitions, {NAME: SumStage.inputs})
        self._seen: list[set[int]] = [set() for _ in range(partitions)]
        self._lines: Counter[bytes] = Counter()
        self._totals: dict[bytes, int] = {}
        self._echoes: Counter[bytes] = Counter()

    def published(self, entries: Mapping[TopicPartition, list[Entry]]) -> None:
        keys: set[bytes] = set()
        for tp, appended in entries.items():
            for entry in appended:
                key, value = entry.key or b"", entry.value or b""
                if tp.topic == LINES:
                    keys.add(key)
                    self._line(key, value)
                elif tp.topic == TOTALS:
                    keys.add(key)
                    self._totals[key] = int(value)
                elif tp.topic == ECHOES:
                    self._echoes[value] += 1
                    must(self._echoes[value] == 1, "no echo comes twice", value)
        for key in sorted(keys):
            must(self._lines[key] == self._totals.get(key), "Σ lines = total", key, self._lines[key], self._totals.get(key))

    def moved(self, partition: int) -> None:
        position = self.position(partition)
        expected = {entry.offset for entry in self.read(IN, partition, position)}
        must(self._seen[partition] == expected, "lines are those of the records before the position", partition, position)

    def is_settled(self) -> bool:
        factors = {entry.key or b"": entry.value or b"" for entry in self.read(FACTORS, 0)}
        waits = any(key.startswith(WAITING) for state in self.states for key in state)
        return not waits and all(_factors_in(state) == factors for state in self.states)

    def at_the_end(self) -> None:
        everywhere = range(self.partitions)
        lines = Counter((entry.key or b"", entry.value or b"") for number in everywhere for entry in self.read(LINES, number))
        must(max(lines.values(), default=1) == 1, "no line comes twice", lines.most_common(1))
        places = {(line.split()[0], key) for key, line in lines}
        records = [(b"%d/%d" % (number, entry.offset), entry) for number in everywhere for entry in self.read(IN, number)]
        expected = {(place, entry.key or b"") for place, entry in records}
        must(places == expected, "every record has its line, and nothing else has", sorted(places ^ expected))
        echoes = Counter(entry.value or b"" for number in everywhere for entry in self.read(ECHOES, number))
        odd = Counter(place for place, entry in records if int(entry.value or b"0") % 2)
        must(echoes == odd, "every odd number is echoed once", echoes - odd, odd - echoes)
        sums: Counter[bytes] = Counter()
        for key, line in lines:
            sums[key] += int(line.split()[1])
        totals = {entry.key or b"": int(entry.value or b"0") for number in everywhere for entry in self.read(TOTALS, number)}
        must(totals == dict(sums), "Σ lines = totals at the end", totals, dict(sums))
        in_state = {key.removeprefix(SUM): int(value) for state in self.states for key, value in state.items() if key.startswith(SUM)}
        must(in_state == dict(sums), "Σ lines = state at the end", in_state, dict(sums))

    def _line(self, key: bytes, value: bytes) -> None:
        place, amount = value.split()
        partition, offset = (int(part) for part in place.split(b"/"))
        must(offset not in self._seen[partition], "no line comes twice", place)
        self._seen[partition].add(offset)
        self._lines[key] += int(amount)


def _factors_in(state: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The broadcast's records, as a state knows them."""
    return {key.removeprefix(FACTOR): value for key, value in state.items() if key.startswith(FACTOR)}
