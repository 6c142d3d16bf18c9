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


class Case(NamedTuple):
    """Everything the decision needs to know about a delivery with a billing instant."""

    billed_at_ms: int
    account_id: str
    user: str
    recipient: str
    """The participant, else the user: a phone number `+…` or a business-scoped id."""
    user_country: str | None
    category: str | None
    """As the events give it; it may be one that nobody knows."""
    pricing_type: str | None
    sent_at_ms: int | None
    is_reaction: bool
    message_id: str


def sending(event: Event) -> Sending:
    """The facts of a status event that can matter to a decision."""
    return Sending(
        event.time_ms,
        event.id,
        event.account_id,
        event.user,
        event.category,
        event.user_country,
        event.pricing_type,
        event.pricing_category,
        event.kind,
        event.free_entry_point_expires_at_ms,
    )


def comes_first(challenger: Sending | None, known: Sending | None) -> bool:
    """Whether a new event counts instead of the known one of its identity: earlier, or at the same time with the smaller id.

    Two different events with one time and one id are a publisher's mistake: then the smaller encoding counts, so that no order of
    arrival is better than another.
    """
    if challenger is None or known is None:
        return known is None and challenger is not None
    if challenger.time_ms != known.time_ms:
        return challenger.time_ms < known.time_ms
    if challenger.event_id != known.event_id:
        return challenger.event_id < known.event_id
    return encode(challenger) < encode(known)


def billed_at_ms(delivery: Delivery) -> int | None:
    """The billing instant: the earliest of `delivered` and `read`, None without either."""
    delivered, read = delivery.delivered, delivery.read
    if delivered is None:
        return None if read is None else read.time_ms
    return delivered.time_ms if read is None else min(delivered.time_ms, read.time_ms)


def case_of(delivery: Delivery, message_sent: Sending | None) -> Case | None:
    """What is known of a delivery, or None while it has no billing instant.

    `message_sent` is the message's `sent` without participant; it counts only where the delivery has none of its own, and its
    `user_country`, a group's, never does.
    """
    instant_ms = billed_at_ms(delivery)
    if instant_ms is None:
        return None
    own, delivered, read, failed = delivery.sent, delivery.delivered, delivery.read, delivery.failed
    sent = own or message_sent
    first = sent or delivered or read
    if first is None:
        raise AssertionError("a billing instant without an event")
    spoken = [event for event in (sent, delivered, read) if event is not None]
    words = [event for event in (delivered, read, sent) if event is not None]
    category = _first(event.category for event in spoken)
    return Case(
        billed_at_ms=instant_ms,
        account_id=first.account_id,
        user=first.user,
        recipient=delivery.participant or first.user,
        user_country=_first(event.user_country for event in (own, delivered, read, failed) if event is not None),
        category=category if category is not None else _first(map(_category_in_pricing, words)),
        pricing_type=_first(event.pricing_type for event in words),
        sent_at_ms=None if sent is None else sent.time_ms,
        is_reaction=sent is not None and sent.kind == "reaction",
        message_id=delivery.message_id,
    )


def _first(said: Iterable[str | None]) -> str | None:
    return next((value for value in said if value is not None), None)


def _category_in_pricing(event: Sending) -> str | None:
    """Meta's category in our words: `authentication-international`, `group_utility`, `marketing_lite` are spellings of ours."""
    if event.pricing_category is None:
        return None
    category = event.pricing_category.replace("-", "_").removeprefix("group_")
    if category == "marketing_lite":
        return "marketing"
    return None if category in _NO_CATEGORY else category
