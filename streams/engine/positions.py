"""How far a partition has read, kept in its own state: position and effect are one changelog transaction.

Kafka's group offsets are committed too, for tools that show lag, but they expire and can be reset by hand; the state
cannot. Where the two contradict each other, records would be lost or counted twice, so the worker refuses to start.
"""

from __future__ import annotations

from rating.stage import State
from streams.engine.fatal import RefusalError

RESERVED = b"\x00"
"""State keys that begin with this byte belong to the engine; no stage may use them."""


def key_of(topic: str, partition: int) -> bytes:
    """Where the position of a topic partition lies in the state."""
    return RESERVED + b"at|" + topic.encode() + b"|" + partition.to_bytes(4, "big")


def position(state: State, topic: str, partition: int) -> int | None:
    """The offset that comes next, or None if the state has seen nothing of this partition."""
    value = state.get(key_of(topic, partition))
    return None if value is None else int.from_bytes(value, "big")


def advance(state: State, topic: str, partition: int, next_offset: int) -> None:
    """Everything before `next_offset` has had its effect on this state."""
    state.put(key_of(topic, partition), next_offset.to_bytes(8, "big"))


def start(topic: str, partition: int, *, in_state: int | None, committed: int | None, begin: int, end: int) -> int:
    """Where to go on reading. Raises `RefusalError` if the state cannot be the one that belongs to this log.

    `committed` is the group's offset, `begin` and `end` are those of the log. A start before `begin` means that retention
    deleted records nobody read: the caller reports them.
    """
    name = f"{topic} partition {partition}"
    if committed is not None and committed > (in_state or 0):
        raise RefusalError(
            f"{name}: the group has committed offset {committed}, but the state knows it up to {in_state or 0}; "
            "its changelog was lost or changed. Restore that topic; or, to process the whole input anew, delete the group's offsets"
        )
    if in_state is not None and in_state > end:
        raise RefusalError(
            f"{name}: the state knows it up to offset {in_state}, but the log ends at {end}; the topic was made anew. "
            "Restore it, or start with new topics under another prefix"
        )
    return begin if in_state is None else in_state
