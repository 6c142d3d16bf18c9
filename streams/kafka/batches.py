"""What travels from the transport to a partition: a run of records of one topic partition, in order and without a hole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rating.stage import Record

MAX_BATCH_BYTES = 8 * 1024 * 1024
"""A batch ends when it holds this much, however few its records: what one transaction writes stays of the same order."""


class RecordBatch(NamedTuple):
    """Records of one topic partition in log order."""

    topic: str
    """Logical name, without the prefix."""
    partition: int
    lease: int
    """Which seek these records follow. A partition takes only those of its latest seek: whatever was under way before is void."""
    offset: int
    """Where it begins: where the one before it ended. Records may be missing there, but none that a reader may see."""
    records: list[Record]
    next_offset: int
    """Where the next batch begins: everything before it is in this batch or an earlier one, or is no record."""
    at_end: bool = False
    """True when nothing followed in the log at that moment. Only told while draining; such a batch has no records."""

    @property
    def size_bytes(self) -> int:
        """Keys and values."""
        return sum(len(record.key or b"") + len(record.value or b"") for record in self.records)


def batch_of(topic: str, partition: int, fetched: Sequence[Any], lease: int = 0, offset: int | None = None) -> RecordBatch:
    """A batch of what aiokafka fetched, under the topic's logical name."""
    records = [Record(topic, partition, r.offset, r.key, r.value, r.timestamp, r.headers) for r in fetched]
    return RecordBatch(topic, partition, lease, records[0].offset if offset is None else offset, records, records[-1].offset + 1)


def split(batch: RecordBatch, max_records: int) -> list[RecordBatch]:
    """The batch in pieces of at most `max_records` records and about `MAX_BATCH_BYTES`, each with at least one record."""
    if len(batch.records) <= max_records and batch.size_bytes <= MAX_BATCH_BYTES:
        return [batch]
    pieces: list[list[Record]] = [[]]
    size_bytes = 0
    for record in batch.records:
        record_bytes = len(record.key or b"") + len(record.value or b"")
        if pieces[-1] and (len(pieces[-1]) == max_records or size_bytes + record_bytes > MAX_BATCH_BYTES):
            pieces.append([])
            size_bytes = 0
        pieces[-1].append(record)
        size_bytes += record_bytes
    bounds = [batch.offset, *(piece[0].offset for piece in pieces[1:]), batch.next_offset]
    return [
        batch._replace(offset=begin, records=piece, next_offset=end)
        for piece, begin, end in zip(pieces, bounds[:-1], bounds[1:], strict=True)
    ]
