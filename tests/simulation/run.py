"""One run: a plan, carried out on a world of its own; then everything has to come out right."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from faust.types import TP

from rating.stage import Stage
from streams.pipeline.pipeline import Pipeline
from streams.settings import Settings
from tests.simulation.clients import Consumer, Producer
from tests.simulation.group import Group, Member
from tests.simulation.kafka import Content, Kafka, Transaction
from tests.simulation.laws import BrokenError, Laws, Memory, Noted, state_topic
from tests.simulation.meter import MeterLaws, stages_for, traffic_of
from tests.simulation.network import Network
from tests.simulation.plans import OPENING, Fault, Plan
from tests.simulation.sums import SumLaws, SumStage
from tests.simulation.worker import Seam, SimulatedEngine, Transport
from tests.simulation.world import DiedError, Process, World

QUIET_S = 30.0
"""How long a run may go on after the last fault."""
REFUSED = "exit code 72"


@dataclass(slots=True)
class Armed:
    """A fault that waits until its worker comes to its point."""

    fault: Fault
    left: int


class Run:
    """A plan, carried out."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.world = World(plan.seed)
        self.kafka = Kafka(self.world)
        self.network = Network(self.world)
        self.laws: Laws
        self._make: Callable[[], Mapping[str, Stage]]
        if plan.stage == "meter":
            stream = traffic_of(plan.seed)
            self.laws, self._make = MeterLaws(self.kafka, plan.partitions, stream), lambda: stages_for(stream)
        else:
            self.laws, self._make = SumLaws(self.kafka, plan.partitions), lambda: {self.laws.stage_name: SumStage()}
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
        stages = self._make()
        inputs = [topic for stage in stages.values() for topic in stage.inputs]
        self.group = Group(self.world, self.network, [TP(topic, number) for topic in inputs for number in range(plan.partitions)])
        self.group.deaf = plan.network.get("deaf", 0.0)
        self._broadcast_topic = stages[self.laws.stage_name].broadcast[0]
        self._state_topics = [state_topic(name) for name in stages]
        written = [topic for stage in stages.values() for topic in (*stage.broadcast, *stage.outputs)]
        for topic in dict.fromkeys([*inputs, *written, *self._state_topics]):
            self.kafka.create(topic, plan.partitions)
        self.kafka.on_commit = self._committed
        self.kafka.on_fence = self._granted
        self.kafka.marker_delay_s = self.network.delay_s
        self._names = 0
        self._memories: dict[Process, Memory] = {}
        self._engines: dict[Process, Pipeline] = {}
        self._producers: dict[tuple[int, int], Process] = {}
        self._armed: dict[Process, list[Armed]] = {}
        self._wanted = plan.workers
        self._failing = 0
        self._is_draining = False
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
                    {place: state for place, state in self._memories[process].items() if self.group.owner_of(place[1]) is process}
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

    def observer(self, settings: Settings, group_id: str | None = None) -> Consumer:
        """Sees where logs end, committed or not."""
        return Consumer(self.kafka, self.network, "read_uncommitted", fetch_records=self.plan.fetch_records)

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
        self._memories[process] = {}
        process.on_death = lambda: self._ended(process)
        process.on_thaw = lambda: self.group.thawed(process)

    async def _main(self) -> None:
        process = self.world.running
        memory = self._memories[process]
        stages = {name: Noted(name, stage, self.plan.partitions, memory) for name, stage in self._make().items()}
        engines = [SimulatedEngine(stage, name, self.settings, draining=self._is_draining) for name, stage in stages.items()]
        pipeline = Pipeline(engines)
        consumer = Consumer(self.kafka, self.network, "read_committed", fetch_records=self.plan.fetch_records)
        transport = Transport(pipeline, engines, consumer, self.network, process)
        pipeline.bind(cast("Any", transport))
        self._engines[process] = pipeline
        if self._is_draining:
            process.create_task(self._drain(pipeline))
        await Member(process, pipeline, transport.owns).follow(self.group)

    async def _drain(self, pipeline: Pipeline) -> None:
        await pipeline.finished.wait()
        self.world.after(0.5, self._end)  # the marks of its last transaction

    def _end(self) -> None:
        self._is_done = True

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
                for topic in self._state_topics:
                    for number in range(self.plan.partitions):
                        self.kafka.logs[TopicPartition(topic, number)].compact()
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
            self._finish()
        else:
            self.world.after(0.3 if settled else 0.1, lambda: self._look(generation if settled else None))

    def _finish(self) -> None:
        """Some stages wait for what may still come: then a last worker is told that nothing will."""
        if self.plan.stage == "sums":
            self._is_done = True
            return
        self._wanted, self._is_draining = 0, True
        for process in list(self.world.processes):
            process.die("stopped")
        self._wanted = 1
        self._start()

    def _engines_alive(self) -> list[Process]:
        return [process for process in self.world.processes if process in self._engines]

    # Traffic and commits

    def _publish(self) -> None:
        for number, (at_s, partition, key, value, how) in enumerate(self.plan.records):
            tp = TopicPartition(self.laws.input_topic, partition)
            self.world.after(at_s, lambda tp=tp, key=key, value=value, how=how, number=number: self._append(tp, key, value, how, number))  # type: ignore[misc] # defaults bind them
        for at_s, key, value in self.plan.broadcasts:
            tp = TopicPartition(self._broadcast_topic, 0)
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
        memory = self._memories[process] if process is not None and process.is_alive else None
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


def play(plan: Plan, seam: Seam) -> Run:
    """Carries a plan out. The seam must be installed."""
    seam.current = Run(plan)
    return seam.current.play()
