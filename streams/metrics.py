"""What a worker counts, for Prometheus. Counters are labelled with kinds of things, never with whom they concern."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from operator import attrgetter
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from rating.stage import Effects

Phase = Literal["fence", "restore", "catch_up", "close"]

_topic_of = attrgetter("topic")
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

PHASE_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0)

RECORDS = (1, 10, 50, 100, 500, 1000, 2000, 5000)


class Metrics:
    """The metrics of one worker, in a registry of their own, as one of its stages counts them."""

    def __init__(self, stage: str = "meter") -> None:
        self._stage = stage
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        by_partition = ["stage", "partition"]
        self._records = Counter("wameter_records", "Records of the inputs that were processed.", registry=registry)
        self._effects = Counter("wameter_effects", "What became of them, as the stage counts it.", ["what"], registry=registry)
        self._outputs = Counter("wameter_outputs", "Records appended, by topic.", ["topic"], registry=registry)
        self._step_seconds = Histogram("wameter_step_seconds", "Time in the stage per step.", buckets=SECONDS, registry=registry)
        self._commit_seconds = Histogram("wameter_commit_seconds", "Time in the transaction per step.", buckets=SECONDS, registry=registry)
        self._step_records = Histogram("wameter_step_records", "Records per step.", buckets=RECORDS, registry=registry)
        self._restored = Counter("wameter_restored_records", "Changelog records read when partitions were taken over.", registry=registry)
        self._lost = Counter("wameter_lost_records", "Records that retention deleted before they were read.", ["topic"], registry=registry)
        self._remaining = Gauge(
            "wameter_restore_remaining_offsets", "Offsets of the changelog still to be read by a restore.", by_partition, registry=registry
        )
        self._phase_seconds = Histogram(
            "wameter_phase_seconds", "Time per phase of a partition's life.", ["phase"], buckets=PHASE_SECONDS, registry=registry
        )
        self._partitions = Gauge(
            "wameter_partitions", "Partitions of this worker by what they are at.", ["stage", "phase"], registry=registry
        )
        self._position = Gauge("wameter_position_offset", "Offset that is read next.", ["topic", "partition"], registry=registry)
        self._committed_at = Gauge(
            "wameter_last_commit_timestamp_seconds", "When the latest transaction was committed.", by_partition, registry=registry
        )
        self._state_records = Gauge("wameter_state_records", "Records in the state.", by_partition, registry=registry)
        self._state_bytes = Gauge("wameter_state_bytes", "Their keys and values, estimated.", by_partition, registry=registry)
        self._skew = Gauge(
            "wameter_clock_skew_seconds", "By how much the brokers' clock is ahead of this machine's, at least.", registry=registry
        )
        self._strays = Counter(
            "wameter_misplaced_keys", "Keys found in another partition than murmur2 gives them.", ["topic"], registry=registry
        )
        self._lag = Gauge(
            "wameter_lag_records", "Records of a partition that are still to be read.", ["topic", "partition"], registry=registry
        )

    def of_stage(self, stage: str) -> Metrics:
        """The same metrics, as another stage of the worker counts them."""
        others = copy(self)
        others._stage = stage
        return others

    def committed(self, effects: Effects, *, records: int, step_s: float, commit_s: float) -> None:
        """A step and its transaction are done."""
        self._records.inc(records)
        self._step_records.observe(records)
        self._step_seconds.observe(step_s)
        self._commit_seconds.observe(commit_s)
        for what, count in effects.counts.items():
            self._effects.labels(what).inc(count)
        for topic, count in Counted(map(_topic_of, effects.outputs)).items():
            self._outputs.labels(topic).inc(count)

    def committed_at(self, partition: int, at_s: float) -> None:
        """A partition's latest transaction; seconds since 1970."""
        self._committed_at.labels(self._stage, str(partition)).set(at_s)

    def restored(self, records: int) -> None:
        """So many changelog records were read."""
        self._restored.inc(records)

    def restoring(self, partition: int, remaining: int) -> None:
        """So many offsets of a partition's changelog are still to be read."""
        self._remaining.labels(self._stage, str(partition)).set(remaining)

    def phase(self, phase: Phase, took_s: float) -> None:
        """A partition has gone through a phase."""
        self._phase_seconds.labels(phase).observe(took_s)

    def partitions(self, *, opening: int, running: int) -> None:
        """How many partitions there are."""
        self._partitions.labels(self._stage, "opening").set(opening)
        self._partitions.labels(self._stage, "running").set(running)

    def state(self, partition: int, records: int, size_bytes: int) -> None:
        """What a partition's state holds."""
        self._state_records.labels(self._stage, str(partition)).set(records)
        self._state_bytes.labels(self._stage, str(partition)).set(size_bytes)

    def forget(self, partition: int, topics: Iterable[str]) -> None:
        """The partition is no longer ours: another worker shows its figures."""
        for gauge in (self._remaining, self._committed_at, self._state_records, self._state_bytes):
            _remove(gauge, self._stage, str(partition))
        for topic in topics:
            _remove(self._lag, topic, str(partition))
            _remove(self._position, topic, str(partition))

    def lost(self, topic: str, records: int) -> None:
        """So many records were gone before they were read."""
        self._lost.labels(topic).inc(records)

    def strayed(self, topic: str, keys: int) -> None:
        """So many keys were found in a partition where they do not belong."""
        self._strays.labels(topic).inc(keys)

    def clock_skew(self, skew_ms: int) -> None:
        """By so much the brokers' clock is ahead of ours, at least."""
        self._skew.set(skew_ms / 1000)

    def lag(self, topic: str, partition: int, next_offset: int, records: int) -> None:
        """Where a partition is, and how many records are still to be read."""
        self._position.labels(topic, str(partition)).set(next_offset)
        self._lag.labels(topic, str(partition)).set(records)


def _remove(gauge: Gauge, *labels: str) -> None:
    with suppress(KeyError):  # it was given up before it had any
        gauge.remove(*labels)
