"""Plans, add-ons and prices: data that an operator writes.

Source: billing.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from rating.billing.calendar import CycleKind
from rating.billing.proration import Policy

PriceKey = tuple[str, str]
"""Term (`monthly`, `annual`) and currency."""

FREE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Prices:
    """What one unit costs per month (with `30-days`: per cycle). Without any table it is included, at 0."""

    general: Mapping[PriceKey, Decimal] | None = None
    """None: no table. An empty one is a table without prices."""
    by_country: Mapping[str, Mapping[PriceKey, Decimal]] = field(default_factory=dict)

    def price(self, term: str, currency: str, country: str) -> Decimal | None:
        """The price for a term, a currency and the country of registration; None where it is needed and missing.

        The country's own price comes first, for each term and currency by itself.
        """
        if self.general is None and not self.by_country:
            return FREE
        key = (term, currency)
        of_the_country = self.by_country.get(country, {}).get(key)
        return of_the_country if of_the_country is not None else (self.general or {}).get(key)


@dataclass(frozen=True, slots=True)
class Item:
    """Something with a name and a price."""

    name: str
    prices: Prices = Prices()


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan of the file."""

    key: str
    name: str
    section: str
    cycle: CycleKind
    proration: Policy
    additional_units: Literal["immediate", "cycle"]
    additional_user_includes_addons: bool
    base: Prices | None
    """None: no flat price, and no line for one."""
    minimum: tuple[Item, Item]
    """Users, numbers: what the contract pays for in any case."""
    additional: tuple[Item, Item]
    """Users, numbers beyond it."""
    addons: frozenset[str]
    includes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Addon:
    """One add-on of the file."""

    key: str
    place: int
    """In the file's order, from 0."""
    name: str
    section: str | None
    """None: that of the plan it is bought with."""
    seats: Literal["provisioned", "account", "plain"]
    commitment: Literal["plan", "cycle"]
    prices: Prices
    consumption: bool
    trial_days: int
    quote: bool


@dataclass(frozen=True, slots=True)
class Plans:
    """A whole plans file."""

    plans: Mapping[str, Plan]
    addons: Mapping[str, Addon]
    """In the file's order."""
    grace_days: int = 0
    """How many days after a boundary its invoices are due."""
    admin_may_request_quote: bool = False
    fingerprint: str = ""
    """Hash of the file's text: where it is equal, the same commands give the same invoices."""


class PlanInUseError(Exception):
    """The plans file lacks what an account has; the message says what, and the mend."""

    is_sentence = True


class PlansProblemsError(Exception):
    """Everything that is wrong with a plans file, one sentence each: where, what, and how to mend it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
