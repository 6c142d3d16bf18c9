"""What lies in state about a billing account, as msgpack records that begin with a format number.

An account's record grows with its subscriptions and kinds of add-on, never with its units, licences, usage or invoices: those are records
of their own (`book.py`, `usage.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Final, Literal, TypeVar

import msgspec

FORMAT: Final = 1

USER: Final = 0
NUMBER: Final = 1

LineKind = Literal["plan", "additional", "addon", "usage", "adjustment"]


class Proration(msgspec.Struct, array_like=True, frozen=True):
    """A fraction of months, in lowest terms, and how days were counted."""

    policy: str
    numerator: int
    denominator: int


class Line(msgspec.Struct, array_like=True, frozen=True):
    """One line of an invoice, before it is printed."""

    section: str
    rank: tuple[int, ...]
    """Orders the lines of a section."""
    name: str
    kind: LineKind
    quantity: int
    unit_price: str | None
    months: str | None
    amount_minor: int
    first: date
    last: date
    proration: Proration | None
    evidence: tuple[str, ...]


class Boundary(msgspec.Struct, array_like=True):
    """What was fixed at a boundary, from the state as it was then; its invoices are issued later, by a `cycle.close`."""

    annual: list[Line]
    """For the term that begins, where it is paid upfront."""
    fixed: list[Line]
    """For the cycle that begins, where cycles are paid one by one."""
    additional: list[Line]
    """Units of the cycle that ended, under `additional_units = "cycle"`."""


class Holding(msgspec.Struct, array_like=True):
    """An add-on that an account has bought."""

    quantity: int
    """Bought; meaningless for `account` seats."""
    evidence: list[str]
    """Ids of the purchases."""
    purchase: int
    """Which purchase it began with, counted over the account: licences of an earlier one have lapsed."""
    ends: date | None = None
    """First day without it, once its removal is settled."""
    assigned: int = 0
    """Licences that users hold."""


class LicenceTime(msgspec.Struct, array_like=True):
    """From when to when a user held a licence, or an account had an add-on."""

    addon: str
    consumption: bool
    contract: int
    """Which subscription of the account: the one whose WhatsApp accounts it covers."""
    from_ms: int
    to_ms: int | None
    """None: no end is known."""
    everyone: bool
    """Of an account: whether every user counts as licensed."""
    is_trial: bool = False


class LicenceHistory(msgspec.Struct, array_like=True):
    """The licences of one user, or what an account had, over the last 70 days; in the order of their beginnings."""

    format: int
    user_id: str | None
    times: list[LicenceTime]
    since_ms: int = 0
    """The latest end of what has been left out; 0: nothing has."""


class Deferred(msgspec.Struct, array_like=True):
    """Seats added in the current cycle that the invoice which closes it will charge: of one kind (or add-on), date and end."""

    addon: str
    """Empty: the seats themselves."""
    kind: int
    day: date
    last: date
    quantity: int
    evidence: list[str]


class Contract(msgspec.Struct, array_like=True):
    """One subscription, from its start to its end."""

    command_id: str
    plan: str
    term: str
    is_upfront: bool
    currency: str
    country: str
    timezone: str
    start: date
    minimum: list[int]
    """Users, numbers."""
    active: list[int]
    paid: list[int]
    whatsapp_accounts: list[str]
    day: date
    """Date of the last command that was accepted."""
    current: int = 0
    """The cycle it is in."""
    closed: int = 0
    """How many cycles are closed: the next one to close."""
    ends: date | None = None
    """First day after a cancelled subscription."""
    stops: date | None = None
    """First day of the subscription that followed: from then on not even usage is billed here."""
    holdings: dict[str, Holding] = {}
    trials: dict[str, date] = {}
    """Add-ons on trial, and the last day of it."""
    deferred: list[Deferred] = []


class Account(msgspec.Struct, array_like=True):
    """A billing account."""

    format: int
    account_id: str
    last_time_ms: int = 0
    last_id: str = ""
    """Of the last command that was accepted."""
    invoices: int = 0
    """How many were issued."""
    units_added: int = 0
    purchases: int = 0
    trials_used: list[str] = []
    contracts: list[Contract] = []
    """Oldest first; the last one is the one that commands are about."""


_Record = TypeVar("_Record")
_TEXT: Final = b"["
"""How a record begins that is JSON; of msgpack it would be a number, which no record is."""

_encoder = msgspec.msgpack.Encoder(order="deterministic")


def encode(record: object) -> bytes:
    """A record as bytes; equal records give equal bytes. Numbers may be of any size: msgpack holds 64 bits, so larger ones go as text."""
    try:
        return _encoder.encode(record)
    except OverflowError:
        return json.dumps(msgspec.to_builtins(record, order="deterministic")).encode()


def decoder(kind: type[_Record]) -> Callable[[bytes], _Record]:
    """Reads what `encode` made of records of one type, which must be an array in msgpack."""
    decode = msgspec.msgpack.Decoder(kind).decode

    def read(raw: bytes) -> _Record:
        return msgspec.convert(json.loads(raw), kind) if raw.startswith(_TEXT) else decode(raw)

    return read


decode_account = decoder(Account)
decode_boundary = decoder(Boundary)
decode_licence_history = decoder(LicenceHistory)
