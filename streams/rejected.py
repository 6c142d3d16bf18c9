"""What was refused in a running system, from `usage.rejected`, and sending again what can be read by now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from rating.stage import Record
from schemas.decode import Rejection, decode_event
from streams.results import REJECTED
from streams.topic_reader import TopicReader

MESSAGES: Final = "whatsapp.messages"


class Rejected(NamedTuple):
    """A refused record: why, where it lay, and its bytes as they came."""

    place: str
    """`topic:partition:offset` of where it came from."""
    topic: str
    reason: str
    detail: str
    rejected_at: str
    """When the broker had appended it."""
    key: bytes | None
    value: bytes
    bytes_in_all: int
    """More than `value` has, where that was shortened."""

    @property
    def is_whole(self) -> bool:
        """Whether all of its bytes were kept."""
        return self.bytes_in_all == len(self.value)


class Group(NamedTuple):
    """Records refused for the same reason."""

    topic: str
    reason: str
    records: int
    first: str
    last: str


async def read(reader: TopicReader) -> list[Rejected]:
    """Every refused record that the topic still holds, by time and place."""
    found = [_rejected(record) async for record in reader.records(REJECTED)]
    return sorted(found, key=lambda each: (each.rejected_at, each.place))


def groups(records: Iterable[Rejected]) -> list[Group]:
    """The records, put together by topic and reason; the largest group first."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records:
        found[record.topic, record.reason].append(record.rejected_at)
    made = [Group(*key, len(instants), min(instants), max(instants)) for key, instants in found.items()]
    return sorted(made, key=lambda group: (-group.records, group.topic, group.reason))


def why_not(record: Rejected) -> str | None:
    """Why a record cannot be sent again as it is; None if it can.

    Only message events can: the order in which they come is of no consequence, and two of one identity count once. An old profile or
    command would undo or repeat what came after it.
    """
    if record.topic != MESSAGES:
        return f"a record of {record.topic} may be out of date: publish it again, mended, with its publisher"
    if not record.is_whole:
        return f"only the first {len(record.value):,} of its {record.bytes_in_all:,} bytes were kept"
    still = decode_event(record.value)
    return f"this version refuses it too ({still.reason})" if isinstance(still, Rejection) else None


def _rejected(record: Record) -> Rejected:
    headers = dict(record.headers)
    text = {name: headers.get(name, b"").decode(errors="replace") for name in ("topic", "partition", "offset", "reason", "detail")}
    value = record.value or b""
    return Rejected(
        place=f"{text['topic']}:{text['partition']}:{text['offset']}",
        topic=text["topic"],
        reason=text["reason"],
        detail=text["detail"],
        rejected_at=headers.get("rejected_at", b"").decode(),
        key=record.key,
        value=value,
        bytes_in_all=int(headers.get("bytes", len(value))),
    )
