"""Up to where a partition had been read: as its state says it, or where that is lost, as its outputs show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from rating.stage import Record
from streams.errors import UserError
from streams.rebuild.logs import Ends
from streams.rebuild.replay import Place, Replay
from streams.state import positions
from streams.state.store import Store


def in_state(store: Store, ends: Ends) -> Mapping[Place, int] | None:
    """The positions that a state knows; None if it is not the newest of its partition, or none at all, or knows nothing of a broadcast.

    Raises `UserError` where a log ends before a position: then it is another log than the one that was read.
    """
    found = {place: offset for place in ends.ends if (offset := positions.position(store, *place)) is not None}
    unknown = [place for place, end in ends.ends.items() if end and place not in found and place not in ends.committed]
    if unknown or any(offset > found.get(place, 0) for place, offset in ends.committed.items()):
        return None
    beyond = [
        f"{topic} partition {number} ends at {ends.ends[topic, number]}, but the state knows it up to offset {offset}: it was made anew, "
        "and what was read from it is gone; restore it"
        for (topic, number), offset in found.items()
        if offset > ends.ends[topic, number]
    ]
    if beyond:
        raise UserError(*beyond)
    return found or None


async def by_outputs(replay: Replay, records: AsyncIterator[Record], ends: Ends) -> Mapping[Place, int]:
    """Finds the positions by what was published: to the group's offsets, then record by record for as long as the outputs are there.

    What a step puts out is there if and only if it was committed, and a log is read in order. So the last record whose outputs are there
    was read, with all that was played before it, and of what follows nothing is published that stays: to read that once more does no harm.
    """
    cut = taken = {place: offset for place, offset in ends.committed.items() if offset}
    over: set[Place] = set()
    async for record in records:
        place = (record.topic, record.partition)
        if place in over:
            continue
        was_read: bool | None = _was_read(record, ends)
        if was_read:
            replay.take(record)
        else:
            was_read = replay.try_one(record)
        if was_read is False:
            over.add(place)
        else:
            taken = taken | {place: max(taken.get(place, 0), record.offset + 1)}
        if was_read:
            cut = taken
        if replay.is_over or over >= ends.committed.keys():
            break
    return cut


def _was_read(record: Record, ends: Ends) -> bool:
    """The group tells how far inputs were read; of broadcasts, whose readers are no group, what was appended before the last of that."""
    committed = ends.committed.get((record.topic, record.partition))
    return (record.appended_at_ms or 0) <= ends.until_ms if committed is None else record.offset < committed
