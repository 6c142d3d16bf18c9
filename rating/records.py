"""What METER remembers: small versioned records, decoded when touched.

Encoded as MessagePack arrays, so field order is the format: append fields, never reorder them, and raise `FORMAT` for anything else.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

FORMAT: Final = 1
"""Version at the head of every record."""


class Sending(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What one status event of a delivery said: the facts of the event that counts among its duplicates."""

    time_ms: int
    event_id: str
    account_id: str
    user: str
    category: str | None = None
    user_country: str | None = None
    pricing_type: str | None = None
    pricing_category: str | None = None
    kind: str = "text"
    free_entry_expires_at_ms: int | None = None


class Inbound(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A message from a user: when, in which conversation, and what it can start."""

    time_ms: int
    event_id: str
    user: str
    opens_window: bool
    ad_referral: bool


class Window(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One stretch of open customer service window `[opened_at_ms, expires_at_ms)`, as seen from an instant in it."""

    opened_by: str
    """Message id of the inbound message that opened it: the evidence behind a free utility message."""
    opened_at_ms: int
    expires_at_ms: int
    """24 hours after the newest inbound message not later than the instant asked about."""


class Charge(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """The figures of a published line: what a reversal copies and a later decision is compared with."""

    account_id: str
    billed_at_ms: int
    date: str
    country: str | None
    market: str
    category: str
    outcome: str
    reason: str
    currency: str
    cost_nanos: int
    amount_nanos: int
    rulebook: str
    card: str | None
    tier: str | None
    meta_type: str | None
    meta_agrees: bool | None
    window: Window | None

    def same_decision(self, other: Charge) -> bool:
        """Whether nothing that a payer sees differs. The window is evidence: another opener is no other decision."""
        return _decision(self) == _decision(other)


def _decision(charge: Charge) -> tuple[object, ...]:
    return msgspec.structs.astuple(charge)[:-1]


class Unrated(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A delivery that could not be priced, as published on `usage.unrated`."""

    reason: str
    account_id: str
    billed_at_ms: int
    category: str | None
    country: str | None
    market: str | None


class Place(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """Where a service delivery stands in its phone number's monthly order."""

    month: str
    at_ms: int
    takes: bool
    """Whether it uses one of the free messages up, or is only measured against them (Meta's word decides it)."""


class Delivery(msgspec.Struct, array_like=True, gc=False):
    """One message to one recipient: its life, what was published for it, and where it is filed in the indexes."""

    format: int
    phone_number_id: str
    message_id: str
    participant: str
    sent: Sending | None = None
    delivered: Sending | None = None
    read: Sending | None = None
    failed: Sending | None = None
    charge: Charge | None = None
    unrated: Unrated | None = None
    revision: int = 0
    """Of the newest line; the first has 1."""
    profiles: bytes | None = None
    """Which set of account profiles it was first rated with: its corrections use the same (contract §3)."""
    disposition: str | None = None
    """Its side in the delivery ledger; None while it has no billing instant."""
    filed_conversation: bytes | None = None
    filed_at_ms: int = 0
    place: Place | None = None
    wait_until_ms: int | None = None
    wait_until_append_ms: int = 0
    wait_is_over: bool = False
    waits_for_account: str | None = None


class Total(msgspec.Struct, array_like=True, gc=False):
    """One record of `usage.totals`: its key's eight fields and the absolute figures."""

    format: int
    account_id: str
    phone_number_id: str
    date: str
    country: str | None
    market: str
    category: str
    outcome: str
    currency: str
    messages: int = 0
    cost_nanos: int = 0
    amount_nanos: int = 0


class Edge(msgspec.Struct, array_like=True, gc=False):
    """An allowance: how many deliveries take a place, and the one that takes the last free place."""

    format: int = FORMAT
    count: int = 0
    last_free: bytes | None = None
    """Its `moment`; None while places are left."""


class Version(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One dated version of an account's profile (contract §3)."""

    effective_from: str
    """First local date; empty: always."""
    timezone: str
    currency: str
    portfolio_id: str
    fee_percent: str | None
    fee_decimals: int
    business_country: str | None
    international_from: dict[str, str]


class Profiles(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """All versions of one account's profile at one time, oldest first; never none."""

    account_id: str
    versions: tuple[Version, ...]
    format: int = FORMAT
    in_use: bool = False
    """Whether a delivery was rated with it: from then on zone and currency stay (contract §3)."""


class Job(msgspec.Struct, array_like=True, gc=False):
    """A range of an index whose deliveries are still to be decided again: the persisted cursor."""

    bucket: bytes
    low: bytes
    high: bytes | None
    phone_number_id: str = ""
    format: int = FORMAT


class Ledger(msgspec.Struct, array_like=True, gc=False):
    """Both conservation ledgers of one partition (architecture: conservation): every event and every delivery has exactly one side."""

    format: int = FORMAT
    events: dict[str, int] = msgspec.field(default_factory=dict)
    deliveries: dict[str, int] = msgspec.field(default_factory=dict)
    appended_at_ms: int | None = None
    """The newest append time of this partition; None offline."""


_Record = TypeVar("_Record", bound=msgspec.Struct)
_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode
"""Any of the records above as bytes."""

decode_delivery = msgspec.msgpack.Decoder(Delivery).decode
decode_inbound = msgspec.msgpack.Decoder(Inbound).decode
decode_total = msgspec.msgpack.Decoder(Total).decode
decode_edge = msgspec.msgpack.Decoder(Edge).decode
decode_profiles = msgspec.msgpack.Decoder(Profiles).decode
decode_job = msgspec.msgpack.Decoder(Job).decode
decode_ledger = msgspec.msgpack.Decoder(Ledger).decode
