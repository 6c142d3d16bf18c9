"""Account profiles: which zone, currency and fee rate a delivery, by its local date.

Several dated versions of an account stand side by side; a delivery takes the one of its date. What was known when it was first rated stays
known for its corrections, so a profile that changes later never changes what was published.

Source: contract §3.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rating.ids import LocalDate, digest
from rating.records import Profiles, Version, decode_profiles, encode
from schemas.profiles import Profile


class Known(NamedTuple):
    """An account's profiles and the name of this set of versions."""

    profiles: Profiles
    name: bytes


class ProfileRefusedError(ValueError):
    """A version that contradicts what is known of its account: one sentence."""

    def __init__(self, sentence: str, *, is_known_everywhere: bool) -> None:
        super().__init__(sentence)
        self.is_known_everywhere = is_known_everywhere
        """Whether every partition sees the contradiction, or only those where a delivery of the account was rated."""


def version_of(profile: Profile) -> Version:
    """The part of a profile that rating needs."""
    return Version(
        effective_from=profile.effective_from or "",
        timezone=profile.timezone,
        currency=profile.currency,
        portfolio_id=profile.portfolio_id or profile.account_id,
        fee_percent=profile.fee_percent,
        fee_decimals=profile.fee_decimals,
        business_country=profile.business_country,
        international_from=dict(profile.international_from),
    )


def with_version(known: Profiles | None, account_id: str, version: Version) -> Profiles:
    """The account's versions with one more, or one replaced that starts on the same date.

    Raises `ProfileRefusedError` when
    the zone or the currency of an account with rated deliveries would change, or a portfolio within a month.
    Before the first delivery a version with another zone or currency starts the account anew.
    """
    if known is None:
        return Profiles(account_id, (version,))
    same_frame = all((other.timezone, other.currency) == (version.timezone, version.currency) for other in known.versions)
    if not same_frame:
        if known.in_use:
            sentence = "time zone and currency can't change after the account's first rated delivery; use a new account_id"
            raise ProfileRefusedError(sentence, is_known_everywhere=False)
        return Profiles(account_id, (version,))
    others = [other for other in known.versions if other.effective_from != version.effective_from]
    versions = tuple(sorted([*others, version], key=lambda each: each.effective_from))
    for before, after in pairwise(versions):
        if before.portfolio_id != after.portfolio_id and not after.effective_from.endswith("-01"):
            sentence = f"portfolio_id changes on {after.effective_from}; let the version start on a month's first day"
            raise ProfileRefusedError(sentence, is_known_everywhere=True)
    return Profiles(account_id, versions, in_use=known.in_use)


def version_on(profiles: Profiles, date: LocalDate) -> Version | None:
    """The version in force on a local date: the latest that starts on or before it; None before the first."""
    for version in reversed(profiles.versions):
        if version.effective_from <= date:
            return version
    return None


@lru_cache(maxsize=16_384)
def known_by(encoded: bytes) -> Known:
    """The profiles in a state record."""
    profiles = decode_profiles(encoded)
    return Known(profiles, identity(profiles))


def identity(profiles: Profiles) -> bytes:
    """16 bytes that name this set of versions: what a delivery keeps for its corrections."""
    return digest(profiles.account_id, encode(profiles.versions).hex())
