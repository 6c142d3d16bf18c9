"""A stage on the state of one partition: each step is a batch, its effects and one transaction."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from aiokafka import TopicPartition

from rating.stage import Effects, Stage, StageRefusedError, Tick
from streams.engine.stepping import apply
from streams.engine.transaction import TransactionLog
from streams.guards.breaker import Breaker
from streams.guards.clock import Clock
from streams.guards.fatal import RefusalError, within
from streams.kafka.batches import RecordBatch
from streams.metrics import Metrics
from streams.settings import Settings
from streams.state.sizes import StateSize
from streams.state.store import Store


class Steps:
    """Runs steps one after another. Any exception means that the process must end: the state may be ahead of Kafka."""

    def __init__(
        self, store: Store, stage: Stage, settings: Settings, number: int, log: TransactionLog, breaker: Breaker, metrics: Metrics
    ) -> None:
        self.store = store
        self._stage = stage
        self._settings = settings
        self._number = number
        self._log = log
        self._breaker = breaker
        self._metrics = metrics
        self.size = StateSize(store)
        self._clock = Clock(settings.clock_skew_max_ms)
        self._kept: dict[bytes, bytes] = {}
        self.transaction_s = -math.inf
        """When the last step began that made a transaction, by the monotonic clock."""

    def keep(self, key: bytes, value: bytes) -> None:
        """Has the next step that changes or puts out anything write a record of the engine's own, in its transaction."""
        self._kept[key] = value

    async def run(self, batches: Sequence[RecordBatch], tick: Tick | None = None) -> Effects:
        """Applies what of the batches the state has not seen, then the tick, and commits. Returns what the stage reported.

        A step that changes nothing and puts out nothing makes no transaction; one that only moves a position does.
        """
        began_s = time.monotonic()
        try:
            effects, records, next_offsets = apply(self._stage, self.store, self._number, batches, tick)
        except StageRefusedError as refused:
            raise RefusalError(f"partition {self._number}: {refused}") from None
        self._breaker.check(records, effects.counts.get("rejected", 0))
        changes = self.store.commit()
        if self._kept and (changes or effects.outputs):
            changes |= self._write_kept()
        stepped_s = time.monotonic()
        if changes or effects.outputs:
            self.transaction_s = began_s
            prefix = self._settings.prefix
            offsets = {TopicPartition(prefix + topic, self._number): offset for topic, offset in next_offsets.items()}
            async with within(self._settings.step_timeout_ms, "transaction was not committed", "step_timeout_ms"):
                await self._log.commit(self._number, effects.outputs, changes, offsets)
            self.size.wrote(changes)
            self._metrics.committed_at(self._number, time.time())
            self._metrics.committed(effects, records=records, step_s=stepped_s - began_s, commit_s=time.monotonic() - stepped_s)
            if self._log.clock_skew_ms is not None:
                self._metrics.clock_skew(self._log.clock_skew_ms)
                self._clock.check(self._log.clock_skew_ms)
        return effects

    def _write_kept(self) -> dict[bytes, bytes | None]:
        self.store.begin()
        while self._kept:
            self.store.put(*self._kept.popitem())
        return self.store.commit()
