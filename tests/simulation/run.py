"""One run: a seed becomes traffic, workers, a network and what goes wrong; then everything has to come out right."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any, Literal, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from faust.types import TP

from streams.engine import faults
from streams.engine.transaction import partition_of
from streams.settings import Settings
from tests.simulation import stage as topics
from tests.simulation.clients import Consumer, Producer
from tests.simulation.group import SESSION_S, Group, Member
from tests.simulation.kafka import Content, Kafka, Transaction
from tests.simulation.laws import BrokenError, Laws
from tests.simulation.network import Network
from tests.simulation.stage import SumStage
from tests.simulation.worker import Seam, SimulatedEngine, Transport
from tests.simulation.world import DiedError, Process, World

Kind = Literal["kill", "kill_at", "freeze", "freeze_at", "rebalance", "stop", "start", "compact", "fail"]
KINDS: tuple[tuple[Kind, int], ...] = (
    ("kill", 6), ("kill_at", 9), ("freeze", 4), ("freeze_at", 6), ("rebalance", 3), ("stop", 1), ("start", 2), ("compact", 2), ("fail", 2),
)  # fmt: skip
KEYS = {
    partitions: [
        [key for key in (b"key %d" % n for n in range(40)) if partition_of(key, partitions) == number][:3] for number in range(partitions)
    ]
    for partitions in (1, 2)
}
"""Some keys of each partition, by the number of partitions: each lies where murmur2 puts it."""
OPENING = "opening"
POINTS = (*faults.POINTS, OPENING, OPENING)
"""Where a worker may be killed or frozen on purpose: the engine's crash points, and anywhere between its fence and its first step."""
QUIET_S = 30.0
"""How long a run may go on after the last fault."""
REFUSED = "exit code 72"


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
class Armed:
    """A fault that waits until its worker comes to its point."""

    fault: Fault
    left: int


@dataclass(slots=True)
class Plan:
    """Everything that the seed decides before a run begins. A smaller plan of the same seed may fail in the same way."""

    seed: int
    partitions: int = 1
    workers: int = 1
    settings: dict[str, int] = field(default_factory=dict)
    records: list[tuple[float, int, bytes, bytes, str]] = field(default_factory=list)
    """When, partition, key, value, and how it is published: `plain`, `committed` or `aborted`."""
    factors: list[tuple[float, bytes, bytes]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    network: dict[str, float] = field(default_factory=dict)
    fetch_records: int = 5
    batch_records: int = 3

    def parts(self) -> list[tuple[str, object]]:
        """What it holds, one thing a line."""
        return [(each.name, getattr(self, each.name)) for each in fields(self)]


def plan_of(seed: int) -> Plan:
    """A plan."""
    rng = Random(f"plan {seed}")
    span_s = rng.choice((0.2, 0.5, 1.0, 2.0))
    partitions = rng.choice((1, 1, 2))
    plan = Plan(
        seed, partitions, workers=rng.choice((1, 2, 2, 3)), fetch_records=rng.choice((1, 3, 8)), batch_records=rng.choice((1, 2, 50))
    )
    plan.settings = {
        "batch_max_records": rng.choice((1, 3, 10)),
        "pacing_ms": rng.choice((0, 5, 20)),
        "transaction_timeout_ms": rng.choice((1000, 3000)),
    }
    for _ in range(rng.randint(4, 14)):
        partition = rng.randrange(partitions)
        how = rng.choice(("plain", "plain", "plain", "committed", "aborted"))
        key = KEYS[partitions][partition][rng.randrange(3)]
        plan.records.append((rng.random() * span_s, partition, key, b"%d" % rng.randint(1, 99), how))
    for _ in range(rng.randint(0, 2)):
        plan.factors.append((rng.random() * span_s, rng.choice(rng.choice(KEYS[partitions])), b"%d" % rng.randint(2, 9)))
    kinds = [kind for kind, weight in KINDS for _ in range(weight)]
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5))):
        kind = rng.choice(kinds)
        for_s = rng.choice((0.1, 1.0, SESSION_S + 0.2, 2 * SESSION_S)) * (0.5 + rng.random())
        plan.faults.append(Fault(rng.random() * (span_s + 0.3), kind, rng.randrange(4), rng.randrange(60), rng.choice(POINTS), for_s))
    if rng.random() < 0.3:
        plan.network.update(slow=rng.random() * 0.2, slow_s=rng.choice((0.05, 0.5, 1.5)))
    if rng.random() < 0.3:
        plan.network.update(lossy=rng.random() * 0.1)
    if rng.random() < 0.2:
        plan.network.update(absent=rng.random() * 0.1)
    if rng.random() < 0.2:
        plan.network.update(deaf=0.5)
    return plan


class Run:
    """A plan, carried out."""

    def __init__(self, plan: Plan, make_stage: Callable[[], SumStage] = SumStage) -> None:
        self.plan = plan
        self.world = World(plan.seed)
        self.kafka = Kafka(self.world)
        self.network = Network(self.world)
        self.laws = Laws(self.kafka, plan.partitions)
        self.reached: Counter[str] = Counter()
        """How often a process died or froze at each crash point."""
        self.happened: Counter[str] = Counter()
        """How often each kind of fault had somebody to hit, and how processes ended."""
        values: dict[str, Any] = {
            "partitions": plan.partitions,
            "step_timeout_ms": 1000,
            "restore_timeout_ms": 5000,
            "breaker_window": 0,
            **plan.settings,
        }
        self.settings = _settings(tuple(sorted(values.items())))
        self.group = Group(self.world, self.network, [TP(topics.IN, number) for number in range(plan.partitions)])
        self.group.deaf = plan.network.get("deaf", 0.0)
        for topic in (topics.IN, topics.FACTORS, topics.LINES, topics.TOTALS, topics.ECHOES, topics.STATE):
            self.kafka.create(topic, plan.partitions)
        self.kafka.on_commit = self._committed
        self.kafka.on_fence = self._granted
        self.kafka.marker_delay_s = self.network.delay_s
        self._make_stage = make_stage
        self._names = 0
        self._stages: dict[Process, SumStage] = {}
        self._engines: dict[Process, SimulatedEngine] = {}
        self._producers: dict[tuple[int, int], Process] = {}
        self._armed: dict[Process, list[Armed]] = {}
        self._wanted = plan.workers
        self._failing = 0
        self._is_done = False
        self._broken: Exception | None = None

    def play(self) -> Run:
        """Runs to the end; raises `BrokenError`, or `StuckError` if there is none."""
        self._publish()
        self.network.slow, self.network.slow_s = self.plan.network.get("slow", 0.0), self.plan.network.get("slow_s", 0.0)
        self.network.lossy, self.network.absent = self.plan.network.get("lossy", 0.0), self.plan.network.get("absent", 0.0)
        for _ in range(self.plan.workers):
            self._start()
        for fault in self.plan.faults:
            self.world.after(fault.at_s, lambda fault=fault: self._strike(fault))  # type: ignore[misc] # a default binds it
        last_s = max([at_s for at_s, *_ in self.plan.records] + [fault.at_s + 0.1 for fault in self.plan.faults] + [0.0])
        last_s += 0.2  # the marks of the last publisher's transaction
        self.world.after(last_s, self._calm)
        try:
            self.world.run(lambda: self._is_done, limit_s=last_s + QUIET_S)
            if self._broken is not None:
                raise self._broken
            self.laws.finished(
                [
                    {number: state for number, state in self._stages[process].states.items() if self.group.owner_of(number) is process}
                    for process in self.world.processes
                ]
            )
        finally:
            self.world.end()
        return self

    # What the engine's modules get instead of their own

    def reader(self, settings: Settings, group_id: str | None = None) -> Consumer:
        """Reads what is committed."""
        return Consumer(self.kafka, self.network, "read_committed", fetch_records=self.plan.fetch_records)

    def transactional_producer(self, settings: Settings, transactional_id: str) -> Producer:
        """Fences when it is started."""
        return Producer(
            self.kafka,
            self.network,
            transactional_id,
            timeout_s=settings.transaction_timeout_ms / 1000,
            batch_records=self.plan.batch_records,
            fails=self._fails,
            on_start=self._fenced,
        )

    def reach(self, point: str) -> None:
        """A crash point: whoever is armed for it dies here, or freezes at its next await."""
        process = self.world.running
        for fault in self._due(process, point):
            self._end_or_freeze(process, fault)
        if not process.is_alive:
            raise DiedError

    def _due(self, process: Process, point: str) -> list[Fault]:
        """The faults that were waiting for a process to come here."""
        due = []
        for armed in self._armed.get(process, ()):
            if armed.fault.point == point:
                if armed.left == 0:
                    self.reached[point] += 1
                    self.world.say(f"{process.name} is at {point}")
                    due.append(armed.fault)
                armed.left -= 1
        return due

    def _end_or_freeze(self, process: Process, fault: Fault) -> None:
        if fault.kind.startswith("kill"):
            process.die("killed")
        else:
            process.freeze(fault.for_s)
            self.group.frozen(process)

    # Workers

    def _start(self) -> None:
        self._names += 1
        process = self.world.spawn(f"w{self._names}", self._main)
        self._stages[process] = self._make_stage()
        process.on_death = lambda: self._ended(process)
        process.on_thaw = lambda: self.group.thawed(process)

    async def _main(self) -> None:
        process = self.world.running
        engine = SimulatedEngine(self._stages[process], topics.NAME, self.settings)
        consumer = Consumer(self.kafka, self.network, "read_committed", fetch_records=self.plan.fetch_records)
        transport = Transport(engine, consumer, self.network, process)
        engine.bind(cast("Any", transport))
        engine.channel = cast("Any", transport)
        self._engines[process] = engine
        await Member(process, engine, transport.owns).follow(self.group)

    async def _stop(self, process: Process) -> None:
        await self._engines[process].stopping()
        process.die("stopped")

    def _ended(self, process: Process) -> None:
        self._armed.pop(process, None)
        self.happened[process.why] += 1
        self.group.left(process)
        if process.why == REFUSED:
            self._fail(BrokenError(f"no worker refuses to start: {self._last_words(process)}"))
        if not self._is_done and len(self.world.processes) < self._wanted:
            self.world.after(self.world.rng.choice((0.02, 0.3, 1.0)), self._start)

    def _last_words(self, process: Process) -> str:
        return next((line for line in reversed(self.world.trace) if f"{process.name}: " in line), "")

    # What happens to them

    def _strike(self, fault: Fault) -> None:
        living = self.world.processes
        process = living[fault.worker % len(living)] if living else None
        match fault.kind:
            case "start":
                self._wanted += 1
                self._start()
            case "compact":
                for number in range(self.plan.partitions):
                    self.kafka.logs[TopicPartition(topics.STATE, number)].compact()
            case "rebalance":
                self.group.rebalance()
            case "fail":
                self._failing += 1
            case _ if process is None:
                return
            case "kill" | "freeze":
                process.light(fault.count, lambda: self._end_or_freeze(process, fault))
            case "stop":
                self._wanted = max(1, self._wanted - 1)
                process.call_soon(lambda: process.create_task(self._stop(process)))
            case "kill_at" | "freeze_at":
                self._armed.setdefault(process, []).append(Armed(fault, 0 if fault.point == OPENING else fault.count // 30))
        self.happened[fault.kind] += 1

    def _fails(self) -> KafkaError | None:
        """What the broker answers to a batch that is to fail for good."""
        if not self._failing:
            return None
        self._failing -= 1
        self.world.say(f"{self.world.running.name}: a batch fails")
        return self.world.rng.choice((MessageSizeTooLargeError, KafkaTimeoutError))()

    def _calm(self) -> None:
        """Nothing goes wrong any more: from here on everything must come right by itself."""
        self.network.slow = self.network.lossy = self.network.absent = self.group.deaf = 0.0
        self._failing = 0
        self._armed.clear()
        for process in self.world.processes:
            process.light(-1, lambda: None)
        self._look()

    def _look(self, settled_since: int | None = None) -> None:
        """Ends the run when all is done, everybody who will thaw has thawed, and what they then did has come to rest."""
        generation = self.group.generation
        settled = self.laws.is_done() and all(
            not process.is_frozen and self._engines[process].is_ready for process in self._engines_alive()
        )
        if settled and settled_since == generation:
            self._is_done = True
        else:
            self.world.after(0.3 if settled else 0.1, lambda: self._look(generation if settled else None))

    def _engines_alive(self) -> list[Process]:
        return [process for process in self.world.processes if process in self._engines]

    # Traffic and commits

    def _publish(self) -> None:
        for number, (at_s, partition, key, value, how) in enumerate(self.plan.records):
            tp = TopicPartition(topics.IN, partition)
            self.world.after(at_s, lambda tp=tp, key=key, value=value, how=how, number=number: self._append(tp, key, value, how, number))  # type: ignore[misc] # defaults bind them
        for at_s, key, value in self.plan.factors:
            tp = TopicPartition(topics.FACTORS, 0)
            self.world.after(at_s, lambda tp=tp, key=key, value=value: self.kafka.publish(tp, [Content(key, value)]))  # type: ignore[misc] # likewise

    def _append(self, tp: TopicPartition, key: bytes, value: bytes, how: str, number: int) -> None:
        log = self.kafka.logs[tp]
        if how == "plain":
            self.kafka.publish(tp, [Content(key, value)])
        else:
            log.append([Content(key, value)], self.kafka.now_ms, number, 0, 0)
            end = functools.partial(self.kafka.mark, tp, number, 0, "commit" if how == "committed" else "abort")
            self.world.after(self.world.rng.random() * 0.1, end)
        if how != "aborted":
            self.laws.needed[tp.partition] = max(self.laws.needed[tp.partition], log.end)

    def _granted(self, producer_id: int, epoch: int) -> None:
        self.laws.tenures[producer_id, epoch] = len(self.laws.tenures) + 1

    def _fenced(self, producer: Producer) -> None:
        process = producer.connection.process
        for fault in self._due(process, OPENING):
            process.light(fault.count, lambda fault=fault: self._end_or_freeze(process, fault))  # type: ignore[misc] # a default binds it
        self._producers[producer.producer_id, producer.epoch] = process
        self.world.say(f"{process.name} has {producer.transactional_id} as producer {producer.producer_id}, epoch {producer.epoch}")

    def _committed(self, transaction: Transaction) -> None:
        process = self._producers.get((transaction.producer_id, transaction.epoch))
        memory = self._stages[process].states if process is not None and process.is_alive else None
        try:
            self.laws.committed(transaction, memory)
        except BrokenError as broken:
            self._fail(broken)

    def _fail(self, broken: BrokenError) -> None:
        self._broken = self._broken or broken
        self._is_done = True


@functools.cache
def _settings(values: tuple[tuple[str, Any], ...]) -> Settings:
    return Settings(**dict(values))


def play(plan: Plan, seam: Seam, make_stage: Callable[[], SumStage] = SumStage) -> Run:
    """Carries a plan out. The seam must be installed."""
    seam.current = Run(plan, make_stage)
    return seam.current.play()
