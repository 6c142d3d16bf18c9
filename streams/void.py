"""Messages that are to be taken back: what is published of them now, and the commands that void them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from rating.ids import hashed_message_id
from streams.commands import portions
from streams.results import RATED, UNRATED, nanos
from streams.topic_reader import TopicReader


@dataclass(slots=True)
class Published:
    """What a running system has published of some messages."""

    lines: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Those in force, by their id."""
    unrated: dict[str, dict[str, Any]] = field(default_factory=dict)
    phone_numbers: dict[str, set[str]] = field(default_factory=dict)
    """By message id as it was asked for: the business phone numbers that have such a message."""

    def sums(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Lines, cost and amount of what is in force, by account and currency."""
        found: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for line in self.lines.values():
            figures = found[line["account_id"], line["currency"]]
            for at, more in enumerate((1, nanos(line["cost"]), nanos(line["amount"]))):
                figures[at] += more
        return {key: (lines, cost, amount) for key, (lines, cost, amount) in sorted(found.items())}


async def read(reader: TopicReader, message_ids: tuple[str, ...], phone_number_id: str | None) -> Published:
    """What is in force of messages, by Meta's ids; published ids may be these or their hashes."""
    found = Published()
    taken_back: set[str] = set()  # a delivery that changed accounts has lines in two partitions, which are read in no order
    asked = {each: message_id for message_id in message_ids for each in (message_id, hashed_message_id(message_id))}
    async for record in reader.records(RATED, UNRATED):
        if record.value is None:
            found.unrated.pop((record.key or b"").decode(), None)
            continue
        said = orjson.loads(record.value)
        message_id = asked.get(said.get("message_id"))
        if message_id is None or phone_number_id not in (None, said["phone_number_id"]):
            continue
        found.phone_numbers.setdefault(message_id, set()).add(said["phone_number_id"])
        if record.topic == UNRATED:
            found.unrated[said["delivery_id"]] = said
        elif said["kind"] == "charge":
            found.lines[said["line_id"]] = said
        else:
            taken_back.add(said["reverses"])
    for line_id in taken_back:
        found.lines.pop(line_id, None)
    return found


def commands(phone_numbers: Mapping[str, str], *, command_id: str, reason: str, participant: str | None) -> Iterator[dict[str, Any]]:
    """The commands that void messages; `phone_numbers` has the one of each."""
    by_phone: defaultdict[str, list[str]] = defaultdict(list)
    for message_id, phone_number_id in phone_numbers.items():
        by_phone[phone_number_id].append(message_id)
    for phone_number_id, messages in sorted(by_phone.items()):
        for number, some in enumerate(portions(messages)):
            name = command_id if number == 0 else f"{command_id}-{number + 1}"
            command = {"type": "void", "id": name, "phone_number_id": phone_number_id, "message_ids": some, "reason": reason}
            yield command if participant is None else {**command, "participant": participant}
