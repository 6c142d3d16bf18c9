"""Who may send what: messages that should not have been sent are told, and rated like any other.

A `sent` is against the rules where its sender held no licence at its instant, or where it is free-form and no customer service window was
open then. Either can change with what is heard later, so nothing is said before the phone number's clock is an hour past the message; what
was said and is no longer true is withdrawn at once.

Each question is asked again only when something that answers it has changed: its `sent`, a window, a licence.

Source: billing.md §5, last paragraph; seed S003.
"""

from __future__ import annotations

from typing import Final

import orjson

from rating import keys, licences
from rating.ids import delivery_id
from rating.life import category_of
from rating.lines import Publisher
from rating.records import ABOUT_LICENCE, ABOUT_WINDOW, WAIT_IS_OVER, Delivery, Judged, Notice, Sending
from rating.stage import Output
from rating.waits import NEVER_MS, PATIENCE_MS
from rating.windows import Span, Windows
from rating.workbench import Workbench
from schemas.instants import format_instant

TOPIC: Final = "usage.compliance"
WITHDRAWN: Final = "compliance_withdrawn"

FREE_FORM: Final = "service"
"""The category of what is no template."""

_KINDS: Final = ((ABOUT_LICENCE, "unlicensed_sender"), (ABOUT_WINDOW, "outside_window"))


class Compliance:
    """Judges the `sent` events of one step's workbench."""

    def __init__(self, bench: Workbench, publisher: Publisher) -> None:
        self._bench = bench
        self._publisher = publisher

    def judge_all(self) -> None:
        """Judges whatever is marked."""
        marked = self._bench.to_judge
        while marked:
            delivery_key, about = marked.popitem()
            delivery = self._bench.delivery(delivery_key)
            if delivery is not None and delivery.sent is not None:
                self._judge(delivery, delivery.sent, about)

    def _judge(self, delivery: Delivery, sent: Sending, about: int) -> None:
        judged = delivery.judged
        against = 0 if judged is None else judged.against & ~about
        if about & ABOUT_LICENCE and self._is_unlicensed(delivery, sent):
            against |= ABOUT_LICENCE
        if about & ABOUT_WINDOW and self._is_outside_window(delivery, sent):
            against |= ABOUT_WINDOW
        if judged is None:
            if not against:
                return
            judged = delivery.judged = Judged()
        if (against ^ judged.against) & ABOUT_WINDOW or about & against & ABOUT_WINDOW:
            self._file(delivery, sent, is_outside=bool(against & ABOUT_WINDOW))
        judged.against = against
        judged.wait_is_over |= bool(about & WAIT_IS_OVER)
        self._settle(delivery, sent, judged)

    def _is_unlicensed(self, delivery: Delivery, sent: Sending) -> bool:
        if sent.sender_id is None:
            return False
        return not licences.may_send(self._bench.state, account_of(delivery, sent), sent.sender_id, sent.time_ms)

    def _is_outside_window(self, delivery: Delivery, sent: Sending) -> bool:
        if category_of(delivery) != FREE_FORM:
            return False
        entries = self._bench.leaves.of(_conversation(delivery, sent))
        return not Windows(entries).is_open(sent.time_ms)

    def _file(self, delivery: Delivery, sent: Sending, *, is_outside: bool) -> None:
        """Keeps what is outside every window where a window that opens finds it."""
        entries = self._bench.leaves.of(_conversation(delivery, sent))
        moment = keys.moment(sent.time_ms, delivery.message_id, delivery.participant)
        if is_outside:
            entries.put(keys.OUTSIDE_WINDOW, moment)
        else:
            entries.delete(keys.OUTSIDE_WINDOW, moment)

    def _settle(self, delivery: Delivery, sent: Sending, judged: Judged) -> None:
        """Withdraws what is no longer true, and says what is, or lets it wait for its hour."""
        account_id = account_of(delivery, sent)
        due = [Notice(kind, account_id, sent.sender_id, sent.time_ms) for bit, kind in _KINDS if judged.against & bit]
        new = [notice for notice in due if notice not in judged.published]
        for notice in judged.published:
            if notice not in due:
                self._publish(delivery, notice, withdrawn=True)
        kept = tuple(notice for notice in judged.published if notice in due)
        until_ms = sent.time_ms + PATIENCE_MS
        if new and not judged.wait_is_over and self._bench.number(delivery.phone_number_id).clock_ms < until_ms:
            judged.published = kept
            _start(self._bench, delivery, judged, until_ms)
            return
        for notice in new:
            self._publish(delivery, notice, withdrawn=False)
        judged.published = (*kept, *new)
        _stop(self._bench, delivery, judged)

    def _publish(self, delivery: Delivery, notice: Notice, *, withdrawn: bool) -> None:
        record = {
            "v": 1,
            "kind": notice.kind,
            "account_id": notice.account_id,
            "phone_number_id": delivery.phone_number_id,
            "message_id": self._publisher.message_id(delivery.message_id),
            "sender_id": notice.sender_id,
            "time": format_instant(notice.sent_at_ms),
            "delivery_id": delivery_id(delivery.phone_number_id, delivery.message_id, delivery.participant),
        }
        if withdrawn:
            record["withdrawn"] = True
        self._bench.publish(Output(TOPIC, notice.account_id.encode(), orjson.dumps(record)), WITHDRAWN if withdrawn else notice.kind)


def sent_changed(bench: Workbench, delivery_key: bytes, delivery: Delivery, old: Sending | None, new: Sending) -> None:
    """Keeps the index of who sent what in line with a `sent` that counts now, in the place of `old`, and marks it to be judged."""
    about = 0
    if old is not None:
        about |= ABOUT_WINDOW
        moment = keys.moment(old.time_ms, delivery.message_id, delivery.participant)
        bench.leaves.of(_conversation(delivery, old)).delete(keys.OUTSIDE_WINDOW, moment)
    if new.sender_id is not None or (old is not None and old.sender_id is not None):
        about |= ABOUT_LICENCE
        for each, is_there in ((old, False), (new, True)):
            if each is None or each.sender_id is None:
                continue
            entries = bench.leaves.of(keys.of_owner(keys.SENDERS, account_of(delivery, each)))
            entry = keys.sender(each.sender_id, each.time_ms, delivery_key)
            if is_there:
                entries.put(keys.SENT_BY, entry)
            else:
                entries.delete(keys.SENT_BY, entry)
    if new.category is None:
        about |= ABOUT_WINDOW
    elif new.category == FREE_FORM and (old is not None or not Windows(bench.leaves.of(_conversation(delivery, new))).is_open(new.time_ms)):
        about |= ABOUT_WINDOW  # most answers are in order at first sight
    if about:
        bench.judge(delivery_key, about)


def window_changed(bench: Workbench, phone_number_id: str, conversation: bytes, span: Span) -> None:
    """Marks what was sent in a stretch of time that has become open, or closed: of the former only what was outside every window."""
    entries = bench.leaves.of(conversation)
    kind = keys.OUTSIDE_WINDOW if Windows(entries).is_open(span.from_ms) else keys.SENT
    low, high = keys.instant(span.from_ms), keys.instant(span.to_ms)
    if entries.first(kind, low, high) is not None:
        bench.judge_range(conversation, kind + low, kind + high, phone_number_id=phone_number_id, about=ABOUT_WINDOW)


def forget(bench: Workbench, delivery_key: bytes, delivery: Delivery) -> None:
    """Takes a delivery that leaves the state out of what names it here; of its conversation's entries the caller takes it out."""
    sent = delivery.sent
    if sent is not None and sent.sender_id is not None:
        entry = keys.sender(sent.sender_id, sent.time_ms, delivery_key)
        bench.leaves.of(keys.of_owner(keys.SENDERS, account_of(delivery, sent))).delete(keys.SENT_BY, entry)
    if delivery.judged is not None:
        _stop(bench, delivery, delivery.judged)


def account_of(delivery: Delivery, sent: Sending) -> str:
    """The WhatsApp account for which it was sent."""
    return sent.account_id or delivery.account_id


def _conversation(delivery: Delivery, sent: Sending) -> bytes:
    return keys.conversation(delivery.phone_number_id, sent.user or delivery.user)


# Waiting for the hour, which ends as that for a category does (`waits.py`)


def _start(bench: Workbench, delivery: Delivery, judged: Judged, until_ms: int) -> None:
    if judged.wait_until_ms == until_ms:
        return
    _stop(bench, delivery, judged)
    appended_at_ms = bench.ledger.appended_at_ms
    judged.wait_until_ms = until_ms
    judged.wait_until_append_ms = NEVER_MS if appended_at_ms is None else appended_at_ms + PATIENCE_MS
    bench.next_wait_ms.pop(delivery.phone_number_id, None)
    for key in _entries(delivery, judged, until_ms):
        bench.state.put(key, b"")


def _stop(bench: Workbench, delivery: Delivery, judged: Judged) -> None:
    if judged.wait_until_ms is None:
        return
    bench.next_wait_ms.pop(delivery.phone_number_id, None)
    for key in _entries(delivery, judged, judged.wait_until_ms):
        bench.state.delete(key)
    judged.wait_until_ms = None


def _entries(delivery: Delivery, judged: Judged, until_ms: int) -> tuple[bytes, bytes]:
    identity = keys.delivery(delivery.phone_number_id, delivery.message_id, delivery.participant)
    by_clock = keys.of_owner(keys.NOTICE, delivery.phone_number_id) + keys.moment(until_ms, delivery.message_id, delivery.participant)
    by_append = keys.NOTICES_BY_APPEND + keys.instant(judged.wait_until_append_ms) + identity[len(keys.DELIVERY) :]
    return by_clock, by_append
