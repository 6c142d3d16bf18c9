"""What a worker counts, for Prometheus. Counters are labelled with kinds of things, never with whom they concern."""

from __future__ import annotations

from collections import Counter as Counted
from operator import attrgetter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from rating.stage import Effects

_topic_of = attrgetter("topic")
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

RECORDS = (1, 10, 50, 100, 500, 1000, 2000, 5000)


class Metrics:
    """The metrics of one worker, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._records = Counter("wameter_records", "Records of the inputs that were processed.", registry=registry)
        self._effects = Counter("wameter_effects", "What became of them, as the stage counts it.", ["what"], registry=registry)
        self._outputs = Counter("wameter_outputs", "Records appended, by topic.", ["topic"], registry=registry)
        self._step_seconds = Histogram("wameter_step_seconds", "Time in the stage per step.", buckets=SECONDS, registry=registry)
        self._commit_seconds = Histogram("wameter_commit_seconds", "Time in the transaction per step.", buckets=SECONDS, registry=registry)
        self._step_records = Histogram("wameter_step_records", "Records per step.", buckets=RECORDS, registry=registry)
        self._restored = Counter("wameter_restored_records", "Changelog records read when partitions were taken over.", registry=registry)
        self._lost = Counter("wameter_lost_records", "Records that retention deleted before they were read.", ["topic"], registry=registry)
        self._lag = Gauge(
            "wameter_lag_records", "Records of a partition that are still to be read.", ["topic", "partition"], registry=registry
        )

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

    def restored(self, records: int) -> None:
        """So many changelog records were read."""
        self._restored.inc(records)

    def lost(self, topic: str, records: int) -> None:
        """So many records were gone before they were read."""
        self._lost.labels(topic).inc(records)

    def lag(self, topic: str, partition: int, records: int) -> None:
        """So many records are still to be read."""
        self._lag.labels(topic, str(partition)).set(records)
