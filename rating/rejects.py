"""Records that are refused, as they are published: the original bytes, why, and where they came from (contract §1)."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from rating.records import Parked
from rating.stage import Output, Record
from schemas.decode import MAX_EVENT_BYTES, Rejection
from schemas.instants import format_instant

REJECTS: Final = "usage.rejected"

SHORTENED_TO_BYTES: Final = 64 * 1024
"""How much of an oversized record is kept in `usage.rejected`; its hash and length stand for the rest."""


def rejected_record(record: Record | Parked, rejection: Rejection, *, only_in: int | None = None) -> Output:
    """The original bytes with their coordinates. `rejected_at` is the append time: a replay must write the same bytes."""
    value = record.value or b""
    headers = [
        ("reason", rejection.reason.encode()),
        ("detail", rejection.detail.encode()),
        ("topic", record.topic.encode()),
        ("partition", str(record.partition).encode()),
        ("offset", str(record.offset).encode()),
        ("rejected_at", b"" if record.appended_at_ms is None else format_instant(record.appended_at_ms).encode()),
    ]
    if len(value) > MAX_EVENT_BYTES:
        headers += [("sha256", sha256(value).hexdigest().encode()), ("bytes", str(len(value)).encode())]
        value = value[:SHORTENED_TO_BYTES]
    return Output(REJECTS, record.key, value, headers=headers, only_in=only_in)
