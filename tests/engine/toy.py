"""A stage that is easy to check: it numbers the records of each key, multiplied by a factor that a broadcast sets."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from rating.stage import Effects, Output, Record, State, Tick
from streams.topics import DAY_MS, Topic, state_topic

TOPICS = (
    Topic("toy.in", "delete", DAY_MS, is_input=True),
    Topic("toy.factors", "compact", is_input=True),
    Topic("toy.out", "delete", DAY_MS),
    Topic("toy.totals", "compact"),
    Topic("toy.rejected", "delete", DAY_MS),
    state_topic("toy"),
)

DEFAULT_CATALOG = "ab12cd34ef56ab12cd34ef56"


class ToyStage:
    """One output per record: how many its key has had, and the factor of its key at that time. One total per key.

    A value `bad` is rejected; `later` waits for a tick; `echo…` is put out as it is; `poison` is a bug, `hang` a worse one.
    """

    inputs = ("toy.in",)
    broadcast = ("toy.factors",)
    outputs = ("toy.out", "toy.totals", "toy.rejected")

    def __init__(self, catalog: str = DEFAULT_CATALOG, *, gathers: bool = False) -> None:
        self.gathers = gathers
        self.identity = {"catalog": catalog, "state_format": "1"}

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        effects = Effects()
        rejected = 0
        if state.get(b"releasing"):
            self._release(state, effects)
        for record in batch:
            if isinstance(record, Tick):
                self._release(state, effects)
            elif record.topic == "toy.factors":
                state.put(b"factor|" + (record.key or b""), record.value or b"")
                if record.value == b"odd":
                    effects.outputs.append(Output("toy.rejected", record.key, record.value, only_in=record.partition))
            elif record.value == b"poison":
                raise RuntimeError("a bug that this record brings to light")
            elif record.value == b"hang":
                os.write(2, b"the stage hangs\n")
                time.sleep(3600)
            elif record.value == b"bad":
                rejected += 1
                headers = [("reason", b"bad"), ("offset", b"%d" % record.offset)]
                effects.outputs.append(Output("toy.rejected", record.key, record.value, headers=headers))
            elif (record.value or b"").startswith(b"echo"):
                effects.outputs.append(Output("toy.rejected", record.key, record.value))
            elif record.value == b"later":
                state.put(b"waiting".ljust(17, b"|") + record.offset.to_bytes(8, "big"), record.key or b"")
            else:
                self._count(state, record.key or b"", effects)
        effects.counts = {"rejected": rejected, "applied": len(batch) - rejected}
        return effects

    def _count(self, state: State, key: bytes, effects: Effects) -> None:
        count = int(state.get(b"count|" + key) or b"0") + 1
        state.put(b"count|" + key, b"%d" % count)
        factor = state.get(b"factor|" + key) or b"none"
        effects.outputs.append(Output("toy.out", key, b"%d %s" % (count, factor)))
        effects.outputs.append(Output("toy.totals", key, b"%d" % count))

    def _release(self, state: State, effects: Effects) -> None:
        """Counts what waited, two records a step."""
        waiting = list(state.range(b"waiting".ljust(17, b"|")))
        for where, key in waiting[:2]:
            state.delete(where)
            self._count(state, key, effects)
        effects.unfinished = len(waiting) > 2
        state.put(b"releasing", b"yes" if effects.unfinished else b"")
