"""Compliance records: messages that were sent by someone without a licence, or free-form outside every window.

Source: contract §1; billing.md §5, last paragraph.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from schemas.fields import Id, Instant, Published, PublishedVersion


class ComplianceRecord(Published):
    """A message that should not have been sent. It is rated like any other.

    The latest record of (`delivery_id`, `kind`) is the verdict in force: one with `withdrawn` takes back the one before it.
    """

    model_config = ConfigDict(title="Compliance record")

    v: PublishedVersion
    kind: Literal["unlicensed_sender", "outside_window"]
    account_id: Id = Field(description="The WhatsApp account, as the `message.sent` names it; the record's key.")
    phone_number_id: Id
    message_id: Id = Field(description="Meta's id, or a hash of it where the setting `message_ids: hashed` is on.")
    sender_id: str | None = Field(description="The platform's user who sent it, where it is known.")
    time: Instant = Field(description="When the message was sent.")
    delivery_id: Id = Field(description="That of its rated line. A message sent to each member of a group has one record per member.")
    withdrawn: Literal[True] | None = Field(
        None, description="Present where the record takes back the one before it with the same figures: a late event changed the verdict."
    )
