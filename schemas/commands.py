"""Commands that change rated data: records on `rating.commands`, executed by the meter in its own transaction, once per id.

A command is keyed like the meter's input, by business phone number, and has no effect beyond that number.

Source: contract §1, §7; architecture, engine.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from schemas.fields import Id, LocalDate, Person, Version, Wire, problems_of
from schemas.json_text import read_json
from schemas.rejections import INVALID_FIELD, UNKNOWN_TYPE, Problem, Rejection, rejection_of
from schemas.unrated import UnratedReason

MAX_NAMED: Final = 1000
"""How many deliveries or messages one command may name."""

Why = Annotated[str, Field(min_length=1, max_length=200)]
"""A person's words for why; they are published with the lines that a command brings."""


class _Envelope(Wire):
    """What every command has."""

    v: Version = 1
    id: Id = Field(description="The command's id: a second one for the same phone number with the same id has no effect.")


class _Command(_Envelope):
    """The envelope of a command that concerns one phone number."""

    phone_number_id: Id = Field(description="The business phone number it is for; the record's key.", examples=["106540352242922"])


class Redrive(_Command):
    """Decides unrated deliveries again, by what is known now. One that has a price is left alone."""

    model_config = ConfigDict(title="Redrive")

    type: Literal["redrive"]
    reason: UnratedReason | None = Field(None, description="Only those that are unrated for this reason. Absent: for any.")
    delivery_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_NAMED)] | None = Field(
        None, description="Only these deliveries. Absent: every unrated one of the phone number."
    )


class Void(_Command):
    """Takes test or misdirected traffic back, for good: whatever is published of these messages is reversed, and nothing follows."""

    model_config = ConfigDict(title="Void")

    type: Literal["void"]
    message_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_NAMED)] = Field(
        description="Meta's ids (wamids) of the messages, also where published ids are hashed."
    )
    participant: Person | None = Field(None, description="Of a group's messages: this member's copies only. Absent: every member's.")
    reason: Why = Field(description="Why, for people; it stands on each reversal.", examples=["load test of 2026-10-05"])


Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Reprice(_Command):
    """Decides what is rated already again, by the catalog in force and the profiles that are known now.

    Where that makes a difference to a payer, the line is reversed and replaced; everything else stays as it is published.
    """

    model_config = ConfigDict(title="Reprice")

    type: Literal["reprice"]
    catalog: Hash = Field(description="Content hash of the catalog in force: with another one in force the command is refused.")
    known_at: LocalDate | None = Field(None, description="As known on this date. Absent: at the beginning.")
    account_id: Id | None = Field(None, description="Only deliveries of this account. Absent: of any.")
    from_: LocalDate | None = Field(None, alias="from", description="From this local date on. Absent: from the first.")
    to: LocalDate | None = Field(None, description="Up to this local date, inclusive. Absent: to the last.")
    reason: Why | None = Field(None, description="Why, for people; it stands on each line.", examples=["Meta's correction of 3 October"])


class ActivateCatalog(_Envelope):
    """Puts a catalog in force: deliveries that are rated for the first time from here on are rated by it.

    It concerns a partition, not a phone number: one record lies in each, under any key that belongs there.
    """

    model_config = ConfigDict(title="Activate a catalog")

    type: Literal["activate_catalog"]
    catalog: Hash = Field(description="Content hash of the catalog as known at `known_at`.")
    known_at: LocalDate | None = Field(None, description="As known on this date. Absent: at the beginning.")


AnyCommand = Redrive | Reprice | Void | ActivateCatalog
RatingCommand = Annotated[AnyCommand, Field(discriminator="type")]
"""One record of `rating.commands`."""

_MODELS: Final[dict[str, type[AnyCommand]]] = {
    "redrive": Redrive,
    "reprice": Reprice,
    "void": Void,
    "activate_catalog": ActivateCatalog,
}
COMMAND: Final[TypeAdapter[Any]] = TypeAdapter(RatingCommand)


def decode_command(raw: bytes) -> AnyCommand | Rejection:
    """The command of one record, or why it cannot be read. Nothing that anyone sends raises."""
    value = read_json(raw)
    if isinstance(value, Rejection):
        return value
    if not isinstance(value, dict):
        return Rejection(INVALID_FIELD, "the record must be a JSON object")
    kind = value.get("type")
    model = _MODELS.get(kind) if isinstance(kind, str) else None
    try:
        return model.model_validate(value) if model is not None else _refused(value, kind)
    except ValidationError as error:
        return rejection_of(problems_of(error))


def _refused(value: dict[str, Any], kind: object) -> Rejection:
    """Of a command whose type says nothing: that, and what is wrong with its envelope."""
    if isinstance(kind, str):
        problems = [Problem(UNKNOWN_TYPE, "type", "is none of " + ", ".join(_MODELS))]
    else:
        problems = [Problem(INVALID_FIELD, "type", "is missing" if kind is None else "must be text")]
    try:
        _Envelope.model_validate(value)
    except ValidationError as error:
        problems += problems_of(error)
    return rejection_of(problems)
