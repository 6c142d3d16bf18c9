"""The model keeps Kafka's promises, one by one: otherwise what runs on it proves nothing."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import ConcurrentTransactions, InvalidProducerEpoch, InvalidTxnState, OffsetOutOfRangeError, OutOfOrderSequenceNumber

from tests.simulation.kafka import OFFSETS, Content, Kafka
from tests.simulation.world import World

TP = TopicPartition("topic", 0)
OTHER = TopicPartition("topic", 1)


class Cluster(Kafka):
    """A cluster whose time the test moves."""

    def __init__(self) -> None:
        super().__init__(World(1))
        self.create("topic", 2)

    def let_pass(self, seconds: float) -> None:
        end_s = self.world.now_s + seconds
        self.world.after(seconds, lambda: None)
        self.world.run(lambda: self.world.now_s >= end_s, limit_s=seconds + 1)

    def begun(self, *records: Content, timeout_s: float = 60.0) -> tuple[int, int]:
        """A producer in an open transaction that has appended these."""
        producer_id, epoch = self.init_producer("id", timeout_s)
        self.add_partitions(producer_id, epoch, [TP])
        self.produce(producer_id, epoch, 0, TP, records)
        return producer_id, epoch

    def values(self, *, committed: bool = True) -> list[bytes | None]:
        return [entry.value for entry in self.logs[TP].read(0, 100, committed=committed)[0]]


@pytest.fixture
def kafka() -> Cluster:
    return Cluster()


def test_readers_of_committed_records_wait_for_the_marker(kafka: Cluster) -> None:
    producer = kafka.begun(Content(b"k", b"1"))
    kafka.publish(TP, [Content(b"k", b"2")])
    assert (kafka.values(), kafka.values(committed=False)) == ([], [b"1", b"2"])
    kafka.end_transaction(*producer, "commit")
    assert kafka.values() == []
    kafka.let_pass(0.1)
    assert kafka.values() == [b"1", b"2"]
    assert kafka.stable_end(TP) == 3  # the marker has an offset of its own


def test_what_is_aborted_is_never_read_as_committed(kafka: Cluster) -> None:
    producer = kafka.begun(Content(b"k", b"1"))
    kafka.end_transaction(*producer, "abort")
    kafka.let_pass(0.1)
    assert (kafka.values(), kafka.values(committed=False)) == ([], [b"1"])


def test_a_fence_aborts_what_was_open_and_ends_when_that_is_done(kafka: Cluster) -> None:
    zombie = kafka.begun(Content(b"k", b"1"))
    with pytest.raises(ConcurrentTransactions):
        kafka.init_producer("id", 60.0)
    kafka.let_pass(0.1)
    producer_id, epoch = kafka.init_producer("id", 60.0)
    assert producer_id == zombie[0]
    assert epoch > zombie[1]
    assert kafka.values() == []


def test_who_was_fenced_can_do_nothing_more(kafka: Cluster) -> None:
    zombie = kafka.begun(Content(b"k", b"1"))
    with pytest.raises(ConcurrentTransactions):
        kafka.init_producer("id", 60.0)
    for request in (
        lambda: kafka.add_partitions(*zombie, [OTHER]),
        lambda: kafka.produce(*zombie, 1, TP, [Content(b"k", b"2")]),
        lambda: kafka.commit_offsets(*zombie, {TP: 1}),
        lambda: kafka.end_transaction(*zombie, "commit"),
    ):
        with pytest.raises(InvalidProducerEpoch):
            request()


def test_a_transaction_that_takes_too_long_is_aborted_and_its_producer_fenced(kafka: Cluster) -> None:
    slow = kafka.begun(Content(b"k", b"1"), timeout_s=5.0)
    kafka.let_pass(6.0)
    assert kafka.logs[TP].stable == kafka.logs[TP].end
    with pytest.raises(InvalidProducerEpoch):
        kafka.end_transaction(*slow, "commit")
    assert kafka.values() == []


def test_a_partition_must_be_part_of_the_transaction(kafka: Cluster) -> None:
    producer = kafka.begun(Content(b"k", b"1"))
    with pytest.raises(InvalidTxnState):
        kafka.produce(*producer, 0, OTHER, [Content(b"k", b"1")])


def test_a_batch_sent_again_is_appended_once_and_one_that_is_missing_is_noticed(kafka: Cluster) -> None:
    producer = kafka.begun(Content(b"k", b"1"))
    assert kafka.produce(*producer, 0, TP, [Content(b"k", b"1")]) == 0
    with pytest.raises(OutOfOrderSequenceNumber):
        kafka.produce(*producer, 5, TP, [Content(b"k", b"2")])
    assert kafka.values(committed=False) == [b"1"]


def test_the_end_of_a_transaction_may_be_asked_for_again_but_not_changed(kafka: Cluster) -> None:
    producer = kafka.begun(Content(b"k", b"1"))
    kafka.end_transaction(*producer, "commit")
    with pytest.raises(ConcurrentTransactions):
        kafka.end_transaction(*producer, "commit")
    kafka.let_pass(0.1)
    kafka.end_transaction(*producer, "commit")
    with pytest.raises(InvalidTxnState):
        kafka.end_transaction(*producer, "abort")


@pytest.mark.parametrize(("result", "expected"), [("commit", {TP: 7}), ("abort", {})])
def test_a_groups_offsets_count_when_their_transaction_is_committed(
    kafka: Cluster, result: str, expected: dict[TopicPartition, int]
) -> None:
    producer = kafka.begun(Content(b"k", b"1"))
    kafka.add_partitions(*producer, [OFFSETS])
    kafka.commit_offsets(*producer, {TP: 7})
    assert kafka.group_offsets == {}
    kafka.end_transaction(*producer, "commit" if result == "commit" else "abort")
    kafka.let_pass(0.1)
    assert kafka.group_offsets == expected


def test_compaction_leaves_the_latest_of_each_key_and_what_is_not_stable(kafka: Cluster) -> None:
    for number in range(5):
        kafka.publish(TP, [Content(b"k", b"%d" % number)])
    kafka.begun(Content(b"k", b"open"))
    kafka.publish(TP, [Content(b"x", b"last"), Content(b"x", b"of all")])
    kafka.logs[TP].compact()
    assert kafka.values(committed=False) == [b"4", b"open", b"last", b"of all"]


def test_an_offset_that_the_log_does_not_have_is_an_error(kafka: Cluster) -> None:
    with pytest.raises(OffsetOutOfRangeError):
        kafka.logs[TP].read(1, 10, committed=True)
