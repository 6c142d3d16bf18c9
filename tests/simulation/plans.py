"""What a seed decides before a run begins: traffic, workers, a network, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from random import Random
from typing import Literal

from streams.guards import faults
from streams.kafka.partitioner import partition_of
from tests.simulation.group import SESSION_S
from tests.simulation.meter import key_of, profiles_of, spread, traffic_of

StageName = Literal["sums", "meter"]
Kind = Literal["kill", "kill_at", "freeze", "freeze_at", "rebalance", "stop", "start", "compact", "fail"]
KINDS: tuple[tuple[Kind, int], ...] = (
    ("kill", 6), ("kill_at", 9), ("freeze", 4), ("freeze_at", 9), ("rebalance", 3), ("stop", 1), ("start", 2), ("compact", 2), ("fail", 2),
)  # fmt: skip
KEYS = {
    partitions: [
        [key for key in (b"key %d" % n for n in range(40)) if partition_of(key, partitions) == number][:3] for number in range(partitions)
    ]
    for partitions in (1, 2)
}
"""Some keys of each partition, by the number of partitions: each lies where murmur2 puts it."""
OPENING = "opening"
POINTS = (*faults.POINTS, OPENING, OPENING, OPENING)
"""Where a worker may be killed or frozen on purpose: the engine's crash points, and anywhere between its fence and its first step."""


@dataclass(slots=True)
class Fault:
    """Something that goes wrong at a time."""

    at_s: float
    kind: Kind
    worker: int
    """Which one of those that live then, modulo their number."""
    count: int
    """How many callbacks later, or which time at the crash point."""
    point: str
    for_s: float


@dataclass(slots=True)
class Plan:
    """Everything that the seed decides before a run begins. A smaller plan of the same seed may fail in the same way."""

    seed: int
    stage: StageName = "sums"
    partitions: int = 1
    workers: int = 1
    settings: dict[str, int] = field(default_factory=dict)
    records: list[tuple[float, int, bytes, bytes, str]] = field(default_factory=list)
    """When, partition, key, value, and how it is published: `plain`, `committed` or `aborted`."""
    broadcasts: list[tuple[float, bytes, bytes]] = field(default_factory=list)
    """When, key, value."""
    faults: list[Fault] = field(default_factory=list)
    network: dict[str, float] = field(default_factory=dict)
    fetch_records: int = 5
    batch_records: int = 3

    def parts(self) -> list[tuple[str, object]]:
        """What it holds, one thing a line."""
        return [(each.name, getattr(self, each.name)) for each in fields(self)]


def plan_of(seed: int, stage: StageName = "sums") -> Plan:
    """A plan."""
    rng = Random(f"plan {seed}")
    span_s = rng.choice((0.2, 0.5, 1.0, 2.0))
    partitions = rng.choice((1, 1, 2))
    plan = Plan(seed, stage, partitions, workers=rng.choice((1, 2, 2, 3)), fetch_records=rng.choice((1, 3, 8)))
    plan.batch_records = rng.choice((1, 2, 50))
    plan.settings = {
        "batch_max_records": rng.choice((1, 3, 10)),
        "pacing_ms": rng.choice((0, 5, 20)),
        "gather_ms": (0, 100)[seed % 2],
        "transaction_timeout_ms": rng.choice((1000, 3000)),
    }
    if stage == "meter":
        _meter_traffic(plan, rng, span_s)
    else:
        _sums_traffic(plan, rng, span_s)
    _trouble(plan, rng, span_s)
    return plan


def _sums_traffic(plan: Plan, rng: Random, span_s: float) -> None:
    keys = KEYS[plan.partitions]
    for _ in range(rng.randint(4, 14)):
        partition = rng.randrange(plan.partitions)
        plan.records.append((rng.random() * span_s, partition, rng.choice(keys[partition]), b"%d" % rng.randint(1, 99), _how(rng)))
    for _ in range(rng.randint(0, 2)):
        plan.broadcasts.append((rng.random() * span_s, rng.choice(rng.choice(keys)), b"%d" % rng.randint(2, 9)))


def _meter_traffic(plan: Plan, rng: Random, span_s: float) -> None:
    stream = traffic_of(plan.seed)
    for at_s, record in zip(spread(rng, len(stream.records), span_s), stream.records, strict=True):
        key = key_of(record)
        plan.records.append((at_s, partition_of(key, plan.partitions), key, record, _how(rng)))
    late, early = profiles_of(stream)
    plan.broadcasts = [(0.0, key, value) for key, value in early]
    plan.broadcasts += [(rng.random() * span_s, key, value) for key, value in late]


def _how(rng: Random) -> str:
    return rng.choice(("plain", "plain", "plain", "committed", "aborted"))


def _trouble(plan: Plan, rng: Random, span_s: float) -> None:
    kinds = [kind for kind, weight in KINDS for _ in range(weight)]
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5))):
        kind = rng.choice(kinds)
        for_s = rng.choice((0.1, 1.0, SESSION_S + 0.2, 2 * SESSION_S)) * (0.5 + rng.random())
        at_s, point = rng.random() * (span_s + 0.3), rng.choice(POINTS)
        if point == OPENING and rng.random() < 0.7:
            at_s = 0.0  # in time for the first partition it gets; later it may never get another one
        plan.faults.append(Fault(at_s, kind, rng.randrange(4), rng.randrange(60), point, for_s))
    if rng.random() < 0.3:
        plan.network.update(slow=rng.random() * 0.2, slow_s=rng.choice((0.05, 0.5, 1.5)))
    if rng.random() < 0.3:
        plan.network.update(lossy=rng.random() * 0.1)
    if rng.random() < 0.2:
        plan.network.update(absent=rng.random() * 0.1)
    if rng.random() < 0.2:
        plan.network.update(deaf=0.5)
