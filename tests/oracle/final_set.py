"""What counts in the end: of each identity one event, and of each message and participant one delivery (contract §2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tests.oracle.reading import Event

LISTED = ("marketing", "utility", "authentication", "authentication_international", "service")


class DeliveryKey(NamedTuple):
    """The thing that is billed: a message, and in a group one member's copy of it. Participant "" is none."""

    phone_number_id: str
    message_id: str
    participant: str


def events_that_count(events: Iterable[Event]) -> list[Event]:
    """Of equal identities the earliest time, then the smaller id, then the smaller canonical form."""
    counting: dict[tuple[str, str, str | None, str], Event] = {}
    for event in events:
        identity = (event.phone_number_id, event.message_id, event.participant, event.type)
        other = counting.get(identity)
        if other is None or (event.time, event.id, event.canonical) < (other.time, other.id, other.canonical):
            counting[identity] = event
    return list(counting.values())


@dataclass(frozen=True)
class Delivery:
    """A message to one recipient that was delivered or read."""

    key: DeliveryKey
    own_sent: Event | None
    sent: Event | None
    """Its own, else the one without participant, which speaks for all members."""
    delivered: Event | None
    read: Event | None
    failed: Event | None

    @property
    def billing_instant(self) -> int:
        """The earliest of delivered and read."""
        return min(event.time for event in (self.delivered, self.read) if event)

    @property
    def source(self) -> Event:
        """The event whose user and account are the delivery's: its sent, else its delivered, else its read."""
        return next(event for event in (self.sent, self.delivered, self.read) if event)

    @property
    def recipient(self) -> str:
        """The group member, else the user."""
        return self.key.participant or self.source.user

    @property
    def user_country(self) -> str | None:
        """Of the message's own events, sent first; the message-wide sent does not know the member's country."""
        events = (self.own_sent, self.delivered, self.read, self.failed)
        return next((event.user_country for event in events if event and event.user_country), None)

    @property
    def is_reaction(self) -> bool:
        """The business reacted with an emoji: the kind on its sent."""
        return self.sent is not None and self.sent.kind == "reaction"

    @property
    def pricing_type(self) -> str | None:
        """Meta's own decision: that of delivered before read before sent."""
        return next((e.pricing_type for e in (self.delivered, self.read, self.sent) if e and e.pricing_type is not None), None)

    @property
    def category(self) -> str | None:
        """As some event says it, listed or not; else as Meta's pricing names it; None: nothing says it."""
        for event in (self.sent, self.delivered, self.read):
            if event and event.category is not None:
                return event.category
        for event in (self.delivered, self.read, self.sent):
            if event and event.pricing_category is not None:
                category = normalised(event.pricing_category)
                if category is not None:
                    return category
        return None


def normalised(pricing_category: str) -> str | None:
    """Hyphen = underscore, `group_` dropped, `marketing_lite` = marketing, `referral_conversion` = none."""
    category = pricing_category.replace("-", "_").removeprefix("group_")
    if category == "referral_conversion":
        return None
    return "marketing" if category == "marketing_lite" else category


def deliveries_of(events: Iterable[Event]) -> list[Delivery]:
    """Every delivery with a billing instant. A failed beside it changes nothing; one without either is never billed."""
    by_identity = {(e.phone_number_id, e.message_id, e.participant, e.type): e for e in events}
    keys = {(phone, message, member) for phone, message, member, kind in by_identity if kind in ("message.delivered", "message.read")}
    deliveries = []
    for phone, message, member in sorted(keys, key=lambda key: (key[0], key[1], key[2] or "")):
        own_sent = by_identity.get((phone, message, member, "message.sent"))
        deliveries.append(
            Delivery(
                key=DeliveryKey(phone, message, member or ""),
                own_sent=own_sent,
                sent=own_sent or by_identity.get((phone, message, None, "message.sent")),
                delivered=by_identity.get((phone, message, member, "message.delivered")),
                read=by_identity.get((phone, message, member, "message.read")),
                failed=by_identity.get((phone, message, member, "message.failed")),
            )
        )
    return deliveries
