"""A batch that is too large for one transaction is cut, and the pieces say where each begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rating.stage import Record
from streams.kafka import batches
from streams.kafka.batches import RecordBatch, split
from streams.kafka.partitioner import partition_of


def record(offset: int, value: bytes | None = b"") -> Record:
    return Record("t", 0, offset, b"", value, None)


@given(gaps=st.lists(st.integers(1, 3), min_size=1, max_size=30), max_records=st.integers(1, 10), trailing=st.integers(1, 3))
def test_the_pieces_are_the_whole_in_order_and_meet_without_a_hole(gaps: list[int], max_records: int, trailing: int) -> None:
    records = [record(sum(gaps[: index + 1])) for index in range(len(gaps))]
    pieces = split(RecordBatch("t", 0, 7, 0, records, records[-1].offset + trailing), max_records)
    assert [r for piece in pieces for r in piece.records] == records
    assert all(1 <= len(piece.records) <= max_records and piece.lease == 7 for piece in pieces)
    assert [piece.offset for piece in pieces] == [0, *(piece.next_offset for piece in pieces[:-1])]
    assert all(piece.offset <= r.offset < piece.next_offset for piece in pieces for r in piece.records)
    assert pieces[-1].next_offset == records[-1].offset + trailing


def test_large_records_fill_a_piece_sooner_and_one_that_is_larger_still_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_BATCH_BYTES", 10)
    records = [record(0, b"12345"), record(1, b"12345"), record(2, b"1"), record(3, b"1" * 20), record(4, None)]
    pieces = split(RecordBatch("t", 0, 0, 0, records, 5), 100)
    assert [[r.offset for r in piece.records] for piece in pieces] == [[0, 1], [2], [3], [4]]


@pytest.mark.parametrize(
    ("key", "java_hash"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_a_key_goes_to_the_partition_that_the_java_client_would_choose(key: bytes, java_hash: int) -> None:
    """Kafka's own test vectors of murmur2; its partitioner takes them without the sign bit."""
    assert partition_of(key, 12) == (java_hash & 0x7FFFFFFF) % 12
