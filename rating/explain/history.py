"""What happened to one message while the records were read: its events, what was published for it, and after which record.

A host runs the stage record by record and shows each record with its outputs. State tells what is; only who watched can tell what was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import orjson

from rating.explain.facts import Cause, CauseKind, Placing, Published, PublishedKind, Seen
from rating.ids import delivery_id
from rating.lines import RATED, UNRATED
from rating.meter import ACCOUNTS, MESSAGES
from rating.records import Delivery, Inbound, Sending
from rating.stage import Output, Record, Tick
from schemas.decode import Event, Rejection, decode_event

RECEIVED: Final = "message.received"
_TOLD: Final = ("revision", "line_id", "outcome", "reason", "category", "date", "currency", "amount")


class Arrival(NamedTuple):
    """An event of the message, as it was read."""

    event: Event
    where: str
    appended_at_ms: int | None
    behind_ms: int


class History:
    """Watches one message of one phone number."""

    def __init__(self, phone_number_id: str, message_id: str, where: Callable[[Record], str]) -> None:
        """`where` says in words where a record stands."""
        self.phone_number_id = phone_number_id
        self.message_id = message_id
        self._where = where
        self._name = message_id.encode()
        self._newest_ms = 0
        self._arrivals: list[Arrival] = []
        self._published: defaultdict[str, list[Published]] = defaultdict(list)
        """By delivery."""
        self._ids: dict[bytes, str] = {}
        self.refused: list[str] = []
        self.records = 0

    def saw(self, item: Record | Tick, outputs: Sequence[Output]) -> None:
        """Takes in one record, or a tick, with everything that it made the stage publish."""
        cause = self._tick() if isinstance(item, Tick) else self._record(item)
        for output in outputs:
            if output.topic in (RATED, UNRATED):
                self._output(output, cause)

    def names_it(self, outputs: Iterable[Output]) -> bool:
        """Whether something was published for one of the message's deliveries that are known so far."""
        return any(self._delivery_of(output) is not None for output in outputs if output.topic in (RATED, UNRATED))

    def arrivals(self, participant: str) -> list[Arrival]:
        """The status events of one delivery, in the order of arrival; the empty participant is the message itself."""
        return [each for each in self._arrivals if each.event.type != RECEIVED and (each.event.participant or "") == participant]

    def received(self) -> list[Arrival]:
        """Where the message is one from a user: its events."""
        return [each for each in self._arrivals if each.event.type == RECEIVED]

    def published(self, participant: str) -> tuple[Published, ...]:
        """Everything that was published for one delivery, in order."""
        return tuple(self._published[delivery_id(self.phone_number_id, self.message_id, participant)])

    def _record(self, record: Record) -> Cause:
        where = self._where(record)
        if record.topic == ACCOUNTS:
            return Cause("profile", where)
        if record.topic != MESSAGES:
            return Cause("command", where)
        self.records += 1
        value = record.value or b""
        event = decode_event(value)
        if isinstance(event, Rejection):
            if self._name in value:
                self.refused.append(f"{where}: {event.detail or event.reason} ({event.reason})")
            return Cause("another message", where)
        is_ours = event.message_id == self.message_id
        if is_ours:
            self._arrived(event, where, record.appended_at_ms)
        self._newest_ms = max(self._newest_ms, event.time_ms)
        kind: CauseKind = "own event" if is_ours else "user's message" if event.type == RECEIVED else "another message"
        return Cause(kind, where, event.type, event.time_ms, event.message_id)

    def _tick(self) -> Cause:
        return Cause("end of wait", "")

    def _arrived(self, event: Event, where: str, appended_at_ms: int | None) -> None:
        self._arrivals.append(Arrival(event, where, appended_at_ms, max(0, self._newest_ms - event.time_ms)))
        if event.type != RECEIVED:
            identity = delivery_id(self.phone_number_id, self.message_id, event.participant or "")
            self._ids[identity.encode()] = identity

    def _output(self, output: Output, cause: Cause) -> None:
        identity = self._delivery_of(output)
        if identity is None:
            return
        if output.topic == UNRATED and output.value is None:
            self._published[identity].append(Published("mended", cause))
            return
        said = orjson.loads(output.value or b"{}")
        kind: PublishedKind = "unrated" if output.topic == UNRATED else said["kind"]
        self._published[identity].append(Published(kind, cause, **{name: said.get(name) for name in _TOLD}))

    def _delivery_of(self, output: Output) -> str | None:
        if output.topic == UNRATED:
            return self._ids.get(output.key or b"")
        value = output.value or b""
        return next((identity for name, identity in self._ids.items() if name in value), None)


def seen(arrivals: Iterable[Arrival], delivery: Delivery | None, gave: dict[str, tuple[str, ...]]) -> tuple[Seen, ...]:
    """The status events of a delivery by their time, each with its standing and with what was taken from it."""
    counted: set[str] = set()
    found = []
    for arrival in arrivals:
        event = arrival.event
        status = event.type.removeprefix("message.")
        in_force: Sending | None = None if delivery is None else getattr(delivery, status)
        is_it = in_force is not None and (in_force.time_ms, in_force.event_id) == (event.time_ms, event.id)
        counts = is_it and status not in counted
        if counts:
            counted.add(status)
        found.append(_seen(arrival, "counts" if counts else "copy" if is_it else "superseded", gave.get(status, ()) if counts else ()))
    return tuple(sorted(found, key=lambda each: (each.time_ms, _ORDER.get(each.type, 0))))


def seen_inbound(arrivals: Iterable[Arrival], inbound: Inbound) -> tuple[Seen, ...]:
    """The events of a message from a user."""
    found = []
    counted = False
    for arrival in arrivals:
        is_it = (inbound.time_ms, inbound.event_id) == (arrival.event.time_ms, arrival.event.id)
        found.append(_seen(arrival, "counts" if is_it and not counted else "copy" if is_it else "superseded", ()))
        counted = counted or is_it
    return tuple(sorted(found, key=lambda each: each.time_ms))


_ORDER: Final = {"message.sent": 1, "message.delivered": 2, "message.read": 3, "message.failed": 4}


def _seen(arrival: Arrival, standing: Placing, gave: tuple[str, ...]) -> Seen:
    event = arrival.event
    return Seen(
        event.type, event.id, event.time_ms, arrival.where, arrival.appended_at_ms, arrival.behind_ms, standing, gave, event.error_code
    )
