"""Subscription commands: what people and programs ask of an account's subscription.

A command is one JSON object on `billing.commands`, or one line of the file that `wameter bill` reads. What can't be read is rejected and
has no effect at all; what can be read and may not be done is refused, with an event that says why (`schemas.billing_events`). So a
quantity that is no whole number is read: it is an answer's business (`invalid_quantity`), not the reader's.

Source: billing.md §3.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from pydantic import BeforeValidator, Field, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.fields import Country, Currency, EventInstant, Id, LocalDate, Version, Wire, invalid
from schemas.profiles import Zone
from schemas.reading import read_object, validated
from schemas.rejections import UNKNOWN_TYPE, Rejection

Role = Literal["owner", "admin", "supervisor", "agent", "account_manager", "system"]
"""Who asks; `account_manager` is the platform's staff, `system` a program of its own."""
Kind = Literal["user", "number"]
Term = Literal["monthly", "annual"]
Invoicing = Literal["monthly", "upfront"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def _choice(choices: Any) -> BeforeValidator:
    known: tuple[str, ...] = get_args(choices)

    def check(value: object) -> object:
        if value not in known:
            raise invalid("must be one of " + ", ".join(known))
        return value

    return BeforeValidator(check)


_Quantity = Annotated[Any, WithJsonSchema({"type": "integer", "minimum": 1})]
_Minimum = Annotated[Any, WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]})]


class Actor(Wire):
    """Who gives a command."""

    user_id: Id = Field(description="The platform's user.", examples=["u-7"])
    role: Annotated[Role, _choice(Role)] = Field(description="What this user may do depends on it.", examples=["owner"])


class _Command(Wire):
    v: Version = 1
    id: Id = Field(description="The command's id: a second one of the same account has no effect and no event.", examples=["c-1"])
    account_id: Id = Field(description="The billing account; the record's key.", examples=["acme"])
    time: EventInstant = Field(description="When it was given. Commands of an account take effect in the order of (`time`, `id`).")
    actor: Actor


class Minimum(Wire):
    """Seats that are paid for whether they are used or not."""

    user: _Minimum = Field(None, description="Users. Absent: 0.", examples=[3])
    number: _Minimum = Field(None, description="Phone numbers. Absent: 0.", examples=[1])


class Units(Wire):
    """Users and phone numbers that exist."""

    user: list[Id] = Field(default_factory=list, description="Ids of users.", examples=[["u-1", "u-2"]])
    number: list[Id] = Field(default_factory=list, description="Ids of phone numbers.", examples=[["n-1"]])


class SubscriptionStart(_Command):
    """Begins a subscription on its local date, and issues the first invoice."""

    type: Literal["subscription.start"]
    plan: Id = Field(description="A plan of the plans file.", examples=["professional"])
    term: Annotated[Term, _choice(Term)] = Field(description="Twelve cycles, or one; it renews itself.", examples=["annual"])
    invoicing: Annotated[Invoicing, _choice(Invoicing)] = Field(
        "monthly", description="`upfront`: the whole term at once; `annual` terms only. Absent: `monthly`.", examples=["upfront"]
    )
    currency: Currency = Field(description="ISO 4217: which prices count.")
    country: Country = Field(description="Where the account is registered: it may have prices of its own.")
    timezone: Zone = Field(description="IANA time zone: which local date an instant is.", examples=["Europe/Paris"])
    minimum: Minimum = Field(default_factory=Minimum, description="Absent: none.")
    units: Units = Field(default_factory=Units, description="What exists at the start. Absent: none.")
    whatsapp_accounts: list[Id] | None = Field(
        None, description="WhatsApp accounts whose usage is billed here. Absent: the account's own id.", examples=[["102290129340398"]]
    )


class SubscriptionCancel(_Command):
    """Ends the subscription with its current term."""

    type: Literal["subscription.cancel"]


class UnitCommand(_Command):
    """A user or a phone number comes or goes."""

    type: Literal["unit.add", "unit.remove"]
    kind: Annotated[Kind, _choice(Kind)] = Field(description="What comes or goes.", examples=["user"])
    unit_id: Id = Field(description="Its id; ids are per kind.", examples=["u-3"])


class AddonPurchase(_Command):
    """Buys an add-on, or more of it."""

    type: Literal["addon.purchase"]
    addon: Id = Field(description="An add-on of the plans file.", examples=["whatsapp"])
    quantity: _Quantity = Field(None, description="How many; ignored where an add-on counts as many as there are users.", examples=[1])


class AddonCommand(_Command):
    """Tries, asks for, or removes an add-on."""

    type: Literal["addon.trial", "addon.request_quote", "addon.request_feature", "addon.remove"]
    addon: Id = Field(description="An add-on of the plans file.", examples=["whatsapp"])


class LicenceCommand(_Command):
    """Gives a user a licence of an add-on, or takes it back."""

    type: Literal["addon.assign", "addon.unassign"]
    addon: Id = Field(description="An add-on of the plans file.", examples=["whatsapp"])
    unit_id: Id = Field(description="A user.", examples=["u-3"])


class CycleClose(_Command):
    """Issues every invoice that is due on or before a date."""

    type: Literal["cycle.close"]
    as_of: LocalDate = Field(description="Up to and including this local date; not after the command's own.")


BillingCommand = Annotated[
    SubscriptionStart | SubscriptionCancel | UnitCommand | AddonPurchase | AddonCommand | LicenceCommand | CycleClose,
    Field(discriminator="type"),
]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command, flat and read. Fields that its type doesn't have are None; texts are as they came."""

    id: str
    account_id: str
    time_ms: int
    type: str
    user_id: str
    role: str
    plan: str = ""
    term: Term = "monthly"
    is_upfront: bool = False
    currency: str = ""
    country: str = ""
    timezone: str = ""
    minimum: tuple[int | None, int | None] = (0, 0)
    """Users, numbers. None: what was given is no whole number of at least 0."""
    units: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Users, numbers."""
    whatsapp_accounts: tuple[str, ...] = ()
    kind: int = 0
    """Place in `KINDS`."""
    unit_id: str = ""
    addon: str = ""
    quantity: int | None = None
    """None: what was given is no whole number of at least 1."""
    as_of: str = ""
    knows_all: bool = False
    """Never on the wire: `wameter bill --until` looks at every total, whenever it became known."""


def decode_command(raw: bytes) -> Command | Rejection:
    """The command of one record without its line end, or every problem it has. Nothing that anyone sends raises."""
    value = read_object(raw, "command")
    if isinstance(value, Rejection):
        return value
    kind = value.get("type")
    model = _MODELS.get(kind, _AnyCommand) if isinstance(kind, str) else _AnyCommand
    command = validated(value, model)
    return command if isinstance(command, Rejection) else _flat(command)


def _flat(read: Any) -> Command:
    fields: dict[str, Any] = {
        "id": read.id,
        "account_id": read.account_id,
        "time_ms": read.time,
        "type": read.type,
        "user_id": read.actor.user_id,
        "role": read.actor.role,
    }
    match read:
        case SubscriptionStart():
            named = [read.account_id] if read.whatsapp_accounts is None else read.whatsapp_accounts
            fields |= {
                "plan": read.plan,
                "term": read.term,
                "is_upfront": read.invoicing == "upfront",
                "currency": read.currency,
                "country": read.country,
                "timezone": read.timezone,
                "minimum": (_at_least(0, read.minimum.user, 0), _at_least(0, read.minimum.number, 0)),
                "units": (tuple(read.units.user), tuple(read.units.number)),
                "whatsapp_accounts": tuple(dict.fromkeys(named)),
            }
        case UnitCommand():
            fields |= {"kind": KINDS.index(read.kind), "unit_id": read.unit_id}
        case AddonPurchase():
            fields |= {"addon": read.addon, "quantity": _at_least(1, read.quantity, None)}
        case AddonCommand():
            fields |= {"addon": read.addon}
        case LicenceCommand():
            fields |= {"addon": read.addon, "unit_id": read.unit_id}
        case CycleClose():
            fields |= {"as_of": read.as_of}
    return Command(**fields)


def _at_least(least: int, value: object, absent: int | None) -> int | None:
    if value is None:
        return absent
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= least else None


_TYPED: Final = (SubscriptionStart, SubscriptionCancel, UnitCommand, AddonPurchase, AddonCommand, LicenceCommand, CycleClose)
_MODELS: Final[dict[str, type[_Command]]] = {name: model for model in _TYPED for name in get_args(model.model_fields["type"].annotation)}
COMMAND_TYPES: Final = tuple(_MODELS)


def _unknown_type(value: object) -> str:
    if not isinstance(value, str):
        raise invalid("must be text")
    raise PydanticCustomError(UNKNOWN_TYPE, "is none of " + ", ".join(COMMAND_TYPES))


class _AnyCommand(_Command):
    """What all commands share, for one whose type is not known: it never fits, and says all that is wrong."""

    type: Annotated[str, BeforeValidator(_unknown_type)]


ADAPTER: Final[TypeAdapter[Any]] = TypeAdapter(BillingCommand)
