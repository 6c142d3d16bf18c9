"""Which aborted transactions a fetch is to look out for: those that are still open where it begins.

A broker names, with the records, the transactions that were aborted: a producer and the offset of its first record. A client drops the
producer's records from there to the mark of its abort. Where that mark lies before the offset that was asked for, it would drop all that
the producer wrote ever after. Apache Kafka names no such transaction; the embedded broker does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.memory_records import MemoryRecords

Aborted = tuple[int, int]
"""Producer id, and the offset of the transaction's first record."""


def forget_those_that_are_over() -> None:
    """Has every consumer of this process leave out what is over; to be called once."""
    fetched: list[Any] = [b""]

    def remembered(data: Any) -> Any:
        fetched[0] = data  # the next thing that aiokafka makes of a fetch, before anything else can happen, are its partition records
        return MemoryRecords(data)

    initialise = fetcher.PartitionRecords.__init__

    def with_open_ones(self: Any, tp: Any, records: Any, aborted: Iterable[Aborted] | None, fetch_offset: int, *others: Any) -> None:
        initialise(self, tp, records, still_open(fetched[0], aborted or (), fetch_offset), fetch_offset, *others)

    fetcher.MemoryRecords = remembered
    fetcher.PartitionRecords.__init__ = with_open_ones


def still_open(data: Any, aborted: Iterable[Aborted], fetch_offset: int) -> list[Aborted]:
    """The aborted transactions without those that ended before the offset that was asked for.

    One that began before it is open if the producer's first mark in what was fetched is that of an abort, or if there is none yet.
    """
    named = list(aborted)
    doubtful = {producer for producer, first_offset in named if first_offset < fetch_offset}
    over = _over(data, doubtful, fetch_offset) if doubtful else set()
    return [(producer, first_offset) for producer, first_offset in named if first_offset >= fetch_offset or producer not in over]


def _over(data: Any, doubtful: set[int], fetch_offset: int) -> set[int]:
    found: dict[int, bool] = {}
    records = MemoryRecords(data)
    while records.has_next() and len(found) < len(doubtful):
        batch = records.next_batch()
        if (
            batch.is_control_batch
            and batch.producer_id in doubtful
            and batch.producer_id not in found
            and batch.base_offset >= fetch_offset
        ):
            found[batch.producer_id] = ControlRecord.parse(next(batch).key) != ABORT_MARKER
    return {producer for producer, is_over in found.items() if is_over}
