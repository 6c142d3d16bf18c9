"""The decision: what a delivery is, what it costs and why (contract §2, "Decision, first that applies")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from tests.oracle.final_set import LISTED, Delivery, DeliveryKey
from tests.oracle.free_entry_points import FreeEntryPoint, is_free_by_entry_point
from tests.oracle.instants import local_date, written
from tests.oracle.prices import Catalog, Match, amount_of
from tests.oracle.reading import Event
from tests.oracle.windows import Window, window_at

FIRST_RULEBOOK, SECOND_RULEBOOK = "2025-07-01", "2026-10-01"
META_SAYS = {
    "regular": "charged",
    "free_customer_service": "free",
    "free_entry_point": "free",
    "free_group_customer_service": "free",
}
TAKES_A_PLACE = (None, "free_customer_service", "free_group_customer_service")
CHARGED_ALWAYS = {"marketing": "marketing", "authentication": "authentication", "authentication_international": "authentication"}


class Verdict(NamedTuple):
    """Charged or free, and why."""

    outcome: str
    reason: str


@dataclass(frozen=True)
class Unrated:
    """A delivery that could not be priced. Category as the events say it; country and market as far as they were found."""

    key: DeliveryKey
    reason: str
    account_id: str
    billed_at: str
    category: str | None
    country: str | None
    market: str | None


@dataclass(frozen=True)
class Line:
    """What one delivery costs. The window is evidence, not decision: two lines that differ in it alone say the same."""

    key: DeliveryKey
    account_id: str
    billed_at: str
    date: str
    country: str | None
    market: str
    category: str
    outcome: str
    reason: str
    currency: str
    cost: Decimal
    amount: Decimal
    rulebook: str
    card: str | None
    tier: str | None
    meta: tuple[str, bool] | None
    """Meta's type, and whether our own verdict was the same."""
    bands: frozenset[tuple[Decimal, Decimal, str]] = frozenset()
    """Cost, amount and tier of every band of its rate, where it is counted for volume tiers."""


@dataclass(frozen=True)
class Facts:
    """All that the decision reads of one delivery that can be rated."""

    delivery: Delivery
    profile: Mapping[str, Any]
    date: str
    category: str
    match: Match
    in_free_entry_point: bool
    window: Window | None

    @property
    def rulebook(self) -> str:
        return FIRST_RULEBOOK if self.date < SECOND_RULEBOOK else SECOND_RULEBOOK

    @property
    def order(self) -> tuple[int, str, str]:
        """Its place among the others of the phone number."""
        return (self.delivery.billing_instant, self.delivery.key.message_id, self.delivery.key.participant)

    @property
    def allowance_counter(self) -> tuple[str, str]:
        """Business phone number and calendar month."""
        return (self.delivery.key.phone_number_id, self.date[:7])

    @property
    def takes_a_place(self) -> bool:
        """Counts towards the free service messages of its month."""
        return (
            self.rulebook == SECOND_RULEBOOK
            and self.category == "service"
            and not self.in_free_entry_point
            and not self.delivery.is_reaction
            and self.delivery.pricing_type in TAKES_A_PLACE
        )


def facts_of(
    delivery: Delivery,
    events: Sequence[Event],
    points: Sequence[FreeEntryPoint],
    profiles: Sequence[Mapping[str, Any]],
    catalog: Catalog,
    window_basis: str,
) -> Facts | Unrated:
    """What is known of a delivery, or the first reason why it can't be rated."""
    category = delivery.category

    def unrated(reason: str, match: Match | None = None) -> Unrated:
        where = (None, None) if match is None else (match.country, match.market)
        return Unrated(delivery.key, reason, delivery.source.account_id, written(delivery.billing_instant), category, *where)

    profile = profile_of(profiles, delivery)
    if profile is None:
        return unrated("unknown_account")
    date = local_date(delivery.billing_instant, profile["timezone"])
    if date < FIRST_RULEBOOK:
        return unrated("no_rulebook")
    match = catalog.match(delivery.recipient, delivery.user_country, date)
    if delivery.pricing_type is not None and delivery.pricing_type not in META_SAYS:
        return unrated("unknown_pricing", match)
    if category is None:
        return unrated("no_category", match)
    if category not in LISTED:
        return unrated("unknown_category", match)
    if match is None:
        return unrated("no_market")
    if category == "authentication" and _is_international(profile, match.country, date):
        category = "authentication_international"
    at = delivery.sent.time if window_basis == "sent" and delivery.sent else delivery.billing_instant
    window = window_at(events, delivery.key.phone_number_id, delivery.source.user, at)
    return Facts(delivery, profile, date, category, match, is_free_by_entry_point(points, delivery), window)


def profile_of(profiles: Sequence[Mapping[str, Any]], delivery: Delivery) -> Mapping[str, Any] | None:
    """The version of the account's profile that is in force on the delivery's local date."""
    in_force = [
        profile
        for profile in profiles
        if profile["account_id"] == delivery.source.account_id
        and (profile.get("effective_from") or "") <= local_date(delivery.billing_instant, profile["timezone"])
    ]
    return max(in_force, key=lambda profile: profile.get("effective_from") or "", default=None)


def _is_international(profile: Mapping[str, Any], country: str | None, date: str) -> bool:
    rule = profile.get("authentication_international") or {}
    starts = (rule.get("from") or {}).get(country)
    return country is not None and starts is not None and starts <= date and country != rule.get("business_country")


def own_verdict(facts: Facts, places_before: int, allowance: int) -> Verdict:
    """What the rules say without Meta's word."""
    if facts.in_free_entry_point:
        return Verdict("free", "free_entry_point")
    if facts.delivery.is_reaction:
        return Verdict("free", "reaction")
    if facts.category in CHARGED_ALWAYS:
        return Verdict("charged", CHARGED_ALWAYS[facts.category])
    if facts.category == "utility":
        if facts.window is None:
            return Verdict("charged", "outside_window")
        return Verdict("free" if facts.rulebook == FIRST_RULEBOOK else "charged", "in_window")
    if facts.rulebook == FIRST_RULEBOOK:
        return Verdict("free", "service")
    return Verdict("free", "allowance") if places_before < allowance else Verdict("charged", "allowance_used")


def line_of(facts: Facts, places_before: int, allowance: int, catalog: Catalog) -> Line | Unrated:
    """The rated line. Unrated `no_rate` when it is charged and no card has its price."""
    delivery, profile = facts.delivery, facts.profile
    own = own_verdict(facts, places_before, allowance)
    verdict, meta = own, None
    if delivery.pricing_type is not None:
        outcome = META_SAYS[delivery.pricing_type]
        meta = (delivery.pricing_type, outcome == own.outcome)
        verdict = own if outcome == own.outcome else Verdict(outcome, "meta_pricing")
    rate = catalog.price(profile["currency"], facts.match.market, facts.category, facts.date) if verdict.outcome == "charged" else None
    billed_at = written(delivery.billing_instant)
    if verdict.outcome == "charged" and rate is None:
        return Unrated(delivery.key, "no_rate", delivery.source.account_id, billed_at, facts.category, *facts.match)
    cost = rate.rate if rate else Decimal(0)
    return Line(
        key=delivery.key,
        account_id=delivery.source.account_id,
        billed_at=billed_at,
        date=facts.date,
        country=facts.match.country,
        market=facts.match.market,
        category=facts.category,
        outcome=verdict.outcome,
        reason=verdict.reason,
        currency=profile["currency"],
        cost=cost,
        amount=amount_of(cost, profile.get("fee")) if rate else Decimal(0),
        rulebook=facts.rulebook,
        card=rate.card if rate else None,
        tier=rate.tier if rate else None,
        meta=meta,
    )
