"""Where METER's facts lie: every state key, and nothing else.

A key is one byte that names the kind, 16 bytes that name the owner, and a sort field. Instants sort as 8 bytes, big-endian; a message
sorts by its id, a participant after it. The table of kinds, with values and writers, is in docs/adr/0001-topics-keys-and-clocks.md.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rating.ids import conversation_digest, digest, message_digest

_NOBODY: Final = bytes(16)
TIME_BYTES: Final = 8
_SEPARATOR: Final = b"\x00"
SENDER_BYTES: Final = 8
NO_SENDER: Final = bytes(SENDER_BYTES)
"""In the place of a sender: the account itself."""
FIRST_SENDER: Final = bytes(SENDER_BYTES - 1) + b"\x01"

DELIVERY: Final = b"D"
INBOUND: Final = b"R"
CONVERSATION: Final = b"V"
MONTH: Final = b"W"
ALLOWANCE_EDGE: Final = b"E"
CLOCK: Final = b"N"
WAIT: Final = b"B"
WAIT_BY_APPEND: Final = b"A"
UNKNOWN_ACCOUNT: Final = b"U"
PROFILES: Final = b"P"
PROFILES_AS_KNOWN: Final = b"Q"
FIGURES: Final = b"Y"
TOTAL: Final = b"T"
TALLY: Final = b"C"
JOB: Final = b"J"
LICENCES: Final = b"I"
LICENCE_SOURCE: Final = b"L"
SENDERS: Final = b"S"
NOTICE: Final = b"Z"
NOTICE_BY_APPEND: Final = b"z"
LEDGER: Final = b"K"
AGENDA: Final = b"G"
SILENT: Final = b"H"
UNRATED: Final = b"X"
SWEEP: Final = b"F"
ORDER: Final = b"o"
EXECUTED: Final = b"x"
ACTIVE: Final = b"g"
CONVERSATIONS: Final = b"l"

# TIER's
VOLUME: Final = b"M"
COUNTED: Final = b"O"

# Kinds of entries in the leaves of a conversation
OPENS_WINDOW: Final = b"i"
CHAIN_START: Final = b"o"
AD_REFERRAL: Final = b"a"
SENT: Final = b"s"
FREE_ENTRY: Final = b"f"
FREE_ENTRY_UNION: Final = b"g"
FREE_ENTRY_MESSAGE: Final = b"m"
BILLED: Final = b"c"
OUTSIDE_WINDOW: Final = b"v"
# What no other entry names: a message from a user that starts nothing, and a delivery that failed and was never sent.
QUIET: Final = b"q"

# Kinds of entries in the leaves of a phone number's month
PLACE: Final = b"w"
NO_PLACE: Final = b"x"

# Kind of entries in the leaves of an account's senders
SENT_BY: Final = b"u"

WITH_INSTANTS: Final = (OPENS_WINDOW, AD_REFERRAL, SENT, BILLED, QUIET)
"""Kinds of a conversation's entries that are facts themselves, each under its instant; the others follow from them."""

WAITS: Final = frozenset({WAIT, WAIT_BY_APPEND})
"""Buckets of deliveries whose category nobody has told yet."""

IN_LEAVES: Final = CONVERSATION + MONTH + SENDERS
"""Buckets whose entries lie in leaves."""

LEDGER_KEY: Final = LEDGER + _NOBODY
JOBS: Final = JOB + _NOBODY
ORDERS: Final = ORDER + _NOBODY
ACTIVE_CATALOG: Final = ACTIVE + _NOBODY
WAITS_BY_APPEND: Final = WAIT_BY_APPEND + _NOBODY
SILENT_NUMBERS: Final = SILENT + _NOBODY
SWEEPS: Final = SWEEP + _NOBODY
NOTICES_BY_APPEND: Final = NOTICE_BY_APPEND + _NOBODY
ENDS_BY_APPEND: Final = frozenset({WAITS_BY_APPEND, NOTICES_BY_APPEND})
"""Where whatever waits in a partition stands, by the append time that ends it."""


def instant(at_ms: int) -> bytes:
    """An instant as a sort field."""
    return at_ms.to_bytes(TIME_BYTES, "big")


def at(sort: bytes) -> int:
    """The instant at the head of a sort field."""
    return int.from_bytes(sort[:TIME_BYTES], "big")


def moment(at_ms: int, message_id: str, participant: str) -> bytes:
    """The order (instant, message id, participant): of inbound messages, sends and deliveries alike."""
    return instant(at_ms) + message_id.encode() + _SEPARATOR + participant.encode()


def billed(at_ms: int, delivery_key: bytes) -> bytes:
    """The order of a conversation's deliveries by billing instant; the delivery's own key is in it."""
    return instant(at_ms) + delivery_key[len(DELIVERY) :]


def sender(sender_id: str, at_ms: int, delivery_key: bytes) -> bytes:
    """The order of an account's messages by sender, then by instant; the delivery's own key is in it."""
    return sender_name(sender_id) + instant(at_ms) + delivery_key[len(DELIVERY) :]


def sender_name(sender_id: str) -> bytes:
    """Stands for a sender among an account's; it sorts after `NO_SENDER`."""
    return max(digest(sender_id)[:SENDER_BYTES], FIRST_SENDER)


def sent_by(entry: bytes) -> bytes:
    """The delivery, without its kind, of an entry in the leaves of an account's senders."""
    return entry[len(SENT_BY) + SENDER_BYTES + TIME_BYTES :]


def one_conversation(phone_number_id: str, conversation: bytes) -> bytes:
    """The entry of a conversation among those of its phone number that have a billing instant."""
    return of_owner(CONVERSATIONS, phone_number_id) + conversation[len(CONVERSATION) :]


def named(sort: bytes) -> tuple[str, str]:
    """Message id and participant of a `moment`."""
    message_id, _, participant = sort[TIME_BYTES:].rpartition(_SEPARATOR)
    return message_id.decode(), participant.decode()


def message_bucket(phone_number_id: str, message_id: str) -> bytes:
    """All deliveries of one message, by participant; the empty participant is the message itself."""
    return DELIVERY + message_digest(phone_number_id, message_id)


def delivery(phone_number_id: str, message_id: str, participant: str) -> bytes:
    """The record of one delivery."""
    return message_bucket(phone_number_id, message_id) + participant.encode()


def inbound(phone_number_id: str, message_id: str, participant: str) -> bytes:
    """The record of one message from a user."""
    return INBOUND + message_digest(phone_number_id, message_id) + participant.encode()


@lru_cache(maxsize=65_536)
def conversation(phone_number_id: str, user: str) -> bytes:
    """The bucket of one conversation."""
    return CONVERSATION + conversation_digest(phone_number_id, user)


@lru_cache(maxsize=4096)
def of_owner(kind: bytes, *owner: str) -> bytes:
    """A bucket, or a single record, of whatever these texts name: a phone number, an account, a phone number's month."""
    return kind + digest(*owner)
