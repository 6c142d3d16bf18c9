"""What an explanation consists of: facts, no sentences. `words.py` tells them, `json.py` writes them down.

A phone number of an end user is in none of them: a recipient is told by the digits that led to the market. Names say their unit: `…_ms` is
an instant (`…at_ms`, `…from_ms`) or a length of time, `…_nanos` is money.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Placing = Literal["counts", "copy", "superseded"]
"""Of several events of one type the earliest counts, whole. A `copy` says the same again; a `superseded` one is later and void."""

CauseKind = Literal["own event", "user's message", "profile", "command", "another message", "end of wait"]
PublishedKind = Literal["charge", "reversal", "unrated", "mended"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of the message, as it was read."""

    type: str
    event_id: str
    time_ms: int
    where: str
    """In words: file and line, or partition and offset."""
    appended_at_ms: int | None
    behind_ms: int
    """How far the newest event of its phone number lay ahead when it was read: 0 where it came in order."""
    standing: Placing
    gave: tuple[str, ...]
    """What was taken from it: `billing instant`, `category` …"""
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """The customer service window that covered the instant."""

    opened_by: str
    opened_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class MissedWindow:
    """The windows on either side of an instant that none covered. None: there is no such window."""

    closed_at_ms: int | None
    missed_by_ms: int | None
    """From its end to the instant; at its very end a window is closed, so 0 is a miss too."""
    free_if_earlier: bool
    """Whether the same message would have been free in the last millisecond of that window, by the same rules."""
    next_opened_by: str | None
    next_opened_at_ms: int | None
    early_by_ms: int | None
    """From the instant to the next window."""
    free_if_later: bool


@dataclass(frozen=True, slots=True)
class FreeEntry:
    """The free entry point that covered the message, or that it opened."""

    referral: str
    """Message id of the user's message that came through the ad."""
    referred_at_ms: int
    opened_by: str
    """Message id of the business's answer."""
    from_ms: int
    until_ms: int
    is_opener: bool
    """Whether the message is that answer: then it is free whenever it is delivered."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A service message's place in the monthly allowance of its phone number."""

    month: str
    free: int
    """Free messages of a month."""
    taken: int
    """Places that are taken in the month, by every message that is known."""
    number: int
    """Its own place, from 1; of one that takes none, the place that it would have."""
    takes_place: bool
    is_free: bool


@dataclass(frozen=True, slots=True)
class Clause:
    """The rule that applied, and what else it says."""

    rulebook: str
    category: str
    inside: str
    """Outcome inside a window, `charged` or `free`."""
    outside: str
    beyond_allowance: str | None
    """Outcome once the month's free messages are used up; None where the allowance plays no part."""


@dataclass(frozen=True, slots=True)
class MarketFound:
    """Whose market the recipient is in, and how that was found."""

    recipient: str
    """Masked: `+33…`, `FR.…`."""
    by: Literal["prefix", "user_country", "scoped id", "nothing"]
    prefix: str | None
    country: str | None
    market: str | None
    rows: tuple[str, ...]
    """File and line of each row of the market table that says so; several where countries share a prefix."""


@dataclass(frozen=True, slots=True)
class PriceFound:
    """The row of the card that the cost is printed in."""

    card: str
    tier: str
    effective_from: str
    row: str
    """File and line."""
    source: str
    printed_for: str
    """The row's category: `utility` also for a service message, where the card has no row for service."""
    cost_nanos: int


@dataclass(frozen=True, slots=True)
class BandShare:
    """One volume band of the rate, and how many messages of the total lie in it."""

    tier: str
    cost_nanos: int
    amount_nanos: int
    messages: int


@dataclass(frozen=True, slots=True)
class VolumeFound:
    """What the message is counted in, and how the messages of its total divide among volume bands.

    Within one total no message is before another: if an edge lies amid it, only how many lie on either side is known.
    """

    portfolio_id: str
    market: str
    family: str
    month: str
    date: str
    messages: int
    """Of the total."""
    bands: tuple[BandShare, ...]
    """All of the rate."""

    @property
    def held(self) -> tuple[BandShare, ...]:
        """Those in which messages of the total lie."""
        return tuple(band for band in self.bands if band.messages)


@dataclass(frozen=True, slots=True)
class Fee:
    """What the platform adds, and how it was rounded."""

    percent: str
    decimals: int
    exact: str
    """Before rounding."""
    fee_nanos: int
    is_rounded: bool


@dataclass(frozen=True, slots=True)
class MetaWord:
    """Meta's own decision beside ours."""

    type: str
    outcome: str | None
    """What it makes the message; None for a type that nobody knows."""
    agrees: bool | None
    own_outcome: str | None
    own_reason: str | None
    own_cost_nanos: int | None


@dataclass(frozen=True, slots=True)
class Cause:
    """The record after which something was published."""

    kind: CauseKind
    where: str
    event_type: str | None = None
    time_ms: int | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """One line, or one unrated record, in the order in which they were published."""

    kind: PublishedKind
    cause: Cause
    revision: int | None = None
    line_id: str | None = None
    outcome: str | None = None
    reason: str | None = None
    category: str | None = None
    date: str | None = None
    currency: str | None = None
    amount: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """The line in force."""

    revision: int
    line_id: str
    outcome: str
    reason: str
    category: str
    date: str
    currency: str
    cost_nanos: int
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Why there is no line."""

    reason: str
    lacks: str
    """What is missing, in words."""
    mend: str
    """What would give it a price; it is then rated by itself, or by `wameter unrated redrive`."""


Status = Literal["charged", "free", "unrated", "waiting", "voided", "not delivered"]


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """One message to one recipient: the thing that is billed."""

    delivery_id: str
    status: Status
    account_id: str
    timezone: str | None
    """The account's; None where no profile tells it."""
    recipient: str
    of_group: bool
    category: str | None
    """As the events tell it; `due.category` is what it was rated as."""
    billed_at_ms: int | None
    date: str | None
    events: tuple[Seen, ...]
    window_basis: Literal["delivered", "sent"]
    window: OpenWindow | None = None
    missed_window: MissedWindow | None = None
    window_matters: bool = False
    """Whether the rule looks at the window at all."""
    free_entry_point: FreeEntry | None = None
    is_reaction: bool = False
    clause: Clause | None = None
    market: MarketFound | None = None
    price: PriceFound | None = None
    fee: Fee | None = None
    volume: VolumeFound | None = None
    """None where the rate has a single band."""
    due: Due | None = None
    """Where the message's volume band is known, at that band's price, whatever the line was charged at before adjustments."""
    unpriced: Unpriced | None = None
    voided: str | None = None
    """Why it was taken back for good, in the words of the command that did."""
    waits_until_ms: int | None = None
    allowance: Standing | None = None
    meta: MetaWord | None = None
    history: tuple[Published, ...] = ()


@dataclass(frozen=True, slots=True)
class InboundFacts:
    """A message from a user: never billed, but it may be why others are free."""

    time_ms: int
    opens_window: bool
    came_through_ad: bool
    window_until_ms: int | None
    events: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that can be told about one message id of one phone number."""

    message_id: str
    phone_number_id: str | None
    """None where the message was never seen."""
    deliveries: tuple[DeliveryFacts, ...] = ()
    inbound: tuple[InboundFacts, ...] = ()
    refused: tuple[str, ...] = field(default=())
    """Records that name the message and are no events: where they stand, and why they were rejected."""
    records_read: int = 0
    read_from: str = ""
    """In words: the files, or the topic's partitions."""
    notes: tuple[str, ...] = ()
    """What a reader must know beside it, in words: what is missing, and what else is published."""
