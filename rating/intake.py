"""Taking an event in: facts change, the indexes follow, and whatever may be decided differently now is marked.

Of the events with one identity the earliest counts, so a new event can replace a known one whole: then what the old one did is taken
back. The new fact goes in before the old one comes out, so that only the difference between them is decided again.

Source: contract §2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rating import compliance, keys
from rating.free_entry import Change, FreeEntryPoints
from rating.life import comes_first, may_change_the_case, sending
from rating.records import ABOUT_WINDOW, Inbound, Sending, decode_inbound, encode
from rating.windows import OPENS_NO_WINDOW, Span, Windows
from rating.workbench import FIRST_MEMBER, Workbench
from schemas.decode import Event

APPLIED: Final = "applied"
DUPLICATE: Final = "duplicate"
SUPERSEDED: Final = "superseded"
INFORMATIONAL: Final = "informational"
REJECTED: Final = "rejected"


class Intake:
    """Applies events to the facts of one step's workbench."""

    def __init__(self, bench: Workbench, *, window_by_sent: bool) -> None:
        self._bench = bench
        self._state = bench.state
        self._window_by_sent = window_by_sent

    def take(self, event: Event) -> str:
        """Applies one event; returns its side in the event ledger.

        A replaced event becomes `superseded` and the new one takes its side, so the returned side counts the arrival, and the ledger counts
        what each event is now.
        """
        if event.type == "message.received":
            old_side, side = self._received(event)
        else:
            old_side, side = self._status(event)
        events = self._bench.ledger.events
        events[side] = events.get(side, 0) + 1
        if old_side is None:
            return side
        events[old_side] -= 1
        events[SUPERSEDED] = events.get(SUPERSEDED, 0) + 1
        return SUPERSEDED

    def _received(self, event: Event) -> tuple[str | None, str]:
        opens = event.kind not in OPENS_NO_WINDOW and not event.edited
        new = Inbound(event.time_ms, event.id, event.user, opens, event.referral_source == "ad")
        participant = event.participant or ""
        key = keys.inbound(event.phone_number_id, event.message_id, participant)
        known = self._state.get(key)
        old = None if known is None else decode_inbound(known)
        if old is not None and not _inbound_comes_first(new, old):
            return None, DUPLICATE
        self._state.put(key, encode(new))
        if self._bench.agenda is not None and not (new.opens_window or new.ad_referral):
            self._quiet(event, participant)
        self._move_inbound(event, participant, old, new)
        return None if old is None else _side_of(old), _side_of(new)

    def _move_inbound(self, event: Event, participant: str, old: Inbound | None, new: Inbound) -> None:
        to = keys.conversation(event.phone_number_id, new.user)
        arrived = keys.moment(new.time_ms, event.message_id, participant)
        spot = to, arrived
        old_spot = None
        if old is not None:
            old_spot = keys.conversation(event.phone_number_id, old.user), keys.moment(old.time_ms, event.message_id, participant)
        if new.opens_window:
            self._window_changed(event, to, self._windows(to).open(arrived))
        if old_spot is not None and old is not None and old.opens_window and not (new.opens_window and spot == old_spot):
            conversation, moment = old_spot
            self._window_changed(event, conversation, self._windows(conversation).take_back(moment))
        if new.ad_referral:
            self._free_entry_changed(event, to, self._entry_points(to).refer(arrived))
        if old_spot is not None and old is not None and old.ad_referral and not (new.ad_referral and spot == old_spot):
            conversation, moment = old_spot
            self._free_entry_changed(event, conversation, self._entry_points(conversation).take_referral_back(moment))

    def _status(self, event: Event) -> tuple[str | None, str]:
        participant = event.participant or ""
        key, delivery = self._bench.delivery_of(event, participant)
        name = event.type.removeprefix("message.")
        new = sending(event, delivery)
        old: Sending | None = getattr(delivery, name)
        if old is not None and not comes_first(new, old, delivery):
            return None, DUPLICATE
        setattr(delivery, name, new)
        if may_change_the_case(delivery, name, old, new):
            self._bench.decide(key)
        side = INFORMATIONAL if name == "failed" else APPLIED
        if name == "failed" and self._bench.agenda is not None:
            self._quiet(event, participant)
        if name == "sent":
            old_user = None if old is None else old.user or delivery.user
            self._move_send(event, participant, old, old_user)
            compliance.sent_changed(self._bench, key, delivery, old, new)
            if not participant and self._state.first(key, FIRST_MEMBER) is not None:
                self._bench.decide_range(key, FIRST_MEMBER, None)
        elif delivery.sent is not None and delivery.sent.category is None:
            self._bench.judge(key, ABOUT_WINDOW)
        return None if old is None else side, side

    def _move_send(self, event: Event, participant: str, old: Sending | None, old_user: str | None) -> None:
        to = keys.conversation(event.phone_number_id, event.user)
        moment = keys.moment(event.time_ms, event.message_id, participant)
        expires_at_ms = event.free_entry_point_expires_at_ms
        self._free_entry_changed(event, to, self._entry_points(to).send(moment, expires_at_ms))
        if old is None or old_user is None:
            return
        conversation = keys.conversation(event.phone_number_id, old_user)
        old_moment = keys.moment(old.time_ms, event.message_id, participant)
        if (conversation, old_moment) != (to, moment):
            self._free_entry_changed(event, conversation, self._entry_points(conversation).take_send_back(old_moment))

    def _quiet(self, event: Event, participant: str) -> None:
        """Files a fact that nothing reads, so that it is found when it may be forgotten."""
        conversation = keys.conversation(event.phone_number_id, event.user)
        self._bench.leaves.of(conversation).put(keys.QUIET, keys.moment(event.time_ms, event.message_id, participant))

    def _window_changed(self, event: Event, conversation: bytes, span: Span | None) -> None:
        if span is None:
            return
        self._mark(conversation, keys.BILLED, span, event.phone_number_id)
        if self._window_by_sent:
            self._mark(conversation, keys.SENT, span, event.phone_number_id)
        compliance.window_changed(self._bench, event.phone_number_id, conversation, span)

    def _free_entry_changed(self, event: Event, conversation: bytes, changes: Iterable[Change]) -> None:
        for span, message_id in changes:
            message = keys.message_bucket(event.phone_number_id, message_id)
            self._bench.decide(message)
            self._bench.decide_range(message, FIRST_MEMBER, None)
            if span is not None:
                self._mark(conversation, keys.BILLED, span, event.phone_number_id)

    def _mark(self, conversation: bytes, kind: bytes, span: Span, phone_number_id: str) -> None:
        self._bench.decide_range(conversation, kind + keys.instant(span.from_ms), kind + keys.instant(span.to_ms), phone_number_id)

    def _windows(self, conversation: bytes) -> Windows:
        return Windows(self._bench.leaves.of(conversation))

    def _entry_points(self, conversation: bytes) -> FreeEntryPoints:
        return FreeEntryPoints(self._bench.leaves.of(conversation))


def _side_of(inbound: Inbound) -> str:
    return APPLIED if inbound.opens_window or inbound.ad_referral else INFORMATIONAL


def _inbound_comes_first(challenger: Inbound, known: Inbound) -> bool:
    order = (challenger.time_ms, challenger.event_id, encode(challenger))
    return order < (known.time_ms, known.event_id, encode(known))
