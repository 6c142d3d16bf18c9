"""METER itself in the simulation: generated traffic of a small world, and the oracle's word on how it must end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from aiokafka import TopicPartition

from rating.meter import ACCOUNTS, MESSAGES, Meter
from rating.stage import Output, Stage
from rating.tiers.stage import Tier
from streams.state.store import Store
from tests.laws import driver
from tests.laws.plans import Plan
from tests.laws.watch import LawBrokenError, Watch
from tests.oracle import rate_all
from tests.simulation.kafka import Entry, Kafka
from tests.simulation.laws import BrokenError, Laws
from tests.streams_generator import Stream, generate
from tests.streams_generator.catalog import CATALOG

NAME = "meter"
RECORDS_MAX = 30
NO_PLAN = Plan(steps=(), restart_before=None, redecisions_per_step=1, finishes_first=True)
OUTPUTS = ("usage.rated", "usage.unrated", "usage.totals", "usage.counts", "usage.compliance", "usage.rejected")
"""In the order in which their records of one transaction are looked at."""


def traffic_of(seed: int) -> Stream:
    """The first stream from a seed on that is small."""
    stream = generate(seed)
    while len(stream.records) > RECORDS_MAX:
        seed += 1_000_003
        stream = generate(seed)
    return stream


def meter_for(stream: Stream) -> Meter:
    """METER with the catalog and the settings of a stream."""
    basis: Any = stream.window_basis
    return Meter(driver.catalog(), allowance=stream.allowance, window_basis=basis, redecisions_per_step=1 + stream.seed % 5)


def stages_for(stream: Stream) -> dict[str, Stage]:
    """METER and TIER, by name."""
    return {NAME: meter_for(stream), "tier": Tier()}


def profiles_of(stream: Stream) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
    """Key and value of those that may come late, and of those that come before any event."""
    versions = Counter(profile["account_id"] for profile in stream.profiles)
    late: list[tuple[bytes, bytes]] = []
    early: list[tuple[bytes, bytes]] = []
    for profile in stream.profiles:
        record = (profile["account_id"].encode(), json.dumps(profile).encode())
        (late if stream.profiles_come_late and versions[profile["account_id"]] == 1 else early).append(record)
    return late, early


def key_of(record: bytes) -> bytes:
    """The business phone number, which is what a publisher uses; of what can't be read, anything."""
    try:
        return str(json.loads(record)["phone_number_id"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return b"unreadable"


class MeterLaws(Laws):
    """The laws of the product, at every commit point; at the end the oracle's result, to the last digit."""

    def __init__(self, kafka: Kafka, partitions: int, stream: Stream) -> None:
        super().__init__(kafka, partitions, {name: stage.inputs for name, stage in stages_for(stream).items()})
        self._stream = stream
        self._watch = Watch()

    def published(self, entries: Mapping[TopicPartition, list[Entry]]) -> None:
        try:
            self._watch.step(list(_outputs(entries)), of_one_record=False)
        except LawBrokenError as broken:
            raise BrokenError(*broken.args) from broken

    def at_the_end(self) -> None:
        records = [entry.value or b"" for number in range(self.partitions) for entry in self.read(MESSAGES, number)]
        profiles = [json.loads(entry.value or b"") for entry in self.read(ACCOUNTS, 0)]
        stream = self._stream
        oracle = rate_all(records, profiles, CATALOG, allowance=stream.allowance, window_basis=stream.window_basis)
        store = Store()
        store.restore((key, value) for state in self.states for key, value in state.items())
        run = driver.Run(stream, NO_PLAN, store=store, watch=self._watch)
        try:
            run.compare(oracle)
        except LawBrokenError as broken:
            raise BrokenError(*broken.args) from broken


def _outputs(entries: Mapping[TopicPartition, list[Entry]]) -> Iterator[Output]:
    for topic in OUTPUTS:
        for tp, appended in entries.items():
            if tp.topic == topic:
                yield from (Output(topic, entry.key, entry.value, headers=entry.headers) for entry in appended)


def spread(rng: Random, count: int, span_s: float) -> list[float]:
    """When so many records come, in order."""
    return sorted(rng.random() * span_s for _ in range(count))
