"""Forgetting: what no event within the horizon can change any more leaves the state.

A phone number's floor is the instant before which its events are too late. What lies before it leaves: deliveries by their billing
instant, messages from users by theirs, and, a little later, what later deliveries would still read of them. Unrated and waiting
deliveries stay, with what their mending needs: the windows and free entry points around them, and the totals of their day. The months of
the allowance stay until the last event that may belong to them is too late. What leaves was published long ago and stays as it is.

A sweep reads its phone number's agenda from the front, so it costs what leaves. One step forgets so much at most; the agenda is the cursor
from which the next one goes on.

Source: architecture, clocks; docs/adr/0007-forgetting.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rating import compliance, keys, waits
from rating.agenda import CONVERSATION, DAY_MS, MONTH, TOTAL, Agenda, Entry
from rating.corrections import VOIDED
from rating.figures import FiguresBook
from rating.free_entry import FreeEntryPoints
from rating.horizon import Horizon
from rating.leaves import Ordered
from rating.life import billed_at_ms
from rating.records import Delivery, PhoneNumber, decode_inbound
from rating.rulebooks import CHARGED, FREE
from rating.windows import LENGTH_MS
from rating.workbench import FIRST_MEMBER, Workbench

FORGOTTEN: Final = "forgotten"
FORGOTTEN_PER_STEP: Final = 1000
"""How many facts leave in one step at least; in one with many records, two for each: so what leaves keeps up with what comes."""

UNFINISHED_PER_STEP: Final = 64
"""Of how many phone numbers one step takes up what earlier ones left."""

NEXT_LOOK_DAYS: Final = 7
"""After which a total is looked at again that could not leave yet."""

NEXT_CHECK_DAYS: Final = 31
"""After which a silent phone number is looked at again of which something had to stay."""

_Leaves = Callable[[bytes, bytes], bool]


class Forgetting:
    """Sweeps at the end of one step."""

    def __init__(self, bench: Workbench, book: FiguresBook, agenda: Agenda, horizon: Horizon, *, window_by_sent: bool) -> None:
        self._bench = bench
        self._state = bench.state
        self._book = book
        self._agenda = agenda
        self._horizon = horizon
        self._window_by_sent = window_by_sent
        self._left = 0

    def sweep(self, records: int) -> None:
        """Forgets what is due of the phone numbers that this step touched, of those that fell silent, and of those an earlier step left.

        Where deliveries are still to be decided it waits for a later step: they need their facts.
        """
        bench = self._bench
        if not self._horizon.days:
            return
        due = [number for number in bench.touched_numbers() if self._horizon.floor_ms(number) // DAY_MS > number.swept_day]
        if bench.has_work:
            for number in due:
                self._agenda.leave_unfinished(number, is_unfinished=True)
            return
        self._left = max(FORGOTTEN_PER_STEP, 2 * records)
        for key in self._agenda.unfinished(UNFINISHED_PER_STEP):
            self._sweep(bench.number_under(key))
        self._sweep_silent()
        for number in due:
            self._sweep(number)

    def _sweep_silent(self) -> None:
        """A phone number that is silent for longer than the horizon goes by the log's time: else what it left would stay for ever."""
        now_ms = self._bench.ledger.appended_at_ms
        if now_ms is None:
            return
        today = now_ms // DAY_MS
        while self._left > 0 and (key := self._agenda.silent_on(today)) is not None:
            number = self._bench.number_under(key)
            if waits.end_verdicts(self._bench, number.phone_number_id):
                return  # what was held back for an hour is said first; the next step goes on here
            self._agenda.check_on(number, 0)
            silent_ms = now_ms - (number.heard_day + 1) * DAY_MS
            number.floor_ms = max(number.floor_ms, number.clock_ms + silent_ms - self._horizon.days * DAY_MS)
            self._sweep(number)
            if not self._agenda.is_empty(number):
                self._agenda.check_on(number, today + NEXT_CHECK_DAYS)

    def _sweep(self, number: PhoneNumber) -> None:
        floor_ms = self._horizon.floor_ms(number)
        if floor_ms <= 0:
            return
        today = floor_ms // DAY_MS
        while (entry := self._agenda.due(number, today)) is not None:
            if self._left <= 0:
                self._agenda.leave_unfinished(number, is_unfinished=True)
                self._bench.is_sweeping = True
                return
            self._left -= 1
            number.floor_ms = max(number.floor_ms, today * DAY_MS)
            if self._visit(number, entry, today):
                self._state.delete(entry.key)
        if number.floor_ms:
            number.floor_ms = max(number.floor_ms, today * DAY_MS)
        number.swept_day = max(number.swept_day, today)
        self._agenda.leave_unfinished(number, is_unfinished=False)

    def _visit(self, number: PhoneNumber, entry: Entry, today: int) -> bool:
        """Lets go what can leave of one thing on the agenda; False when the step's allotment ended before that."""
        if entry.kind == CONVERSATION:
            return self._conversation(number, entry, today)
        if entry.kind == MONTH:
            self._left -= self._bench.leaves.of(keys.MONTH + entry.name).shed(self._left + 1)
            if self._left >= 0:
                self._state.delete(keys.ALLOWANCE_EDGE + entry.name)
            return self._left >= 0
        if not (self._total_leaves(number, entry) if entry.kind == TOTAL else self._figures_leave(entry)):
            self._agenda.postpone(number, entry, today + NEXT_LOOK_DAYS)
        return True

    # Totals and figures

    def _total_leaves(self, number: PhoneNumber, entry: Entry) -> bool:
        return not self._agenda.is_unrated_about(number, entry.date_day) and self._bench.totals.forget(keys.TOTAL + entry.name)

    def _figures_leave(self, entry: Entry) -> bool:
        """Figures are named by deliveries that their total counts, so they stay as long as it does; where it stays for ever, as long as it
        holds deliveries."""
        key = keys.FIGURES + entry.name
        if self._state.get(key) is None:
            return True
        priced = self._book.named(entry.name, self._state)
        totals = self._bench.totals
        if totals.knows(priced.total) if priced.counted is None else totals.is_held(priced.total):
            return False
        self._state.delete(key)
        return True

    # Conversations

    def _conversation(self, number: PhoneNumber, entry: Entry, today: int) -> bool:
        """Lets go the facts that are due by today and no others: so what is left does not depend on which days were looked at."""
        bucket = keys.CONVERSATION + entry.name
        entries = self._bench.leaves.of(bucket)
        if entries.due_day != entry.day:
            return True  # it was moved forward on the agenda
        phone, before_ms = number.phone_number_id, Agenda.due_before_ms(today)
        for kind, leaves in (
            (keys.BILLED, self._billed),
            (keys.SENT, lambda sort, _: self._sent(phone, sort, before_ms)),
            (keys.OUTSIDE_WINDOW, lambda sort, _: self._bench.peek(keys.delivery(phone, *keys.named(sort))) is None),
            (keys.QUIET, lambda sort, _: self._quiet(phone, sort, before_ms)),
            (keys.OPENS_WINDOW, lambda sort, _: self._opened(phone, entries, sort)),
            (keys.CHAIN_START, lambda sort, _: _is_without_windows(entries, sort)),
            (keys.AD_REFERRAL, lambda sort, _: self._inbound(phone, sort)),
            (keys.FREE_ENTRY_UNION, lambda sort, end: _is_over(entries, sort, end, before_ms)),
        ):
            self._let_go(entries, kind, before_ms, leaves)
        self._free_entry_points(phone, entries, before_ms)
        if entries.first(keys.BILLED) is None:
            self._state.delete(keys.one_conversation(phone, bucket))
        if self._left <= 0:
            return False
        self._agenda.look_again(number, bucket, entries, self._next_look_day(entries, today))
        return True

    def _let_go(self, entries: Ordered, kind: bytes, before_ms: int, leaves: _Leaves) -> None:
        gone: list[bytes] = []
        for sort, value in entries.range(kind, b"", keys.instant(before_ms)):
            if len(gone) >= self._left:
                break
            if leaves(sort, value):
                gone.append(sort)
        for sort in gone:
            entries.delete(kind, sort)
        self._left -= len(gone)

    def _next_look_day(self, entries: Ordered, today: int) -> int:
        """The day on which the next fact is due or the next free entry point is over; one far off where only such remain that stay for
        another reason; 0 where none remain.
        """
        if entries.is_empty:
            return 0
        later = Agenda.due_before_ms(today)
        found = [entries.first(kind, keys.instant(later)) for kind in keys.WITH_INSTANTS]
        instants = [keys.at(each[0]) for each in found if each is not None]
        ends = [keys.at(end) for _, end in entries.range(keys.FREE_ENTRY)]
        instants += [end_ms for end_ms in ends if end_ms >= later]
        return Agenda.day_for(min(instants)) if instants else today + self._horizon.days

    def _billed(self, sort: bytes, _: bytes) -> bool:
        key = keys.DELIVERY + sort[keys.TIME_BYTES :]
        delivery = self._bench.peek(key)
        if delivery is None:
            return True
        if delivery.parked:
            self._horizon.give_up(delivery)
            self._drop(key, delivery)
            return True
        if delivery.disposition not in (CHARGED, FREE, VOIDED) or self._has_members(key, delivery):
            return False
        forgotten = self._bench.ledger.forgotten
        if not forgotten:
            forgotten |= {CHARGED: 0, FREE: 0}  # in one order, whichever comes first
        forgotten[delivery.disposition] = forgotten.get(delivery.disposition, 0) + 1
        if delivery.charge is not None:
            self._bench.totals.let_go(self._book.named(delivery.charge.figures, self._state).total)
        self._drop(key, delivery)
        return True

    def _sent(self, phone_number_id: str, sort: bytes, before_ms: int) -> bool:
        key = keys.delivery(phone_number_id, *keys.named(sort))
        return self._unbilled(key, before_ms) or self._bench.peek(key) is None

    def _quiet(self, phone_number_id: str, sort: bytes, before_ms: int) -> bool:
        self._unbilled(keys.delivery(phone_number_id, *keys.named(sort)), before_ms)
        return self._inbound(phone_number_id, sort)

    def _unbilled(self, key: bytes, before_ms: int) -> bool:
        """Forgets a delivery that never had a billing instant, if its events are all old and nobody of its group has it."""
        delivery = self._bench.peek(key)
        if delivery is None or billed_at_ms(delivery) is not None or self._has_members(key, delivery):
            return False
        if any(event is not None and event.time_ms >= before_ms for event in (delivery.sent, delivery.failed)):
            return False
        self._drop(key, delivery)
        return True

    def _opened(self, phone_number_id: str, entries: Ordered, sort: bytes) -> bool:
        """A message from the user leaves unless a delivery that stays lies in its 24 hours."""
        hours = sort[: keys.TIME_BYTES], keys.instant(keys.at(sort) + LENGTH_MS)
        if entries.first(keys.BILLED, *hours) or (self._window_by_sent and entries.first(keys.SENT, *hours)):
            return False
        return self._inbound(phone_number_id, sort)

    def _inbound(self, phone_number_id: str, sort: bytes) -> bool:
        key = keys.inbound(phone_number_id, *keys.named(sort))
        known = self._state.get(key)
        if known is not None and decode_inbound(known).time_ms == keys.at(sort):
            self._state.delete(key)
        return True

    def _free_entry_points(self, phone_number_id: str, entries: Ordered, before_ms: int) -> None:
        """One leaves when it is over and the message that opened it is forgotten, which is free whenever it is delivered."""
        points = FreeEntryPoints(entries)
        gone = [
            moment
            for moment, end in entries.range(keys.FREE_ENTRY, b"", keys.instant(before_ms))
            if _is_over(entries, moment, end, before_ms)
            and self._state.first(keys.message_bucket(phone_number_id, keys.named(moment)[0])) is None
        ]
        for moment in gone:
            points.forget(moment)

    def _has_members(self, key: bytes, delivery: Delivery) -> bool:
        """Whether it is the message itself, of which members of a group still have deliveries."""
        return not delivery.participant and self._state.first(key, FIRST_MEMBER) is not None

    def _drop(self, key: bytes, delivery: Delivery) -> None:
        compliance.forget(self._bench, key, delivery)
        self._bench.drop(key)
        self._bench.counts[FORGOTTEN] += 1


def _is_over(entries: Ordered, start: bytes, end: bytes, before_ms: int) -> bool:
    """Whether a stretch of free time ends before what may leave ends, and no delivery lies in it that stays."""
    return keys.at(end) < before_ms and entries.first(keys.BILLED, start[: keys.TIME_BYTES], end) is None


def _is_without_windows(entries: Ordered, start: bytes) -> bool:
    """Whether no message of a chain is left: none between its start and that of the next."""
    following = entries.first(keys.CHAIN_START, start + b"\x00")
    return entries.first(keys.OPENS_WINDOW, start[: keys.TIME_BYTES], None if following is None else following[0]) is None
