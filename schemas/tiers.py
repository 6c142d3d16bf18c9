"""What METER and TIER tell each other: how many messages each total has, and how they divide among volume bands. Internal topics.

A record's key is the key of its total with two more fields, the portfolio and the hash of the band table: one total can count in two
portfolios, or at two tables, where a profile was published amid it.

Source: contract §1, §8.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from schemas.fields import Country, Currency, Id, LocalDate, Published, PublishedVersion
from schemas.rated import Category

Edges = Annotated[
    list[Annotated[int, Field(ge=1)]],
    Field(description="The last message of each band of its rate but the open one, in order.", examples=[[100_000, 1_000_000]]),
]


class Tally(Published):
    """What both records begin with: a total, and in what it is counted."""

    v: PublishedVersion
    account_id: Id
    phone_number_id: Id
    date: LocalDate = Field(description="In the account's zone.")
    country: Country | None
    market: str = Field(examples=["Rest of Africa"])
    category: Category
    outcome: Literal["charged"]
    currency: Currency
    portfolio_id: Id = Field(description="Whose volume it is part of.")
    family: Literal["utility", "authentication"] = Field(description="Authentication and its international variant are one.")
    month: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}$", description="Calendar month in the account's zone.", examples=["2026-10"])
    terms: str = Field(pattern=r"^[0-9a-f]{32}$", description="Stands for the band table with its prices.")


class CountsRecord(Tally):
    """How many charged messages a total has: absolute, told when it has changed."""

    model_config = ConfigDict(title="Count of a total")

    edges: Edges
    messages: int = Field(ge=0)


class BandsRecord(Tally):
    """How a total's messages divide. A tombstone, like no record at all, says: all of them lie in the first band."""

    model_config = ConfigDict(title="Bands of a total")

    revision: int = Field(ge=1, description="Of the counter's allocation.")
    edges: Edges
    below: list[Annotated[int, Field(ge=0)] | None] = Field(
        description="Edge by edge, how many of the total's messages come up to it: the first ones. null: all, however many they become.",
        examples=[[417, None]],
    )
