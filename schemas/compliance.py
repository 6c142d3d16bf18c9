"""Compliance records: messages that were sent by someone without a licence, or free-form outside every window.

Source: contract §1; billing, add-ons.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from schemas.fields import Id, Instant, Published, PublishedVersion


class ComplianceRecord(Published):
    """A message that should not have been sent. It is rated like any other."""

    model_config = ConfigDict(title="Compliance record")

    v: PublishedVersion
    kind: Literal["unlicensed_sender", "outside_window"]
    account_id: Id
    phone_number_id: Id
    message_id: Id
    sender_id: str | None = Field(description="The platform's user who sent it, where it is known.")
    time: Instant = Field(description="When the message was sent.")
