"""Unrated records: deliveries that could not be priced. Never guessed, never free by accident, never silent.

Source: contract §7 (the record), §2 (the reasons, in order of precedence).
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from schemas.fields import Country, Id, Instant, Published, PublishedVersion

UnratedReason = Literal["unknown_account", "no_rulebook", "unknown_pricing", "no_category", "unknown_category", "no_market", "no_rate"]
"""Why a delivery has no price; of several the first."""


class UnratedRecord(Published):
    """A delivery that waits for what it lacks; the key is its `delivery_id`. A tombstone follows when it was rated after all."""

    model_config = ConfigDict(title="Unrated record")

    v: PublishedVersion
    reason: UnratedReason
    account_id: Id
    phone_number_id: Id
    message_id: Id
    delivery_id: Id
    billed_at: Instant
    category: str | None = Field(description="As its events gave it: with `unknown_category` a word that nobody knows.")
    country: Country | None = Field(
        description="The recipient's, where the reason lets it be known: not without a profile, whose zone gives the date."
    )
    market: str | None
