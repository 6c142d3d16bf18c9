"""What has no price in a running system, from the compacted topic, and the commands that let it be decided again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.commands import MAX_NAMED
from streams.commands import portions
from streams.results import UNRATED
from streams.topic_reader import TopicReader

Record = Mapping[str, Any]
_ORDER: Final = ("reason", "account_id", "billed_at", "delivery_id")


class Group(NamedTuple):
    """Unrated deliveries that lack the same."""

    reason: str
    account_id: str
    category: str | None
    market: str | None
    deliveries: int
    first: str
    """Billing instants, as they are written."""
    last: str


class Wanted(NamedTuple):
    """Which unrated deliveries are meant; None and empty mean any."""

    reason: str | None = None
    account_id: str | None = None
    phone_number_id: str | None = None
    ids: tuple[str, ...] = ()
    """Ids of deliveries or of messages, as they are published."""

    def holds(self, record: Record) -> bool:
        """Whether a record is one of them."""
        return (
            self.reason in (None, record["reason"])
            and self.account_id in (None, record["account_id"])
            and self.phone_number_id in (None, record["phone_number_id"])
            and (not self.ids or record["delivery_id"] in self.ids or record["message_id"] in self.ids)
        )


async def read(reader: TopicReader) -> list[Record]:
    """Every delivery that is unrated now, by reason, account and billing instant."""
    results = await reader.results(UNRATED)
    return sorted(results.unrated(), key=lambda record: [record[name] for name in _ORDER])


def groups(records: Iterable[Record]) -> list[Group]:
    """The records, put together by what they lack; the largest group first."""
    found: defaultdict[tuple[str, str, str | None, str | None], list[str]] = defaultdict(list)
    for record in records:
        found[record["reason"], record["account_id"], record["category"], record["market"]].append(record["billed_at"])
    made = [Group(*key, len(instants), min(instants), max(instants)) for key, instants in found.items()]
    return sorted(made, key=lambda group: (-group.deliveries, *(name or "" for name in group[:4])))


def redrives(records: Iterable[Record], wanted: Wanted, command_id: str) -> Iterator[dict[str, Any]]:
    """The commands that let these records be decided again: one for a phone number where that suffices.

    Where more than a reason tells which deliveries are meant they are named, at most `MAX_NAMED` in a command.
    """
    by_phone: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        by_phone[record["phone_number_id"]].append(record["delivery_id"])
    for phone_number_id, deliveries in sorted(by_phone.items()):
        command: dict[str, Any] = {"type": "redrive", "id": command_id, "phone_number_id": phone_number_id}
        if wanted.reason is not None:
            command["reason"] = wanted.reason
        if wanted.account_id is None and not wanted.ids:
            yield command
            continue
        for number, some in enumerate(portions(deliveries)):
            yield {**command, "id": _numbered(command_id, number, deliveries), "delivery_ids": some}


def _numbered(command_id: str, number: int, deliveries: Sequence[str]) -> str:
    return command_id if len(deliveries) <= MAX_NAMED else f"{command_id}-{number + 1}"
