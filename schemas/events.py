"""Message events: what happened to one WhatsApp message, and when it happened there.

One model for the five types, because they share what matters: identity, recipient and time. A field has its type wherever it stands, also
on an event that has no use for it: whether a record is well formed does not depend on what it tells.

Source: contract §2.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from schemas.fields import Country, EventInstant, Id, Instant, Number, Person, PersonOrGroup, Version, Wire, invalid
from schemas.rejections import UNKNOWN_TYPE

EventType = Literal["message.received", "message.sent", "message.delivered", "message.read", "message.failed"]
EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)


def _event_type(value: object) -> EventType:
    if not isinstance(value, str):
        raise invalid("must be text")
    for known in EVENT_TYPES:
        if value == known:
            return known
    raise PydanticCustomError(UNKNOWN_TYPE, "is none of " + ", ".join(EVENT_TYPES))


class Referral(Wire):
    """The advertisement or post that brought the user to the business."""

    source_type: str | None = Field(
        None,
        description="`ad` or `post`. Only an `ad` can start a free entry point; other values start none.",
        examples=["ad"],
    )
    ctwa_clid: str | None = Field(None, description="Meta's id of the click on the advertisement.")


class Pricing(Wire):
    """Meta's own decision about a message, as its status webhooks carry it."""

    type: str | None = Field(
        None,
        description="`regular` (charged), `free_customer_service`, `free_entry_point` or `free_group_customer_service`. Without it the "
        "object decides nothing; a value not listed leaves the message unrated with `unknown_pricing`.",
        examples=["regular"],
    )
    category: str | None = Field(None, description="Meta's category; serves where no event gives a `category`.", examples=["utility"])
    billable: bool | None = Field(None, description="Meta's older flag; `type` decides.")


class Failure(Wire):
    """Why WhatsApp did not deliver a message."""

    code: Number | None = Field(None, description="Meta's error code.", examples=[131047])
    title: str | None = Field(None, description="Meta's words for it.", examples=["Re-engagement message"])


class MessageEvent(Wire):
    """One event of a message's life, keyed by `phone_number_id` on `whatsapp.messages`."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {
                        "properties": {"type": {"const": "message.sent"}, "category_unknown": {"enum": [False, None]}},
                        "required": ["type"],
                    },
                    "then": {"required": ["category"], "properties": {"category": {"type": "string"}}},
                },
                {
                    "if": {
                        "properties": {"type": {"enum": ["message.delivered", "message.read"]}, "user": {"pattern": "^group:"}},
                        "required": ["type", "user"],
                    },
                    "then": {"required": ["participant"], "properties": {"participant": {"type": "string"}}},
                },
            ]
        }
    )

    v: Version = 1
    type: Annotated[EventType, BeforeValidator(_event_type)] = Field(
        description="What happened. `message.received` comes from the user, the others tell what became of a message to the user.",
    )
    id: Id = Field(description="The publisher's id of this event. The same event may come many times.", examples=["7c9e6679"])
    account_id: Id = Field(description="WhatsApp Business Account.", examples=["102290129340398"])
    phone_number_id: Id = Field(description="The business phone number, by Meta's id; the record's key.", examples=["106540352242922"])
    user: PersonOrGroup = Field(
        description="The other end of the conversation: a phone number, a business-scoped id where the phone is hidden, or a group.",
    )
    participant: Person | None = Field(
        None,
        description="Group events: the member concerned, who wrote or to whom it was delivered. A `message.sent` without it speaks for all "
        "members whose own is missing; `message.delivered` and `message.read` of a group must have it.",
    )
    user_country: Country | None = Field(None, description="Country of the recipient, used where the recipient is no phone number.")
    message_id: Id = Field(
        description="Meta's id of the message (wamid). With `participant` it names one delivery: the thing that is billed.",
        examples=["wamid.HBgLMzM2MTIzNDU2Nzg"],
    )
    time: EventInstant = Field(description="When it happened at WhatsApp, never when it arrived; from 2009 to 2100.")
    kind: str = Field(
        "text",
        description="Received, sent: what kind of message, in Meta's words. `reaction` and `system` open no window; a `reaction` to the "
        "user is free.",
        examples=["text", "image", "reaction"],
    )
    edited: bool = Field(False, description="Received: true for an edit of an earlier message, which opens no window.")
    referral: Referral | None = Field(None, description="Received: the advertisement or post the user came from.")
    category_unknown: bool = Field(
        False,
        description="Sent: true where the publisher can't know the `category`, as one that hears Meta's webhooks alone. It may then be "
        "missing, and `pricing` or another event of the message tells it.",
    )
    category: str | None = Field(
        None,
        description="Sent (required), delivered, read: `marketing`, `utility`, `authentication`, `authentication_international` or "
        "`service` (no template). A value not listed leaves the message unrated with `unknown_category`.",
        examples=["utility"],
    )
    template: str | None = Field(None, description="Sent: the template's name.")
    sender_id: str | None = Field(None, description="Sent: the platform's user who sent it.")
    pricing: Pricing | None = Field(None, description="Sent, delivered, read: Meta's own decision.")
    free_entry_point_expires_at: Instant | None = Field(None, description="Sent: when Meta lets the free entry point end.")
    error: Failure | None = Field(None, description="Failed: why.")

    @field_validator("participant", mode="after")
    @classmethod
    def _status_of_a_group_names_a_member(cls, participant: str | None, info: ValidationInfo) -> str | None:
        of_group = info.data.get("user", "").startswith("group:")
        if participant is None and of_group and info.data.get("type") in ("message.delivered", "message.read"):
            raise invalid("is missing: a delivered or read of a group must name the member")
        return participant

    @field_validator("category", mode="after")
    @classmethod
    def _sent_names_its_category(cls, category: str | None, info: ValidationInfo) -> str | None:
        if category is None and info.data.get("type") == "message.sent" and not info.data.get("category_unknown"):
            raise invalid("is missing: a sent must have one")
        return category
