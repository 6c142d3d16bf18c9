"""The decision: is a delivery charged, why, and what does it cost?

Pure functions of facts, in two halves. `circumstances_of` finds what the decision depends on: few facts, which many deliveries share.
`ruling_on` decides for such circumstances, in the order of contract §2. Policy is in the rulebooks, prices are in the catalog: this module
only asks them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from rating.catalog import Catalog, family_of
from rating.ids import LocalDate
from rating.life import Case
from rating.localtime import local_date, month_of
from rating.money import ZERO, Nanos, fee_on
from rating.profiles import Known, version_on
from rating.records import Band, Figures, Terms, Unrated, Version
from rating.rulebooks import CATEGORIES, CHARGED, FREE, IN_FREE_ENTRY_POINT, REACTION, Clause, Rulebook, Verdict, rulebook_on

META_OUTCOMES: Final = {
    "regular": CHARGED,
    "free_customer_service": FREE,
    "free_entry_point": FREE,
    "free_group_customer_service": FREE,
}
"""What Meta's `pricing.type` decides (contract §2). A type that is not here is `unknown_pricing`."""

CATALOG_SHOWN: Final = 12
"""As much of a catalog's hash stands on lines: enough to tell catalogs apart."""

_FREE_BUT_COUNTED: Final = frozenset({"free_customer_service", "free_group_customer_service"})
"""Meta's types whose service messages take a place in the allowance's order."""


class Circumstances(NamedTuple):
    """Everything that the verdict on a delivery and its price depend on, but its place in the allowance. Hashable."""

    phone_number_id: str
    profiles: bytes
    """Name of the account's set of profiles."""
    date: LocalDate
    country: str | None
    market: str
    category: str
    """As the events give it."""
    pricing_type: str | None
    is_reaction: bool
    in_window: bool
    in_free_entry_point: bool
    """Whether a free entry point covers it, or it opened one."""


class Ruling(NamedTuple):
    """What deliveries of the same circumstances come to. A text instead of figures is why there are none: `no_rate`."""

    category: str
    """After the profile's word on authentication abroad."""
    in_allowance: Figures | str
    """What is due where the allowance plays no part, or has a place left."""
    beyond_allowance: Figures | str | None
    """What is due when no place is left; None where the allowance plays no part."""
    takes_place: bool
    """Whether such a delivery uses one of the free messages up, or is only measured against them."""


class Waiting(NamedTuple):
    """No event has told the category yet: the `sent` may still come."""


def dated(case: Case, known: Known | None) -> tuple[LocalDate, Version] | None:
    """The local date of a billing instant, and the profile's version in force on it; None for an account nobody knows on that day."""
    if known is None:
        return None
    date = local_date(case.billed_at_ms, known.profiles.versions[0].timezone)
    version = version_on(known.profiles, date)
    return None if version is None else (date, version)


def circumstances_of(
    case: Case,
    phone_number_id: str,
    profiles: bytes,
    date: LocalDate,
    catalog: Catalog,
    *,
    in_window: bool,
    in_free_entry_point: bool,
    always: Rulebook | None = None,
) -> Circumstances | str:
    """What a dated delivery is decided by, or why it cannot be priced, in the contract's order of precedence.

    The reason `no_category` is final only when the wait for the category is over.
    """
    if always is None and rulebook_on(date) is None:
        return "no_rulebook"
    if case.pricing_type is not None and case.pricing_type not in META_OUTCOMES:
        return "unknown_pricing"
    if case.category is None:
        return "no_category"
    if case.category not in CATEGORIES:
        return "unknown_category"
    match = market_of(case, catalog, date)
    if match is None:
        return "no_market"
    return Circumstances(
        phone_number_id,
        profiles,
        date,
        match[0],
        match[1],
        case.category,
        case.pricing_type,
        case.is_reaction,
        in_window,
        in_free_entry_point,
    )


def ruling_on(given: Circumstances, account_id: str, version: Version, catalog: Catalog, always: Rulebook | None = None) -> Ruling:
    """Decides. A function of its arguments alone, and those are equal for many deliveries: whoever remembers rulings saves them."""
    rulebook = always or rulebook_on(given.date)
    if rulebook is None:
        raise AssertionError("circumstances on a date without a rulebook")
    category = _international(given.category, given.country, version, given.date)
    own, own_beyond = _own_verdict(given, rulebook.clauses[category])

    def due(verdict: Verdict) -> Figures | str:
        return _figures(given, account_id, version, catalog, category, rulebook.id, verdict)

    return Ruling(category, due(own), None if own_beyond is None else due(own_beyond), _takes_place(given.pricing_type))


def unrated(reason: str, case: Case, *, category: str | None, country: str | None = None, market: str | None = None) -> Unrated:
    """A delivery without a price, as it is published."""
    return Unrated(reason, case.account_id, case.billed_at_ms, category, country, market)


def _figures(
    given: Circumstances, account_id: str, version: Version, catalog: Catalog, category: str, rulebook: str, own: Verdict
) -> Figures | str:
    outcome = own.outcome if given.pricing_type is None else META_OUTCOMES[given.pricing_type]
    agrees = outcome == own.outcome
    cost, amount, card, tier, terms = ZERO, ZERO, None, None, None
    if outcome == CHARGED:
        rate = catalog.charge_rate(version.currency, given.market, category, given.date)
        if rate is None:
            return "no_rate"
        cost, card, tier = Nanos(rate.rate_nanos), rate.card, rate.tier
        amount = _amount(cost, version)
        terms = _terms(given, version, catalog, category)
    return Figures(
        account_id=account_id,
        phone_number_id=given.phone_number_id,
        date=given.date,
        country=given.country,
        market=given.market,
        category=category,
        outcome=outcome,
        reason=own.reason if agrees else "meta_pricing",
        currency=version.currency,
        cost_nanos=cost,
        amount_nanos=amount,
        rulebook=rulebook,
        card=card,
        tier=tier,
        meta_type=given.pricing_type,
        meta_agrees=None if given.pricing_type is None else agrees,
        profiles=given.profiles,
        terms=terms,
        catalog=catalog.content_hash[:CATALOG_SHOWN],
        known_at=catalog.known_at,
    )


def _terms(given: Circumstances, version: Version, catalog: Catalog, category: str) -> Terms | None:
    """The bands among which a charged message is counted; None where nobody counts. A service message moves no tier (contract §2, 5)."""
    if not catalog.has_tiers(given.market, family_of(category), month_of(given.date)):
        return None
    bands = catalog.bands(version.currency, given.market, category, given.date)
    return Terms(
        version.portfolio_id,
        tuple(Band(each.tier, each.tier_to, each.rate_nanos, _amount(Nanos(each.rate_nanos), version)) for each in bands),
    )


def _amount(cost: Nanos, version: Version) -> Nanos:
    """What the account pays for a message: Meta's rate and the fee on it."""
    return cost if version.fee_percent is None else Nanos(cost + fee_on(cost, version.fee_percent, version.fee_decimals))


def _own_verdict(given: Circumstances, clause: Clause) -> tuple[Verdict, Verdict | None]:
    """Our own verdict, without Meta's word: with a place left, and when none is left, where the allowance plays a part."""
    if given.in_free_entry_point:
        return IN_FREE_ENTRY_POINT, None
    if given.is_reaction:
        return REACTION, None
    return clause.inside if given.in_window else clause.outside, clause.beyond_allowance


def _takes_place(pricing_type: str | None) -> bool:
    return pricing_type is None or pricing_type in _FREE_BUT_COUNTED


def market_of(case: Case, catalog: Catalog, date: LocalDate) -> tuple[str | None, str] | None:
    """Country and market of a dated delivery's recipient; None where no row of the market table is for it."""
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
