"""A stage whose every effect can be checked: it adds up numbers by key, scaled by a factor that a broadcast sets.

A record of `IN` is a number. It makes one line, which names its partition and offset, and one total. An odd number also makes an
echo, in a later step: the stage leaves work behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rating.stage import Effects, Output, Record, State, Tick
from streams.engine.positions import key_of

IN, FACTORS = "sim.in", "sim.factors"
LINES, TOTALS, ECHOES = "sim.lines", "sim.totals", "sim.echoes"
NAME = "sim"
STATE = f"wameter-{NAME}-state"

WAITING = b"w".ljust(17, b".")
AT = [key_of(IN, partition) for partition in range(2)]
SUM = b"sum|"
FACTOR = b"factor|"


class SumStage:
    """One per process."""

    identity: ClassVar[dict[str, str]] = {"stage": "sums"}
    inputs = (IN,)
    broadcast = (FACTORS,)
    outputs = (LINES, TOTALS, ECHOES)

    def __init__(self) -> None:
        self.states: dict[int, State] = {}
        """The state of each partition, as this stage saw it last: known by the position that the engine keeps in it."""

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        effects = Effects()
        for partition, key in enumerate(AT):
            if state.get(key) is not None:
                self.states[partition] = state
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
