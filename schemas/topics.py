"""The topics of the pipeline: names, keys, how long records stay, and the model of what lies in them.

Names are logical: an environment's prefix comes before them. What a broker needs beyond this table (partitions, sizes) is the stream's
business.

Source: contract §1.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from pydantic import TypeAdapter

from schemas.billing_commands import ADAPTER as BILLING_COMMAND
from schemas.billing_events import BillingEvent
from schemas.commands import COMMAND
from schemas.compliance import ComplianceRecord
from schemas.events import MessageEvent
from schemas.invoices import Invoice
from schemas.licences import LicencesRecord
from schemas.profiles import AccountProfile
from schemas.rated import RatedLine
from schemas.rejected import RejectedHeaders
from schemas.tiers import BandsRecord, CountsRecord
from schemas.totals import TotalsRecord
from schemas.unrated import UnratedRecord

Cleanup = Literal["delete", "compact"]


class Topic(NamedTuple):
    """One topic, as every environment has it."""

    name: str
    key: str
    """What the record key is, for people."""
    summary: str
    cleanup: Cleanup
    retention_days: int | None
    """After how many days records go; None: never."""
    record: TypeAdapter[Any] | None = None
    """Model of the value as JSON. None: the value is bytes as they came, or its model comes with the stage that writes it."""
    headers: TypeAdapter[Any] | None = None
    partitioned_by: str | None = None
    """What the partitioner hashes, where that is not the key."""
    internal: bool = False
    """Between two stages: no one else's business, and it may change without notice."""


TOPICS: Final = (
    Topic(
        "whatsapp.messages",
        "phone_number_id",
        "Message events: what happened to WhatsApp messages.",
        "delete",
        35,
        TypeAdapter(MessageEvent),
    ),
    Topic(
        "whatsapp.accounts",
        "account_id",
        "Account profiles: zone, currency and fee.",
        "compact",
        None,
        TypeAdapter(AccountProfile),
    ),
    Topic(
        "rating.commands",
        "phone_number_id",
        "Re-drive, reprice, void, catalog activation: executed once per id.",
        "delete",
        400,
        COMMAND,
    ),
    Topic(
        "usage.rated", "account_id", "Rated lines: what each delivery costs, and why. Append-only.", "delete", 400, TypeAdapter(RatedLine)
    ),
    Topic(
        "usage.totals",
        "the total's eight fields, a JSON array",
        "Absolute totals: the latest record of a key is the truth.",
        "compact",
        None,
        TypeAdapter(TotalsRecord),
        partitioned_by="account_id",
    ),
    Topic(
        "usage.unrated",
        "delivery_id",
        "Deliveries that could not be priced; a tombstone when mended.",
        "compact",
        None,
        TypeAdapter(UnratedRecord),
    ),
    Topic(
        "usage.rejected",
        "as it came",
        "Records that could not be read: the original bytes, the reason in headers.",
        "delete",
        35,
        headers=TypeAdapter(RejectedHeaders),
    ),
    Topic(
        "usage.compliance",
        "account_id",
        "Messages sent by unlicensed users, or free-form outside every window.",
        "delete",
        400,
        TypeAdapter(ComplianceRecord),
    ),
    Topic(
        "usage.counts",
        "the total's key, with portfolio and terms, a JSON array",
        "Absolute counts per total, for volume tiers.",
        "compact",
        None,
        TypeAdapter(CountsRecord),
        partitioned_by="portfolio, market, family, month",
        internal=True,
    ),
    Topic(
        "usage.bands",
        "the total's key, with portfolio and terms, a JSON array",
        "How each total divides into bands.",
        "compact",
        None,
        TypeAdapter(BandsRecord),
        partitioned_by="phone_number_id",
        internal=True,
    ),
    Topic("billing.commands", "account_id", "Subscription commands.", "delete", 400, BILLING_COMMAND),
    Topic("billing.events", "account_id", "Commands accepted or refused.", "delete", 400, TypeAdapter(BillingEvent)),
    Topic("billing.invoices", "account_id", "Issued invoices; they never change.", "delete", None, TypeAdapter(Invoice)),
    Topic("billing.licences", "account_id:user_id", "Who may send, and from when to when.", "compact", None, TypeAdapter(LicencesRecord)),
    Topic(
        "billing.sources",
        "WhatsApp account and billing account, a JSON array",
        "Who bills which account.",
        "compact",
        None,
        partitioned_by="WhatsApp account",
        internal=True,
    ),
    Topic(
        "billing.usage",
        "the billing account and the total's key, a JSON array",
        "Totals of a billing account's sources.",
        "compact",
        None,
        partitioned_by="billing account",
        internal=True,
    ),
)
"""Every topic of the product, in the order in which data flow."""

TOPIC_BY_NAME: Final = {topic.name: topic for topic in TOPICS}
