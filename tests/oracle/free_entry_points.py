"""Free entry points: an ad brought the user, the business answered, 72 hours are free (contract §2, "Free entry point")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.oracle.final_set import Delivery
from tests.oracle.instants import HOUR
from tests.oracle.reading import Event

ANSWER_WITHIN = 24 * HOUR
LENGTH = 72 * HOUR


class FreeEntryPoint(NamedTuple):
    """Free time `[starts_at, ends_at)` of one conversation, and the first message that started it."""

    phone_number_id: str
    user: str
    first_message_id: str
    starts_at: int
    ends_at: int


def free_entry_points(events: Sequence[Event]) -> list[FreeEntryPoint]:
    """One per ad referral that was answered in time; several may share their first message."""
    points = []
    for referral in events:
        if referral.type != "message.received" or referral.referral != "ad":
            continue
        answers = [
            event
            for event in events
            if event.type == "message.sent"
            and (event.phone_number_id, event.user) == (referral.phone_number_id, referral.user)
            and referral.time <= event.time < referral.time + ANSWER_WITHIN
        ]
        if answers:
            first = min(answers, key=lambda event: (event.time, event.message_id, event.participant or ""))
            ends_at = first.free_entry_point_expires_at
            points.append(
                FreeEntryPoint(
                    referral.phone_number_id,
                    referral.user,
                    first.message_id,
                    first.time,
                    first.time + LENGTH if ends_at is None else ends_at,
                )
            )
    return points


def is_free_by_entry_point(points: Sequence[FreeEntryPoint], delivery: Delivery) -> bool:
    """The first message is free whenever it is delivered, others when their billing instant lies in a free entry point."""
    conversation = (delivery.key.phone_number_id, delivery.source.user)
    return any(
        delivery.key.message_id == point.first_message_id or point.starts_at <= delivery.billing_instant < point.ends_at
        for point in points
        if (point.phone_number_id, point.user) == conversation
    )
