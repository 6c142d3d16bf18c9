"""Accounts, phone numbers, people and an instant worth being at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.streams_generator.people import GROUPS, HIDDEN, PHONES, Person

HOUR = 60 * 60 * 1000
DAY = 24 * HOUR

ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # moves its clocks by half an hour
    "America/Sao_Paulo",
    "Pacific/Auckland",
    "Pacific/Kiritimati",  # 14 hours ahead
    "UTC",
)
FEES = (
    None,
    None,
    {"percent": "20"},
    {"percent": "2.5"},
    {"percent": "15", "decimals": 3},
    {"percent": "0"},
    {"percent": "33.3333", "decimals": 9},
    {"percent": "50", "decimals": 0},
)
LOCAL_MIDNIGHTS = ((2026, 10, 1), (2025, 7, 1), (2026, 11, 1), (2026, 12, 1), (2026, 3, 1), (2026, 1, 1))
CLOCK_CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Europe, forward
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Europe, back
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York, forward
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # New York, back, on the first of a month
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),  # Lord Howe, forward by half an hour
)
QUIET_DAYS = (datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 10, 14, 12, tzinfo=UTC), datetime(2026, 6, 30, 18, tzinfo=UTC))


@dataclass
class World:
    """Everything a stream's events may name."""

    profiles: list[dict[str, Any]]
    """All versions; of one account the later ones first."""
    accounts: list[str]
    """Those of the events; one of them may have no profile."""
    phone_number_ids: list[str]
    people: list[Person]
    groups: list[str]
    anchor: int
    """Events lie within days of this instant, in milliseconds since 1970."""
    profiles_come_late: bool


def make_world(rng: Random, *, anchor: int | None = None) -> World:
    """A world of one or two accounts, one to three numbers and a handful of people."""
    zones = [rng.choice(ZONES) for _ in range(rng.choice((1, 1, 2)))]
    at = anchor if anchor is not None else _anchor(rng, zones[0])
    profiles: list[dict[str, Any]] = []
    portfolio_id = rng.choice((None, "portfolio-1", "portfolio-1"))
    for number, zone in enumerate(zones, start=1):
        profiles += _versions(rng, f"account-{number}", zone, at, portfolio_id)
    accounts = [f"account-{number}" for number, _ in enumerate(zones, start=1)]
    if rng.random() < 0.12:
        accounts.append("account-unknown")
    return World(
        profiles=profiles,
        accounts=accounts,
        phone_number_ids=[f"phone-{number}" for number in range(1, rng.choice((1, 1, 2, 3)) + 1)],
        people=_people(rng),
        groups=list(GROUPS[: rng.choice((1, 1, 2))]),
        anchor=at,
        profiles_come_late=rng.random() < 0.2,
    )


def _people(rng: Random) -> list[Person]:
    people = [rng.choice(PHONES), *rng.sample(PHONES, rng.choice((1, 2, 3)))]
    return people + [rng.choice(HIDDEN)] * (rng.random() < 0.4)


def _anchor(rng: Random, zone: str) -> int:
    kind = rng.random()
    if kind < 0.45:
        moment = datetime(*rng.choice(LOCAL_MIDNIGHTS), tzinfo=ZoneInfo(zone))
    elif kind < 0.65:
        moment = rng.choice(CLOCK_CHANGES)
    elif kind < 0.8:
        moment = datetime(2026, 10, 1, tzinfo=ZoneInfo(zone))
    else:
        moment = rng.choice(QUIET_DAYS)
    return int(moment.timestamp()) * 1000


def _versions(rng: Random, account_id: str, zone: str, at: int, portfolio_id: str | None) -> list[dict[str, Any]]:
    currency = rng.choice(("USD", "USD", "USD", "EUR", "INR"))

    def version(effective_from: str | None) -> dict[str, Any]:
        profile: dict[str, Any] = {"v": 1, "account_id": account_id, "timezone": zone, "currency": currency}
        fee = rng.choice(FEES)
        if fee:
            profile["fee"] = fee
        if rng.random() < 0.6:
            profile["authentication_international"] = _international(rng, at, zone)
        if effective_from:
            profile["effective_from"] = effective_from
        if effective_from and effective_from.endswith("-01") and rng.random() < 0.7:
            profile["portfolio_id"] = "portfolio-2"
        elif portfolio_id:
            profile["portfolio_id"] = portfolio_id
        return profile

    chance = rng.random()
    if chance < 0.7:
        return [version(None)]
    if chance < 0.85:
        return [version(_near_date(rng, at, zone, first_of_month=rng.random() < 0.5)), version(None)]
    return [version(_near_date(rng, at, zone))]


def _international(rng: Random, at: int, zone: str) -> dict[str, Any]:
    countries: Sequence[str] = rng.sample(("IN", "FR", "PL", "US", "GB"), rng.choice((1, 2)))
    rule: dict[str, Any] = {"from": {country: _near_date(rng, at, zone) for country in (*countries, "IN")}}
    if rng.random() < 0.7:
        rule["business_country"] = rng.choice(("FR", "IN", "DE"))
    return rule


def _near_date(rng: Random, at: int, zone: str, *, first_of_month: bool = False) -> str:
    day = datetime.fromtimestamp((at + rng.choice((-2, -1, 0, 0, 1)) * DAY) / 1000, ZoneInfo(zone))
    return f"{day:%Y-%m-01}" if first_of_month else f"{day:%Y-%m-%d}"
