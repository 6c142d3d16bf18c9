"""Rated lines as they are published: a charge, or the reversal that takes one back (contract §4).

A line is a function of what was decided and of the delivery's revision: nothing here looks at a clock, so a replay writes the same bytes.
"""

from __future__ import annotations

import orjson

from rating.ids import delivery_id, hashed_message_id, line_id
from rating.money import Nanos, format_nanos
from rating.records import Charge, Delivery, Unrated, Window
from rating.stage import Output
from schemas.instants import format_instant

RATED = "usage.rated"
UNRATED = "usage.unrated"


class Publisher:
    """Writes lines and unrated records; `hash_message_ids` is the setting `message_ids: hashed`."""

    __slots__ = ("_hash_message_ids",)

    def __init__(self, *, hash_message_ids: bool) -> None:
        self._hash_message_ids = hash_message_ids

    def charge(self, delivery: Delivery, charge: Charge) -> Output:
        """The line that makes a charge due, at the delivery's current revision."""
        return self._line(delivery, charge, "charge", None)

    def reversal(self, delivery: Delivery, charge: Charge) -> Output:
        """The line that takes the delivery's newest charge back: the same figures, and the id of what it reverses."""
        return self._line(delivery, charge, "reversal", "charge")

    def unrated(self, delivery: Delivery, unrated: Unrated) -> Output:
        """The record of a delivery that could not be priced; a later one of the same key replaces it."""
        identity = delivery_id(delivery.phone_number_id, delivery.message_id, delivery.participant)
        value = {
            "v": 1,
            "reason": unrated.reason,
            "account_id": unrated.account_id,
            "phone_number_id": delivery.phone_number_id,
            "message_id": self._message_id(delivery.message_id),
            "delivery_id": identity,
            "billed_at": format_instant(unrated.billed_at_ms),
            "category": unrated.category,
            "country": unrated.country,
            "market": unrated.market,
        }
        return Output(UNRATED, identity.encode(), orjson.dumps(value))

    def mended(self, delivery: Delivery) -> Output:
        """The tombstone of a delivery that was unrated and is not any more."""
        identity = delivery_id(delivery.phone_number_id, delivery.message_id, delivery.participant)
        return Output(UNRATED, identity.encode(), None)

    def _line(self, delivery: Delivery, charge: Charge, kind: str, reverses: str | None) -> Output:
        identity = delivery_id(delivery.phone_number_id, delivery.message_id, delivery.participant)
        line = {
            "v": 1,
            "line_id": line_id(identity, delivery.revision, kind),
            "kind": kind,
            "revision": delivery.revision,
            "reverses": None if reverses is None else line_id(identity, delivery.revision, reverses),
            "account_id": charge.account_id,
            "phone_number_id": delivery.phone_number_id,
            "message_id": self._message_id(delivery.message_id),
            "delivery_id": identity,
            "billed_at": format_instant(charge.billed_at_ms),
            "date": charge.date,
            "country": charge.country,
            "market": charge.market,
            "category": charge.category,
            "outcome": charge.outcome,
            "reason": charge.reason,
            "currency": charge.currency,
            "cost": format_nanos(Nanos(charge.cost_nanos)),
            "amount": format_nanos(Nanos(charge.amount_nanos)),
            "rulebook": charge.rulebook,
            "card": charge.card,
            "tier": charge.tier,
            "window": self._window(charge.window),
            "meta": None if charge.meta_type is None else {"type": charge.meta_type, "agrees": charge.meta_agrees},
        }
        return Output(RATED, charge.account_id.encode(), orjson.dumps(line))

    def _window(self, window: Window | None) -> dict[str, str] | None:
        if window is None:
            return None
        return {
            "opened_by": self._message_id(window.opened_by),
            "opened_at": format_instant(window.opened_at_ms),
            "expires_at": format_instant(window.expires_at_ms),
        }

    def _message_id(self, message_id: str) -> str:
        return hashed_message_id(message_id) if self._hash_message_ids else message_id
