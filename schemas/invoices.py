"""Invoices, as they are issued once and for all.

Source: contract §6; billing.md §7.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from schemas.fields import Currency, Id, Instant, LocalDate, Published, PublishedVersion, SignedMoney

InvoiceKind = Literal["amendment", "cycle", "annual"]
LineKind = Literal["plan", "additional", "addon", "usage", "adjustment"]

_Count = Annotated[str, Field(pattern=r"^-?[0-9]+$", examples=["2"])]


class Period(Published):
    """Local dates, both inclusive."""

    from_: LocalDate = Field(alias="from", description="First day.")
    to: LocalDate = Field(description="Last day.")


class Proration(Published):
    """The part of a period that a line is for, as an exact fraction of months in lowest terms."""

    policy: Literal["actual-inclusive", "fixed-30-exclusive"] = Field(description="How days were counted.")
    numerator: int = Field(examples=[364])
    denominator: int = Field(examples=[31])


class InvoiceLine(Published):
    """One line. `amount` is rounded once; of fixed lines it is quantity × unit price × exact months."""

    name: str = Field(examples=["WhatsApp in Aircall"])
    kind: LineKind
    quantity: _Count = Field(description="Units; of usage and adjustments messages.")
    unit_price: str | None = Field(pattern=r"^[0-9]+(\.[0-9]+)?$", description="Per unit and month; null for usage.", examples=["15.00"])
    months: str | None = Field(
        pattern=r"^[0-9]+(\.[0-9]{2})?$", description="As printed, at most two decimals; null for usage.", examples=["11.74", "12"]
    )
    amount: SignedMoney = Field(examples=["140.90"])
    period: Period = Field(description="What the line is for.")
    proration: Proration | None = Field(description="Null exactly where `months` is a whole number, and for usage.")
    evidence: list[str] = Field(description="Ids of the commands that made the quantity; of usage and adjustments the totals' dates.")


class Section(Published):
    """Lines under one heading."""

    name: str = Field(examples=["Users and Numbers"])
    amount: SignedMoney = Field(description="Sum of its lines.")
    lines: list[InvoiceLine]


class Invoice(Published):
    """An issued invoice; it never changes. Σ lines = Σ sections = total."""

    model_config = ConfigDict(title="Invoice")

    v: PublishedVersion
    invoice_id: Id = Field(description="A function of account and number.")
    number: Id = Field(description="Running per account from 1, without gaps.", examples=["acme-000001"])
    kind: InvoiceKind
    account_id: Id = Field(description="The billing account; the record's key.")
    issued_at: Instant = Field(description="Time of the command that issued it.")
    currency: Currency
    period: Period
    sections: list[Section]
    total: SignedMoney
