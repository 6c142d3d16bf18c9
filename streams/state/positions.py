"""How far a partition has read, kept in its own state: position and effect are one changelog transaction.

Kafka's group offsets are committed too, for tools that show lag, but they expire and can be reset by hand; the state
cannot. Where the two contradict each other, records would be lost or counted twice, so the worker refuses to start.
"""

from __future__ import annotations

from rating.stage import State
from streams.guards.fatal import RefusalError

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


def start(topic: str, partition: int, *, in_state: int | None, committed: int | None, begin: int, end: int, accepted: int = 0) -> int:
    """Where to go on reading. Raises `RefusalError` if the state cannot be the one that belongs to this log, or records are missing.

    `committed` is the group's offset, `begin` and `end` are those of the log. A state that ends before `begin` has a gap to it: records
    that were deleted before anyone read them. Only up to `accepted`, an offset that a person named, is it gone over.
    """
    name = f"{topic} partition {partition}"
    if committed is not None and committed > (in_state or 0):
        raise RefusalError(
            f"{name}: the group has committed offset {committed}, but the state knows it up to {in_state or 0}; "
            "its changelog was lost or changed. Restore that topic, or make METER's state again from the topics with wameter rebuild; "
            "or, to process the whole input anew, delete the group's offsets"
        )
    if in_state is None:
        return begin
    if in_state > end:
        raise RefusalError(
            f"{name}: the state knows it up to offset {in_state}, but the log ends at {end}; the topic was made anew. "
            "Restore it, or start with new topics under another prefix"
        )
    if in_state < begin and begin > accepted:
        raise RefusalError(gap(topic, partition, in_state, begin))
    return max(in_state, begin)


def out_of_range(topic: str, partition: int, next_offset: int, begin: int, end: int) -> str:
    """What to say when a running worker is told that what comes next is not in the log."""
    if next_offset < begin:
        return gap(topic, partition, next_offset, begin)
    return (
        f"{topic} partition {partition} ends at {end}, before offset {next_offset} that this worker has come to: records that it has read "
        "were lost by the brokers, or the topic was made anew. Restore it, or start with new topics under another prefix"
    )


def gap(topic: str, partition: int, next_offset: int, begin: int) -> str:
    """What to say where the log begins behind what comes next. Marks of transactions have offsets too, so the number is a bound."""
    return (
        f"{topic} partition {partition}: offsets {next_offset} to {begin - 1} are gone (at most {begin - next_offset} records), "
        "deleted before they were read, by the topic's retention or by hand. Restore them; or, to go on without them for good, "
        f"start the worker with --accept-lost-records {topic}:{partition}:{begin}"
    )
