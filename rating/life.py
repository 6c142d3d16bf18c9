"""A delivery's life: what its events say together, in whatever order they came.

Of the events with one identity the earliest counts, whole. The billing instant is the earliest of `delivered` and `read`; without one
nothing is ever billed. A `sent` without participant speaks for every member of a group whose own is missing.

Source: contract §2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from rating.records import Delivery, Sending, encode
from schemas.decode import Event

_NO_CATEGORY: Final = frozenset({"referral_conversion"})
_USUAL_KIND: Final = "text"


class Case(NamedTuple):
    """Everything the decision needs to know about a delivery with a billing instant."""

    billed_at_ms: int
    account_id: str
    user: str
    recipient: str
    """The participant, else the user: a phone number `+…` or a business-scoped id."""
    user_country: str | None
    """Where an event tells it and the recipient is no phone number."""
    category: str | None
    """As the events give it; it may be one that nobody knows."""
    pricing_type: str | None
    sent_at_ms: int | None
    is_reaction: bool
    message_id: str
    is_read_alone: bool = False
    """Whether nothing is known of it but that it was read."""


def sending(event: Event, delivery: Delivery) -> Sending:
    """The facts of a status event that can matter to a decision, without what is usual for its delivery."""
    return Sending(
        event.time_ms,
        event.id,
        None if event.account_id == delivery.account_id else event.account_id,
        None if event.user == delivery.user else event.user,
        event.category,
        event.user_country,
        event.pricing_type,
        event.pricing_category,
        None if event.kind == _USUAL_KIND else event.kind,
        event.free_entry_point_expires_at_ms,
        event.sender_id if event.type == "message.sent" else None,
    )


def comes_first(challenger: Sending, known: Sending, delivery: Delivery) -> bool:
    """Whether a new event counts instead of the known one of its identity: earlier, or at the same time with the smaller id.

    Two different events with one time and one id are a publisher's mistake: then the smaller encoding counts, so that no order of
    arrival is better than another.
    """
    if challenger.time_ms != known.time_ms:
        return challenger.time_ms < known.time_ms
    if challenger.event_id != known.event_id:
        return challenger.event_id < known.event_id
    return _in_full(challenger, delivery) < _in_full(known, delivery)


def _in_full(event: Sending, delivery: Delivery) -> bytes:
    return encode((event, event.account_id or delivery.account_id, event.user or delivery.user))


def billed_at_ms(delivery: Delivery) -> int | None:
    """The billing instant: the earliest of `delivered` and `read`, None without either."""
    delivered, read = delivery.delivered, delivery.read
    if delivered is None:
        return None if read is None else read.time_ms
    return delivered.time_ms if read is None else min(delivered.time_ms, read.time_ms)


def may_change_the_case(delivery: Delivery, name: str, old: Sending | None, new: Sending) -> bool:
    """Whether `new` in the place of `old` can change what is due. False only where it certainly can't, which is most of the time.

    It is asked after the change. Only what is billed is decided; a `read` that comes after its `delivered` and says nothing else adds
    nothing.
    """
    if name == "sent" or name == "failed":
        return billed_at_ms(delivery) is not None
    delivered = delivery.delivered
    if name == "delivered" or delivered is None:
        return True
    return _may_speak(new, delivered) or (old is not None and _may_speak(old, delivered))


def _may_speak(read: Sending, delivered: Sending) -> bool:
    """Whether a `read` beside a `delivered` can matter: it is earlier, or says what the other may leave open."""
    return (
        read.time_ms < delivered.time_ms
        or (read.pricing_type is not None and delivered.pricing_type is None)
        or (read.category is not None and delivered.category is None)
        or (read.pricing_category is not None and read.pricing_category != delivered.pricing_category)
        or (read.user_country is not None and delivered.user_country is None)
    )


def case_of(delivery: Delivery, message: Delivery | None) -> Case | None:
    """What is known of a delivery, or None while it has no billing instant.

    `message` is the message itself, beside a delivery to a member of its group: its `sent` counts where the delivery has none of its own,
    and its `user_country`, a group's, never does.
    """
    instant_ms = billed_at_ms(delivery)
    if instant_ms is None:
        return None
    own, delivered, read, failed = delivery.sent, delivery.delivered, delivery.read, delivery.failed
    sent, usual = own, delivery
    if own is None and message is not None and message.sent is not None:
        sent, usual = message.sent, message
    first = sent or delivered or read
    if first is None:
        raise AssertionError("a billing instant without an event")
    if first is not sent:
        usual = delivery
    spoken = (sent, delivered, read)
    words = (delivered, read, sent)
    user = first.user or usual.user
    recipient = delivery.participant or user
    return Case(
        billed_at_ms=instant_ms,
        account_id=first.account_id or usual.account_id,
        user=user,
        recipient=recipient,
        user_country=None if recipient[0] == "+" else _country(own, delivered, read, failed),
        category=_category(spoken, words),
        pricing_type=_pricing_type(words),
        sent_at_ms=None if sent is None else sent.time_ms,
        is_reaction=sent is not None and sent.kind == "reaction",
        message_id=delivery.message_id,
        is_read_alone=first is read,
    )


def category_of(delivery: Delivery) -> str | None:
    """The category of a `sent`, as its delivery's events give it; None where none tells it."""
    sent, delivered, read = delivery.sent, delivery.delivered, delivery.read
    return _category((sent, delivered, read), (delivered, read, sent))


def _country(*events: Sending | None) -> str | None:
    for event in events:
        if event is not None and event.user_country is not None:
            return event.user_country
    return None


def _category(spoken: Iterable[Sending | None], words: Iterable[Sending | None]) -> str | None:
    """Ours, where an event tells it; else Meta's in our words."""
    for event in spoken:
        if event is not None and event.category is not None:
            return event.category
    for event in words:
        if event is not None and event.pricing_category is not None:
            category = _in_our_words(event.pricing_category)
            if category is not None:
                return category
    return None


def _pricing_type(words: Iterable[Sending | None]) -> str | None:
    for event in words:
        if event is not None and event.pricing_type is not None:
            return event.pricing_type
    return None


def _in_our_words(category: str) -> str | None:
    """Meta's category: `authentication-international`, `group_utility`, `marketing_lite` are spellings of ours."""
    ours = category.replace("-", "_").removeprefix("group_")
    if ours == "marketing_lite":
        return "marketing"
    return None if ours in _NO_CATEGORY else ours
