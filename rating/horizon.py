"""The horizon: how far behind its phone number's clock an event may come.

State remembers what events within the horizon can still change, and nothing else. So an event that is older is refused, as `too_late`: it
could repeat something that is forgotten, and would be billed twice. The same goes for an event about a delivery that is older. Both are
judged by the clock of their own phone number, so whatever happens to one number leaves all others alone.

A `read` can come any time after its delivery. One whose message nobody knows is parked while its phone number has begun to forget: it is
billed when the `sent` or the `delivered` comes, and refused when it leaves the horizon without them.

Source: architecture, clocks; docs/adr/0007-forgetting.md.
"""

from __future__ import annotations

from typing import Final

from msgspec import structs

from rating import keys
from rating.agenda import DAY_MS, Agenda
from rating.intake import APPLIED, DUPLICATE, REJECTED, SUPERSEDED
from rating.life import billed_at_ms
from rating.records import Delivery, Parked, PhoneNumber
from rating.rejects import rejected_record
from rating.stage import Record
from rating.workbench import Workbench
from schemas.decode import Event
from schemas.rejections import TOO_LATE, Rejection

SILENT_DAYS_AFTER: Final = 5
"""How long a phone number must be silent beyond the horizon until its clock runs on with the log: so all of its facts leave at once, the
72 hours of a free entry point after its last message included."""

_MEND: Final = "rate its month with `wameter rate`, which forgets nothing, and settle the difference by hand"


class Horizon:
    """Judges the events of one step."""

    def __init__(self, bench: Workbench, agenda: Agenda, days: int) -> None:
        """`days` 0: nothing is too late and nothing is forgotten, but what could be is kept track of."""
        self._bench = bench
        self._agenda = agenda
        self.days: Final = days
        self._parks = False

    def floor_ms(self, number: PhoneNumber) -> int:
        """The instant before which an event is too late; 0 or less: none is."""
        if not self.days:
            return number.floor_ms
        return max(number.floor_ms, number.clock_ms - self.days * DAY_MS)

    def admits(self, event: Event, record: Record) -> bool:
        """Whether an event is to be taken in. One that is not is published as rejected, and counted."""
        number = self._bench.number(event.phone_number_id)
        now_ms = self._bench.ledger.appended_at_ms
        if now_ms is not None and (now_ms // DAY_MS > number.heard_day or not number.check_day):
            self._agenda.heard(number, now_ms // DAY_MS, self.days + SILENT_DAYS_AFTER)
        self._parks = False
        floor_ms = self.floor_ms(number)
        if floor_ms <= 0:
            return True
        if event.time_ms < floor_ms:
            return self._refuse(record, f"time: is more than {self.days} days older than the newest event of its phone number; {_MEND}")
        if event.type == "message.received":
            return True
        delivery = self._bench.delivery(keys.delivery(event.phone_number_id, event.message_id, event.participant or ""))
        if delivery is None:
            self._parks = event.type == "message.read" and number.floor_ms > 0 and not self._is_sent(event)
            return True
        billed_ms = billed_at_ms(delivery)
        if billed_ms is not None and billed_ms < floor_ms:
            what = f"the message was delivered more than {self.days} days before the newest event of its phone number"
            return self._refuse(record, f"message_id: {what}, and is settled; {_MEND}")
        self._parks = bool(delivery.parked) and event.type == "message.read"
        return True

    def taken(self, event: Event, record: Record, side: str) -> None:
        """An event has been taken in, on this side of its ledger: puts what it told on the agenda."""
        bench = self._bench
        if self._parks:
            delivery = bench.delivery(keys.delivery(event.phone_number_id, event.message_id, event.participant or ""))
            if delivery is not None:
                delivery.parked = _with_copy(delivery.parked, record, side)
        conversation = keys.conversation(event.phone_number_id, event.user)
        entries = bench.leaves.of(conversation)
        self._agenda.fact_at(bench.number(event.phone_number_id), conversation, entries, event.time_ms)

    def give_up(self, delivery: Delivery) -> None:
        """Refuses a parked `read` after all, with its copies; the delivery must leave the state with it."""
        ledger = self._bench.ledger
        for parked in delivery.parked:
            ledger.events[parked.side] -= 1
            self._refuse(parked, _ALONE)
        if delivery.disposition is not None:
            ledger.deliveries[delivery.disposition] -= 1

    def _is_sent(self, event: Event) -> bool:
        if not event.participant:
            return False
        message = self._bench.delivery(keys.message_bucket(event.phone_number_id, event.message_id))
        return message is not None and message.sent is not None

    def _refuse(self, record: Record | Parked, detail: str) -> bool:
        # Not counted as the breaker counts: that data is old says nothing of how well it is made.
        self._bench.publish(rejected_record(record, Rejection(TOO_LATE, detail)), TOO_LATE)
        events = self._bench.ledger.events
        events[REJECTED] = events.get(REJECTED, 0) + 1
        return False


_ALONE: Final = (
    "message_id: neither the sent nor the delivered event of this message is known, and messages of its phone number have been forgotten, "
    "so it may have been billed before; if it was not, publish its sent event, then this one again"
)


def _with_copy(parked: tuple[Parked, ...], record: Record, side: str) -> tuple[Parked, ...]:
    """The copies of a `read` with one more. `side` is what the intake said of it: the one that counts supersedes the former one."""
    counts = side != DUPLICATE
    new = Parked(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        bytes(record.value or b""),
        record.appended_at_ms,
        APPLIED if counts else side,
    )
    if not counts:
        return (*parked, new)
    return (new, *(structs.replace(each, side=SUPERSEDED) if each.side == APPLIED else each for each in parked))
