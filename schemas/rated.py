"""Rated lines: what a delivery costs and why, and the lines that take it back or adjust it. Append-only.

Source: contract §4.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from schemas.fields import Country, Currency, Id, Instant, LocalDate, Money, Published, PublishedVersion, SignedMoney

Category = Literal["marketing", "utility", "authentication", "authentication_international", "service"]
"""What a message is rated as. `service` is a message without a template."""

Outcome = Literal["charged", "free"]

Reason = Literal[
    "marketing",
    "authentication",
    "outside_window",
    "in_window",
    "allowance_used",
    "service",
    "allowance",
    "free_entry_point",
    "reaction",
    "meta_pricing",
]
"""Why a message is charged or free; `docs/reference` tells each."""

Tier = Annotated[str, Field(pattern=r"^[0-9]+:([0-9]+|MAX)$", examples=["1:100000", "1:MAX"])]
"""The card row's bounds, inclusive counts of messages in the month."""


class Window(Published):
    """The customer service window a delivery lay in: `[opened_at, expires_at)`."""

    opened_by: Id = Field(description="Message id of the user's message that opened it.", examples=["wamid.HBgLMzM2MTIzNDU2Nzg"])
    opened_at: Instant
    expires_at: Instant = Field(description="24 hours after the user's newest message before the delivery.")


class Meta(Published):
    """Meta's own decision, where its webhooks carried one."""

    type: str = Field(description="Its `pricing.type`.", examples=["regular"])
    agrees: bool = Field(description="Whether our own verdict was the same.")


class Cause(Published):
    """The command that brought a line."""

    type: Literal["redrive", "reprice", "void"] = Field(description="What the command does.")
    id: Id = Field(description="The command's id.")
    reason: str | None = Field(description="A person's words for why, where the command has some.")


class DeliveryLine(Published):
    """What one delivery costs (`charge`), or the same figures taken back (`reversal`).

    A correction is a reversal and, where something remains due, a charge with the next revision. What an account pays for a delivery is
    Σ charges - Σ reversals.
    """

    model_config = ConfigDict(title="Rated line of a delivery")

    v: PublishedVersion
    line_id: Id = Field(description="A function of delivery, revision and kind: a replay makes the same ids.")
    kind: Literal["charge", "reversal"]
    revision: int = Field(ge=1, description="1 for the first charge of a delivery; a reversal has that of the charge it takes back.")
    reverses: Id | None = Field(description="Of a reversal: the `line_id` it takes back.")
    account_id: Id
    phone_number_id: Id
    message_id: Id = Field(description="Meta's id, or a hash of it where the setting `message_ids: hashed` is on.")
    delivery_id: Id = Field(description="Stands for the message to one recipient; gives no phone number away.")
    billed_at: Instant = Field(description="The billing instant: the earliest of delivered and read.")
    date: LocalDate = Field(description="The billing instant's date in the account's zone.")
    country: Country | None = Field(description="null: the market is known, the country is not.")
    market: str = Field(description="Meta's market.", examples=["France", "North America", "Other"])
    category: Category
    outcome: Outcome
    reason: Reason
    currency: Currency
    cost: Money = Field(description="Meta's rate for the message; `0` when free.")
    amount: Money = Field(description="What the account pays: cost and fee; `0` when free.")
    rulebook: LocalDate = Field(description="First date of the rulebook that decided.", examples=["2025-07-01"])
    card: str | None = Field(description="Rate card that gave the cost; null when free.", examples=["meta-usd-2026-01-01"])
    tier: Tier | None = Field(description="Bounds of the card's row; null when free.")
    catalog: Id = Field(description="Beginning of the content hash of the catalog that decided.", examples=["3b1f0c9a27de"])
    known_at: LocalDate | None = Field(description="As known when: the date on which that catalog had become known; null: always.")
    window: Window | None = Field(description="null: no window was open.")
    meta: Meta | None = Field(description="null: Meta's decision is not known.")
    cause: Cause | None = Field(None, description="The command that brought it; missing where events alone did.")


class Adjustment(Published):
    """Messages of one total that moved between volume tiers: the difference they make. It names a total, no delivery."""

    model_config = ConfigDict(title="Rated line of an adjustment")

    v: PublishedVersion
    line_id: Id = Field(description="A function of total, band edge and revision: a replay makes the same ids.")
    kind: Literal["adjustment"]
    revision: int = Field(ge=1)
    account_id: Id
    phone_number_id: Id
    date: LocalDate
    country: Country | None
    market: str
    category: Category
    outcome: Outcome
    currency: Currency
    moved: int = Field(description="How many of the total's messages are priced in `tier_to` instead of `tier_from`.", ge=1)
    cost: SignedMoney = Field(description="Difference in Meta's rates.")
    amount: SignedMoney = Field(description="Difference in what the account pays.")
    tier_from: Tier
    tier_to: Tier


RatedLine = Annotated[DeliveryLine | Adjustment, Field(discriminator="kind")]
"""One record of `usage.rated`."""
