"""Rated lines as they are published: a charge, or the reversal that takes one back (contract §4).

A line is a function of what was decided and of the delivery's revision: nothing here looks at a clock, so a replay writes the same bytes.
They are put together from text, because most of a line is the same in thousands of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson

from rating.ids import delivery_id, hashed_message_id, line_id
from rating.money import Nanos, format_nanos
from rating.records import Cause, Charge, Delivery, Figures, Unrated, Window
from rating.stage import Output
from schemas.instants import format_instant

RATED: Final = "usage.rated"
UNRATED: Final = "usage.unrated"
CHARGE: Final = "charge"
REVERSAL: Final = "reversal"


class LineText(NamedTuple):
    """What is the same in every line of some figures, as pieces of JSON."""

    record_key: bytes
    owner: str
    """Account and phone number."""
    figures: str
    """From the date to the known time."""
    meta: str
    """Meta's word, to the object's end."""


def line_text(figures: Figures) -> LineText:
    """The pieces for figures."""
    owner = {"account_id": figures.account_id, "phone_number_id": figures.phone_number_id}
    said = {
        "date": figures.date,
        "country": figures.country,
        "market": figures.market,
        "category": figures.category,
        "outcome": figures.outcome,
        "reason": figures.reason,
        "currency": figures.currency,
        "cost": format_nanos(Nanos(figures.cost_nanos)),
        "amount": format_nanos(Nanos(figures.amount_nanos)),
        "rulebook": figures.rulebook,
        "card": figures.card,
        "tier": figures.tier,
        "catalog": figures.catalog,
        "known_at": figures.known_at or None,
    }
    meta = {"meta": None if figures.meta_type is None else {"type": figures.meta_type, "agrees": figures.meta_agrees}}
    return LineText(figures.account_id.encode(), _members(owner), _members(said), _members(meta))


class Publisher:
    """Writes lines and unrated records; `hash_message_ids` is the setting `message_ids: hashed`."""

    __slots__ = ("_hash_message_ids",)

    def __init__(self, *, hash_message_ids: bool) -> None:
        self._hash_message_ids = hash_message_ids

    def line(self, kind: str, delivery: Delivery, charge: Charge, text: LineText, cause: Cause | None = None) -> Output:
        """The line of a charge at the delivery's current revision: `CHARGE` makes it due, `REVERSAL` takes it back.

        A reversal has the same figures, and the id of what it reverses. `cause` is the command that brings the line.
        """
        identity = delivery_id(delivery.phone_number_id, delivery.message_id, delivery.participant)
        reverses = f'"{line_id(identity, delivery.revision, CHARGE)}"' if kind == REVERSAL else "null"
        brought_by = "" if cause is None else _cause(cause)
        line = (
            f'{{"v":1,"line_id":"{line_id(identity, delivery.revision, kind)}","kind":"{kind}","revision":{delivery.revision},'
            f'"reverses":{reverses},{text.owner},"message_id":{self._quoted(delivery.message_id)},"delivery_id":"{identity}",'
            f'"billed_at":"{format_instant(charge.billed_at_ms)}",{text.figures},"window":{self._window(charge.window)},{text.meta}{brought_by}}}'
        )
        return Output(RATED, text.record_key, line.encode())

    def unrated(self, delivery: Delivery, unrated: Unrated) -> Output:
        """The record of a delivery that could not be priced; a later one of the same key replaces it."""
        identity = delivery_id(delivery.phone_number_id, delivery.message_id, delivery.participant)
        value = {
            "v": 1,
            "reason": unrated.reason,
            "account_id": unrated.account_id,
            "phone_number_id": delivery.phone_number_id,
            "message_id": self.message_id(delivery.message_id),
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

    def _window(self, window: Window | None) -> str:
        if window is None:
            return "null"
        return (
            f'{{"opened_by":{self._quoted(window.opened_by)},"opened_at":"{format_instant(window.opened_at_ms)}",'
            f'"expires_at":"{format_instant(window.expires_at_ms)}"}}'
        )

    def message_id(self, message_id: str) -> str:
        """A message's id, or what stands for it."""
        return hashed_message_id(message_id) if self._hash_message_ids else message_id

    def _quoted(self, message_id: str) -> str:
        return orjson.dumps(self.message_id(message_id)).decode()


def _cause(cause: Cause) -> str:
    return "," + _members({"cause": {"type": cause.type, "id": cause.id, "reason": cause.reason}})


def _members(fields: Mapping[str, object]) -> str:
    """The members of a JSON object, without its braces."""
    return orjson.dumps(fields)[1:-1].decode()
