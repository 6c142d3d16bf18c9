"""Billing events: what became of a command, one event each.

Source: billing.md §3, "Result" and "Refusals".
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from schemas.fields import Id, Instant, LocalDate, Published, PublishedVersion

RefusalReason = Literal[
    "out_of_order",
    "no_subscription",
    "already_subscribed",
    "unknown_plan",
    "invalid_terms",
    "not_allowed",
    "unknown_addon",
    "not_available",
    "included",
    "quote_required",
    "already_purchased",
    "trial_used",
    "no_price",
    "invalid_quantity",
    "duplicate_unit",
    "unknown_unit",
    "already_assigned",
    "no_licence_left",
    "not_assigned",
    "not_purchased",
    "committed_until",
    "invalid_date",
]
"""Why a command was refused: the first that applies, in this order."""


class BillingEvent(Published):
    """A command was accepted, or refused. A repeated command id gives no second event."""

    model_config = ConfigDict(title="Billing event")

    v: PublishedVersion
    command_id: Id = Field(description="The command that this answers.")
    account_id: Id = Field(description="The billing account; the record's key.")
    time: Instant = Field(description="The command's own time.")
    outcome: Literal["accepted", "refused"]
    reason: RefusalReason | None = Field(description="Stable code where it was refused.")
    detail: str = Field(description="A sentence for a person.")
    effective: LocalDate | None = Field(description="From which local date it has effect; null where it was refused.")
