"""Why a delivery has no price, and what would give it one."""

from __future__ import annotations

from rating.catalog import Catalog
from rating.explain.facts import Unpriced
from rating.explain.price import missing_rate
from rating.explain.weighing import Weighed
from rating.profiles import Known
from rating.records import Unrated
from rating.rulebooks import CATEGORIES, RULEBOOKS


def unpriced(why: Unrated, weighed: Weighed, known: Known | None, catalog: Catalog) -> Unpriced:
    """What the published reason means for this delivery."""
    lacks, mend = _ANSWERS[why.reason](why, weighed, known, catalog)
    return Unpriced(why.reason, lacks, mend)


_Answer = tuple[str, str]


def _unknown_account(why: Unrated, weighed: Weighed, known: Known | None, catalog: Catalog) -> _Answer:
    mend = f"publish the profile of account {why.account_id} with its time zone and currency; the message is then rated by itself"
    if known is None:
        return f"nobody has told the time zone and the currency of account {why.account_id}", mend
    first = known.profiles.versions[0].effective_from
    return f"the profile of account {why.account_id} begins on {first}, after the message was delivered", mend


def _no_rulebook(why: Unrated, weighed: Weighed, known: Known | None, catalog: Catalog) -> _Answer:
    return (
        f"it was delivered on {weighed.date}, before {RULEBOOKS[0].valid_from}, when conversations were billed and not messages",
        "none: such messages are not priced here",
    )


def _unknown_pricing(why: Unrated, weighed: Weighed, known: Known | None, catalog: Catalog) -> _Answer:
    return (
        f"Meta's decision is {weighed.case.pricing_type!r}, a word that this version does not know",
        "update to a version that knows it",
    )


def _no_category(why: Unrated, weighed: Weighed, known: Known | None, catalog: Catalog) -> _Answer:
    return (
        "no event has told whether it was marketing, utility, authentication or service",
        "publish its message.sent event with the category; the message is then rated by itself",
    )


def _unknown_category(why: Unrated, weighed: Weighed, known: Known | None, catalog: Catalog) -> _Answer:
    known_ones = ", ".join(sorted(CATEGORIES))
    return (
        f"its category is {why.category!r}, and known are {known_ones}",
        "correct the category in the publisher, or update to a version that knows it",
    )


def _no_market(why: Unrated, weighed: Weighed, known: Known | None, catalog: Catalog) -> _Answer:
    country = weighed.case.user_country
    lacks = "the recipient has no phone number, and no event tells the country"
    if country is not None:
        lacks = f"the recipient has no phone number, and the country {country} has no market on {weighed.date}"
    return lacks, "publish an event of the message with user_country, or add the country to markets.csv"


def _no_rate(why: Unrated, weighed: Weighed, known: Known | None, catalog: Catalog) -> _Answer:
    if weighed.version is None or weighed.date is None:
        return "a rate", "lay a card with the rate over the shipped ones (--catalog)"
    lacks = missing_rate(catalog, weighed.version.currency, why.market or "", why.category or "", weighed.date)
    return lacks, "lay a card that has the rate over the shipped ones (--catalog)"


_ANSWERS = {
    "unknown_account": _unknown_account,
    "no_rulebook": _no_rulebook,
    "unknown_pricing": _unknown_pricing,
    "no_category": _no_category,
    "unknown_category": _unknown_category,
    "no_market": _no_market,
    "no_rate": _no_rate,
}
