"""What METER remembers of commands: those that are not done, and which catalog they have brought into force.

Encoded like the records of `records.py`, and as their fields: append, never reorder.
"""

from __future__ import annotations

import msgspec

from rating.records import FORMAT, Cause


class Active(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """The catalog that first ratings of a partition use: its hash as known then, and when."""

    catalog: str
    known_at: str
    format: int = FORMAT


class Order(msgspec.Struct, array_like=True, gc=False):
    """A command that is not done yet, with the place up to which it is."""

    cause: Cause
    phone_number_id: str
    delivery_ids: tuple[str, ...] | None = None
    message_ids: tuple[str, ...] = ()
    participant: str | None = None
    unrated_reason: str | None = None
    done_to: bytes = b""
    """Sort field of the next entry to look at, in whatever the command goes through."""
    format: int = FORMAT
    catalog: str = ""
    known_at: str = ""
    account_id: str | None = None
    date_from: str | None = None
    date_to: str | None = None


decode_active = msgspec.msgpack.Decoder(Active).decode
decode_order = msgspec.msgpack.Decoder(Order).decode
