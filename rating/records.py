"""What METER remembers: small versioned records, decoded when touched.

Encoded as MessagePack arrays, so field order is the format: append fields, never reorder them, and raise `FORMAT` for anything else.
"""

from __future__ import annotations

from typing import Final

import msgspec

FORMAT: Final = 2
"""Version at the head of every record."""

ABOUT_WINDOW: Final = 1
"""Of a `sent`: whether it was free-form outside every window."""
ABOUT_LICENCE: Final = 2
"""Whether its sender had no licence."""
WAIT_IS_OVER: Final = 4
"""Nothing else about it, but what is known of it is to be said now."""


class Sending(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What one status event of a delivery said: the facts of the event that counts among its duplicates.

    Account, user and kind are None where they are the usual ones: those of the delivery record, and `text`. `life.py` reads them.
    """

    time_ms: int
    event_id: str
    account_id: str | None = None
    user: str | None = None
    category: str | None = None
    user_country: str | None = None
    pricing_type: str | None = None
    pricing_category: str | None = None
    kind: str | None = None
    free_entry_expires_at_ms: int | None = None
    sender_id: str | None = None


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


class Band(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One volume band of a rate: what a message in it costs and what the account pays for it."""

    tier: str
    """Its bounds as lines print them, `1:100000`."""
    tier_to: int | None
    """The last message of the month that it is for, itself included; None has no end."""
    cost_nanos: int
    amount_nanos: int


class Terms(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """By what messages that are counted for volume bands are priced: whose month they count in, and every band with its prices."""

    portfolio_id: str
    bands: tuple[Band, ...]
    """In order, at least one: a rate with a single band is counted too where another currency's has several."""


class Figures(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What a line says that many lines share: everything but which delivery it is about, when and in which window. Never changes."""

    account_id: str
    phone_number_id: str
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
    profiles: bytes
    """Name of the set of account profiles it was decided with: corrections use the same (contract §3)."""
    format: int = FORMAT
    terms: Terms | None = None
    """Set where the message is counted for volume bands: cost, amount and tier are then those of one of them."""
    catalog: str = ""
    """The beginning of its hash: the catalog as known then."""
    known_at: str = ""
    """As known when: the date on which that catalog had become known, empty for the beginning. Corrections use the same."""


class Charge(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A published line in force: what a reversal copies and a later decision is compared with."""

    figures: bytes
    """Name of its figures."""
    billed_at_ms: int
    window: Window | None


class Unrated(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A delivery that could not be priced, as published on `usage.unrated`."""

    reason: str
    account_id: str
    billed_at_ms: int
    category: str | None
    country: str | None
    market: str | None


class Cause(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """The command behind a decision, as it stands on the lines that this brings."""

    type: str
    id: str
    reason: str | None = None


class Place(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """Where a service delivery stands in its phone number's monthly order."""

    month: str
    at_ms: int
    takes: bool
    """Whether it uses one of the free messages up, or is only measured against them (Meta's word decides it)."""


class Parked(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A record of the input that is kept as it came, in case it must be rejected after all."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    appended_at_ms: int | None
    side: str
    """Of the event ledger, on which it is counted meanwhile."""


class Notice(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A published verdict that a message should not have been sent, as far as its record does not say the same of every verdict on it."""

    kind: str
    account_id: str
    sender_id: str | None
    sent_at_ms: int


class Judged(msgspec.Struct, array_like=True, gc=False):
    """How a `sent` that was ever against the rules stands to them."""

    against: int = 0
    """What it is against now: `ABOUT_WINDOW`, `ABOUT_LICENCE`, or both."""
    published: tuple[Notice, ...] = ()
    """Of what has been published, what was not withdrawn."""
    wait_until_ms: int | None = None
    wait_until_append_ms: int = 0
    wait_is_over: bool = False


class Delivery(msgspec.Struct, array_like=True, gc=False):
    """One message to one recipient: its life, what was published for it, and where it is filed in the indexes."""

    format: int
    phone_number_id: str
    message_id: str
    participant: str
    account_id: str
    """The usual one: of whichever event came first. An event that says another keeps its own."""
    user: str
    """The usual one, likewise."""
    sent: Sending | None = None
    delivered: Sending | None = None
    read: Sending | None = None
    failed: Sending | None = None
    charge: Charge | None = None
    unrated: Unrated | None = None
    revision: int = 0
    """Of the newest line; the first has 1."""
    profiles: bytes | None = None
    """Which set of account profiles it was first rated with, while no charge names it (contract §3); where a command moved it and the
    charge stays, the set that counts from then on."""
    disposition: str | None = None
    """Its side in the delivery ledger; None while it has no billing instant."""
    filed_in: bytes | None = None
    """The conversation whose entries name its billing instant; empty: that with the usual user."""
    filed_at_ms: int = 0
    place: Place | None = None
    wait_until_ms: int | None = None
    wait_until_append_ms: int = 0
    wait_is_over: bool = False
    parked: tuple[Parked, ...] = ()
    """Its `read` in all copies, while nothing else is known of it and it may be one that was billed and forgotten: it is not billed by this
    alone. The first is the one that counts."""
    judged: Judged | None = None
    """Set once its `sent` was against the rules of who may send what."""
    voided: Cause | None = None
    """The command that took it back for good, alone or with its message."""
    known_at: str | None = None
    """As known when it is rated, wherever `profiles` is set."""


class Total(msgspec.Struct, array_like=True, gc=False):
    """The absolute figures of one record of `usage.totals`; which, says its key."""

    format: int
    messages: int = 0
    cost_nanos: int = 0
    amount_nanos: int = 0
    held: int = 0
    """How many deliveries in the state have their line in it. While there are any, it stays."""


class Tally(msgspec.Struct, array_like=True, gc=False):
    """The messages of one total that count in one portfolio's month at one table of bands, and where their lines have put them."""

    format: int = FORMAT
    messages: int = 0
    priced: list[int] = []
    """Band by band, how many messages the published lines price there: charges less reversals, and what adjustments moved."""
    below: list[int | None] | None = None
    """How far each band reaches, as last told: edge by edge, how many of the messages come before it; None: all. Untold: None, all."""
    revision: int = 0
    """Of the newest adjustments."""
    total: bytes = b""
    """The key of the total."""
    terms: Terms | None = None
    """None before the first message: bands may be told earlier."""


class CountedTally(msgspec.Struct, array_like=True, gc=False):
    """TIER's view of one tally: how many messages, and between which bands they can divide."""

    messages: int
    edges: tuple[int, ...]
    """The last message of every band but the open one."""
    key: bytes
    """Of its record on `usage.counts` and `usage.bands`."""
    format: int = FORMAT


class VolumeEdge(msgspec.Struct, array_like=True, gc=False):
    """Where the n-th message of a month lies, n being the last one of some band."""

    at: int
    holder: bytes | None
    """The tally in which it lies, by its place in the order; None while the month has fewer messages."""
    before: int
    """Messages in all tallies before the holder."""


class Volume(msgspec.Struct, array_like=True, gc=False):
    """One counter: a portfolio's messages to one market in one category family and month."""

    format: int = FORMAT
    messages: int = 0
    revision: int = 0
    """Grows with every change of the allocation that is told."""
    edges: list[VolumeEdge] = []


class LeafRecord(msgspec.Struct, array_like=True, gc=False):
    """One leaf of ordered entries: keys in order, and the value of each."""

    format: int
    keys: list[bytes]
    values: list[bytes]
    parted: bool = False
    """Of the first leaf: whether there may be others."""
    due_day: int = 0
    """Of the first leaf: the day for which its owner is on the agenda of what may be forgotten; 0: it is not."""


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
    about: int = 0
    """What of each `sent` is to be judged again; 0: its delivery is to be decided again."""


class PhoneNumber(msgspec.Struct, array_like=True, gc=False):
    """The clock of one business phone number, and how far back its facts are forgotten. Days count from 1970, in UTC."""

    format: int
    phone_number_id: str
    clock_ms: int = 0
    """The greatest event time it has seen that was not far beyond its append time; 0 before the first."""
    floor_ms: int = 0
    """Facts before this instant may be gone; 0 while nothing is. It never moves back."""
    swept_day: int = 0
    """Whatever was to leave up to this day of the agenda has left."""
    heard_day: int = 0
    """The day of append time on which it last spoke."""
    check_day: int = 0
    """The day of append time on which it will have been silent for too long; 0: nobody looks."""


class Ledger(msgspec.Struct, array_like=True, gc=False):
    """Both conservation ledgers of one partition (architecture: conservation): every event and every delivery has exactly one side."""

    format: int = FORMAT
    events: dict[str, int] = msgspec.field(default_factory=dict)
    deliveries: dict[str, int] = msgspec.field(default_factory=dict)
    appended_at_ms: int | None = None
    """The newest append time of this partition; None offline."""
    forgotten: dict[str, int] = msgspec.field(default_factory=dict)
    """How many of `deliveries` have left the state, by the side on which they left it."""


_encoder = msgspec.msgpack.Encoder()
_scratch = bytearray()


def encode(record: object) -> bytes:
    """Any of the records above as bytes of their own: what `Encoder.encode` returns keeps up to 48 bytes more alive than it shows."""
    _encoder.encode_into(record, _scratch)
    return bytes(_scratch)


decode_delivery = msgspec.msgpack.Decoder(Delivery).decode
decode_figures = msgspec.msgpack.Decoder(Figures).decode
decode_inbound = msgspec.msgpack.Decoder(Inbound).decode
decode_total = msgspec.msgpack.Decoder(Total).decode
decode_tally = msgspec.msgpack.Decoder(Tally).decode
decode_counted = msgspec.msgpack.Decoder(CountedTally).decode
decode_volume = msgspec.msgpack.Decoder(Volume).decode
decode_leaf = msgspec.msgpack.Decoder(LeafRecord).decode
decode_edge = msgspec.msgpack.Decoder(Edge).decode
decode_profiles = msgspec.msgpack.Decoder(Profiles).decode
decode_job = msgspec.msgpack.Decoder(Job).decode
decode_number = msgspec.msgpack.Decoder(PhoneNumber).decode
decode_ledger = msgspec.msgpack.Decoder(Ledger).decode
