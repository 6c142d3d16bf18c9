"""The decision: is a delivery charged, why, and what does it cost?

A pure function of facts. It runs in two halves, because one thing depends on other deliveries: `assess` finds everything that a
delivery's own facts decide, including whether it stands in the monthly allowance's order; `conclude` adds whether its place there is
free. Policy is in the rulebooks, prices are in the catalog: this module only asks them in the order of contract §2.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from rating.catalog import Catalog
from rating.ids import LocalDate
from rating.life import Case
from rating.localtime import local_date, month_of
from rating.money import ZERO, Nanos, fee_on
from rating.profiles import version_on
from rating.records import Charge, Place, Profiles, Unrated, Version, Window
from rating.rulebooks import CATEGORIES, CHARGED, FREE, IN_FREE_ENTRY_POINT, REACTION, Clause, Verdict, rulebook_on

META_OUTCOMES: Final = {
    "regular": CHARGED,
    "free_customer_service": FREE,
    "free_entry_point": FREE,
    "free_group_customer_service": FREE,
}
"""What Meta's `pricing.type` decides (contract §2). A type that is not here is `unknown_pricing`."""

_FREE_BUT_COUNTED: Final = frozenset({"free_customer_service", "free_group_customer_service"})
"""Meta's types whose service messages take a place in the allowance's order."""


class Surroundings(NamedTuple):
    """What lay around a delivery at its instant."""

    window: Window | None
    """The customer service window it lay in."""
    free_entry_point: bool
    """Whether a free entry point covers it, or it opened one."""


class Assessment(NamedTuple):
    """A delivery that can be decided, all but its place in the allowance."""

    case: Case
    version: Version
    date: LocalDate
    rulebook: str
    country: str | None
    market: str
    category: str
    window: Window | None
    own: Verdict
    """Our own verdict with a place left, without Meta's word."""
    own_beyond: Verdict | None
    """Our own verdict when no place is left; None where the allowance plays no part."""
    place: Place | None


class Waiting(NamedTuple):
    """No event has told the category yet: the `sent` may still come."""


def assess(
    case: Case, profiles: Profiles | None, surroundings: Surroundings, catalog: Catalog, *, wait_is_over: bool
) -> Assessment | Unrated | Waiting:
    """Everything that a delivery's own facts decide. Unrated reasons come in the contract's order of precedence."""
    if profiles is None:
        return _unrated("unknown_account", case)
    date = local_date(case.billed_at_ms, profiles.versions[0].timezone)
    version = version_on(profiles, date)
    if version is None:
        return _unrated("unknown_account", case)
    rulebook = rulebook_on(date)
    if rulebook is None:
        return _unrated("no_rulebook", case)
    match = _market_of(case, catalog, date)
    if case.pricing_type is not None and case.pricing_type not in META_OUTCOMES:
        return _unrated("unknown_pricing", case, match)
    if case.category is None:
        return _unrated("no_category", case, match) if wait_is_over else Waiting()
    if case.category not in CATEGORIES:
        return _unrated("unknown_category", case, match)
    if match is None:
        return _unrated("no_market", case)
    country, market = match
    category = _international(case.category, country, version, date)
    clause = rulebook.clauses[category]
    own, own_beyond = _own_verdict(case, clause, surroundings)
    place = None if own_beyond is None else Place(month_of(date), case.billed_at_ms, _takes_place(case.pricing_type))
    return Assessment(case, version, date, rulebook.id, country, market, category, surroundings.window, own, own_beyond, place)


def conclude(assessment: Assessment, catalog: Catalog, *, place_is_free: bool) -> Charge | Unrated:
    """The figures of the line, once it is known whether the delivery's place in the allowance is free."""
    case, version = assessment.case, assessment.version
    own = assessment.own if place_is_free or assessment.own_beyond is None else assessment.own_beyond
    outcome = own.outcome if case.pricing_type is None else META_OUTCOMES[case.pricing_type]
    agrees = outcome == own.outcome
    cost, amount, card, tier = ZERO, ZERO, None, None
    if outcome == CHARGED:
        rate = catalog.charge_rate(version.currency, assessment.market, assessment.category, assessment.date)
        if rate is None:
            return Unrated("no_rate", case.account_id, case.billed_at_ms, assessment.category, assessment.country, assessment.market)
        cost, card, tier = Nanos(rate.rate_nanos), rate.card, rate.tier
        amount = cost if version.fee_percent is None else Nanos(cost + fee_on(cost, version.fee_percent, version.fee_decimals))
    return Charge(
        account_id=case.account_id,
        billed_at_ms=case.billed_at_ms,
        date=assessment.date,
        country=assessment.country,
        market=assessment.market,
        category=assessment.category,
        outcome=outcome,
        reason=own.reason if agrees else "meta_pricing",
        currency=version.currency,
        cost_nanos=cost,
        amount_nanos=amount,
        rulebook=assessment.rulebook,
        card=card,
        tier=tier,
        meta_type=case.pricing_type,
        meta_agrees=None if case.pricing_type is None else agrees,
        window=assessment.window,
    )


def _own_verdict(case: Case, clause: Clause, surroundings: Surroundings) -> tuple[Verdict, Verdict | None]:
    if surroundings.free_entry_point:
        return IN_FREE_ENTRY_POINT, None
    if case.is_reaction:
        return REACTION, None
    return clause.inside if surroundings.window is not None else clause.outside, clause.beyond_allowance


def _takes_place(pricing_type: str | None) -> bool:
    return pricing_type is None or pricing_type in _FREE_BUT_COUNTED


def _market_of(case: Case, catalog: Catalog, date: LocalDate) -> tuple[str | None, str] | None:
    if case.recipient.startswith("+"):
        return catalog.market_of_phone(case.recipient[1:], date)
    country = case.user_country or _country_in_id(case.recipient)
    return None if country is None else catalog.market_of_country(country, date)


def _country_in_id(recipient: str) -> str | None:
    """The `CC` of a business-scoped id `CC.…`."""
    country, dot, _ = recipient.partition(".")
    return country if dot and len(country) == 2 else None


def _international(category: str, country: str | None, version: Version, date: LocalDate) -> str:
    """Authentication sent abroad has a rate of its own, from the day Meta names for the country (contract §2, decision 6)."""
    if category != "authentication" or country is None or country == version.business_country:
        return category
    since = version.international_from.get(country)
    return "authentication_international" if since is not None and since <= date else category


def _unrated(reason: str, case: Case, match: tuple[str | None, str] | None = None) -> Unrated:
    country, market = match or (None, None)
    return Unrated(reason, case.account_id, case.billed_at_ms, case.category, country, market)
