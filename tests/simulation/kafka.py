"""Kafka's transactional semantics: logs with markers, a transaction coordinator, group offsets. All in memory, all at once.

What a method does is what a broker does on one request. How long a request is under way, and whether it is lost, is `network`'s affair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import (
    ConcurrentTransactions,
    InvalidProducerEpoch,
    InvalidTxnState,
    OffsetOutOfRangeError,
    OutOfOrderSequenceNumber,
)

from tests.simulation.world import EPOCH_S, World

Headers = Sequence[tuple[str, bytes]]
OFFSETS = TopicPartition("__consumer_offsets", 0)
Result = Literal["commit", "abort"]
State = Literal["empty", "ongoing", "commit", "abort"]


class Content(NamedTuple):
    """What a producer sends of a record."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Entry:
    """What lies at one offset."""

    __slots__ = ("epoch", "headers", "is_control", "key", "offset", "producer_id", "status", "timestamp", "value")

    def __init__(self, offset: int, content: Content, timestamp: int, producer_id: int, epoch: int, status: State | None) -> None:
        self.offset = offset
        self.key, self.value, self.headers = content
        self.timestamp = timestamp
        self.producer_id = producer_id
        self.epoch = epoch
        self.is_control = False
        self.status = status
        """None: of no transaction; `ongoing`, `commit` or `abort`: what became of its transaction here."""


class Log:
    """One topic partition."""

    def __init__(self) -> None:
        self.entries: list[Entry | None] = []
        """By offset; None where compaction has removed one."""
        self.begin = 0
        self.epochs: dict[int, int] = {}
        """The latest epoch seen, by producer id."""
        self.opened: dict[int, int] = {}
        """Where each open transaction begins, by producer id."""
        self._sequences: dict[int, tuple[int, int, int]] = {}

    @property
    def end(self) -> int:
        """The high watermark."""
        return len(self.entries)

    @property
    def stable(self) -> int:
        """The last stable offset: no transaction before it is open."""
        return min(self.opened.values(), default=len(self.entries))

    def append(self, records: Iterable[Content], now_ms: int, producer_id: int = -1, epoch: int = -1, sequence: int = -1) -> int:
        """Appends records; returns the offset of the first. A batch that is there already is not appended again."""
        status: State | None = None
        first = len(self.entries)
        records = list(records)
        if producer_id >= 0:
            self.admit(producer_id, epoch)
            status = "ongoing"
            known_epoch, next_sequence, at = self._sequences.get(producer_id, (epoch, 0, 0))
            if known_epoch != epoch:
                next_sequence = 0
            if sequence + len(records) == next_sequence:
                return at
            if sequence != next_sequence:
                raise OutOfOrderSequenceNumber
            self._sequences[producer_id] = (epoch, sequence + len(records), first)
            self.opened.setdefault(producer_id, first)
        self.entries += [Entry(first + number, record, now_ms, producer_id, epoch, status) for number, record in enumerate(records)]
        return first

    def admit(self, producer_id: int, epoch: int) -> None:
        """Turns away a producer that has been fenced here."""
        if epoch < self.epochs.get(producer_id, -1):
            raise InvalidProducerEpoch
        self.epochs[producer_id] = epoch

    def mark(self, producer_id: int, epoch: int, result: Result, now_ms: int) -> None:
        """Ends a producer's transaction here."""
        self.epochs[producer_id] = max(epoch, self.epochs.get(producer_id, -1))
        begin = self.opened.pop(producer_id, None)
        for entry in self.entries[begin:] if begin is not None else ():
            if entry is not None and entry.producer_id == producer_id and entry.status == "ongoing":
                entry.status = result
        marker = Entry(len(self.entries), Content(None, None), now_ms, producer_id, epoch, result)
        marker.is_control = True
        self.entries.append(marker)

    def read(self, position: int, limit: int, *, committed: bool) -> tuple[list[Entry], int]:
        """Up to `limit` records from a position on, and the position after them."""
        if not self.begin <= position <= len(self.entries):
            raise OffsetOutOfRangeError
        end = self.stable if committed else len(self.entries)
        found: list[Entry] = []
        while position < end and len(found) < limit:
            entry = self.entries[position]
            position += 1
            if entry is not None and not entry.is_control and not (committed and entry.status == "abort"):
                found.append(entry)
        return found, position

    def compact(self) -> None:
        """Leaves the latest committed record of each key. The last entries are spared, as an active segment is."""
        latest: set[bytes | None] = set()
        for offset in range(min(self.stable, len(self.entries) - 2) - 1, -1, -1):
            entry = self.entries[offset]
            if entry is None or entry.is_control:
                continue
            if entry.status == "abort" or entry.key in latest:
                self.entries[offset] = None
            else:
                latest.add(entry.key)


class Transaction(NamedTuple):
    """A committed transaction, as the laws look at it."""

    producer_id: int
    epoch: int
    entries: dict[TopicPartition, list[Entry]]
    offsets: Mapping[TopicPartition, int]


class Producing:
    """What the transaction coordinator knows of a transactional id."""

    def __init__(self, producer_id: int) -> None:
        self.producer_id = producer_id
        self.epoch = -1
        self.state: State = "empty"
        self.is_marking = False
        """True from the decision until every partition has its marker."""
        self.partitions: set[TopicPartition] = set()
        self.number = 0
        """How many transactions there were."""
        self.timeout_s = 60.0


class Kafka:
    """A cluster. `on_commit` is called at every commit point, before anything else happens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.logs: dict[TopicPartition, Log] = {OFFSETS: Log()}
        self.counts: Counter[str] = Counter()
        """How often what matters to a transaction happened."""
        self.group_offsets: dict[TopicPartition, int] = {}
        self.on_commit: Callable[[Transaction], None] = lambda transaction: None
        self.on_fence: Callable[[int, int], None] = lambda producer_id, epoch: None
        self.marker_delay_s: Callable[[], float] = lambda: 0.001
        self._waiting: dict[TopicPartition, list[Callable[[], object]]] = {}
        self._pending_offsets: dict[int, dict[TopicPartition, int]] = {}
        self._ids: dict[str, Producing] = {}
        self._by_producer: dict[int, Producing] = {}

    @property
    def now_ms(self) -> int:
        return int((EPOCH_S + self.world.now_s) * 1000)

    def create(self, topic: str, partitions: int) -> None:
        """Makes a topic."""
        self.logs.update({TopicPartition(topic, number): Log() for number in range(partitions)})

    def publish(self, tp: TopicPartition, records: Iterable[Content]) -> None:
        """Appends records of no transaction."""
        self.logs[tp].append(records, self.now_ms)
        self._wake(tp)

    def mark(self, tp: TopicPartition, producer_id: int, epoch: int, result: Result) -> None:
        """Writes the marker that ends a transaction in one partition."""
        self.logs[tp].mark(producer_id, epoch, result, self.now_ms)
        self._wake(tp)

    # Requests of producers

    def init_producer(self, transactional_id: str, timeout_s: float) -> tuple[int, int]:
        """Fences: returns producer id and epoch, once nothing of the epochs before is undecided."""
        known = self._ids.get(transactional_id)
        if known is None:
            known = self._ids[transactional_id] = Producing(1000 + len(self._ids))
            self._by_producer[known.producer_id] = known
        if known.is_marking:
            raise ConcurrentTransactions
        if known.state == "ongoing":
            self.counts["a fence aborts a transaction"] += 1
            known.epoch += 1
            self._decide(known, "abort")
            raise ConcurrentTransactions
        known.epoch += 1
        known.state = "empty"
        known.timeout_s = timeout_s
        self.on_fence(known.producer_id, known.epoch)
        return known.producer_id, known.epoch

    def add_partitions(self, producer_id: int, epoch: int, partitions: Iterable[TopicPartition]) -> None:
        """Makes partitions part of the transaction, which begins with the first."""
        known = self._current(producer_id, epoch)
        if known.is_marking:
            raise ConcurrentTransactions
        if known.state != "ongoing":
            known.state = "ongoing"
            known.number += 1
            number = known.number
            self.world.after(known.timeout_s, lambda: self._time_out(known, number))
        known.partitions.update(partitions)

    def produce(self, producer_id: int, epoch: int, sequence: int, tp: TopicPartition, records: Sequence[Content]) -> int:
        """Appends to a transaction; returns the first offset."""
        log = self.logs[tp]
        known = self._current(producer_id, epoch)
        if known.is_marking or known.state != "ongoing" or tp not in known.partitions:
            raise InvalidTxnState
        offset = log.append(records, self.now_ms, producer_id, epoch, sequence)
        self._wake(tp)
        return offset

    def commit_offsets(self, producer_id: int, epoch: int, offsets: Mapping[TopicPartition, int]) -> None:
        """Adds a group's offsets to a transaction: pending until its marker."""
        known = self._current(producer_id, epoch)
        self.logs[OFFSETS].admit(producer_id, epoch)
        if known.is_marking or known.state != "ongoing" or OFFSETS not in known.partitions:
            raise InvalidTxnState
        self._pending_offsets.setdefault(producer_id, {}).update(offsets)

    def end_transaction(self, producer_id: int, epoch: int, result: Result) -> None:
        """Decides. The markers follow."""
        known = self._current(producer_id, epoch)
        if known.state == "ongoing":
            self._decide(known, result)
        elif known.state != result:
            raise InvalidTxnState
        elif known.is_marking:
            raise ConcurrentTransactions

    # Requests of consumers

    def stable_end(self, tp: TopicPartition, *, committed: bool = True) -> int:
        """Where a log ends for a reader."""
        log = self.logs[tp]
        return log.stable if committed else log.end

    def wait(self, partitions: Iterable[TopicPartition], wake: Callable[[], object]) -> None:
        """Calls `wake` when anything is appended to one of these."""
        for tp in partitions:
            self._waiting.setdefault(tp, []).append(wake)

    def _wake(self, tp: TopicPartition) -> None:
        for wake in self._waiting.pop(tp, ()):
            wake()

    def _current(self, producer_id: int, epoch: int) -> Producing:
        known = self._by_producer[producer_id]
        if known.epoch != epoch:
            self.counts["a fenced producer is turned away"] += 1
            raise InvalidProducerEpoch
        return known

    def _time_out(self, known: Producing, number: int) -> None:
        if known.state == "ongoing" and known.number == number:
            self.world.say(f"kafka: a transaction of producer {known.producer_id} times out")
            self.counts["a transaction times out"] += 1
            known.epoch += 1
            self._decide(known, "abort")

    def _decide(self, known: Producing, result: Result) -> None:
        known.state = result
        known.is_marking = True
        self.world.say(f"kafka: {result} of producer {known.producer_id}, epoch {known.epoch}")
        offsets = self._pending_offsets.pop(known.producer_id, {}) if OFFSETS in known.partitions else {}
        if result == "commit":
            self.on_commit(Transaction(known.producer_id, known.epoch, self._entries_of(known), offsets))
        left = set(known.partitions)
        epoch = known.epoch
        known.partitions = set()

        def mark(tp: TopicPartition) -> None:
            self.mark(tp, known.producer_id, epoch, result)
            if tp == OFFSETS and result == "commit":
                self.group_offsets.update(offsets)
            left.discard(tp)
            known.is_marking = bool(left)

        for tp in sorted(left):
            self.world.after(self.marker_delay_s(), lambda tp=tp: mark(tp))  # type: ignore[misc] # a default binds the loop variable

    def _entries_of(self, known: Producing) -> dict[TopicPartition, list[Entry]]:
        entries: dict[TopicPartition, list[Entry]] = {}
        for tp in sorted(known.partitions):
            log = self.logs[tp]
            begin = log.opened.get(known.producer_id)
            if begin is not None:
                entries[tp] = [
                    entry
                    for entry in log.entries[begin:]
                    if entry is not None and entry.producer_id == known.producer_id and entry.status == "ongoing"
                ]
        return entries
