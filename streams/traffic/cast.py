"""Who appears in the traffic: accounts with their profiles, business phone numbers, and the people and groups that they talk to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from streams.traffic import scenes

PROFILES: Final[tuple[dict[str, Any], ...]] = (
    {
        "v": 1,
        "account_id": "102290129340398",
        "name": "Boulangerie Martin",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "portfolio_id": "p-martin",
        "fee": {"percent": "20", "decimals": 4},
    },
    {
        "v": 1,
        "account_id": "118830204417752",
        "name": "Nordlicht Reisen",
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "fee": {"percent": "12.5", "decimals": 6},
    },
    {
        "v": 1,
        "account_id": "118830204417752",
        "name": "Nordlicht Reisen",
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "fee": {"percent": "10", "decimals": 6},
        "effective_from": "2026-10-01",
    },
    {
        "v": 1,
        "account_id": "130077412093345",
        "name": "Kirana Foods",
        "timezone": "Asia/Kolkata",
        "currency": "INR",
        "authentication_international": {"business_country": "SG", "from": {"IN": "2026-10-10"}},
    },
    {
        "v": 1,
        "account_id": "141502963380021",
        "name": "Ponto Certo",
        "timezone": "America/Sao_Paulo",
        "currency": "USD",
        "fee": {"percent": "20"},
    },
    {"v": 1, "account_id": "155913047720856", "name": "Lakeside Clinics", "timezone": "America/New_York", "currency": "USD"},
)

NO_PROFILE: Final = "169000000000001"
"""An account whose profile nobody has published yet."""


@dataclass(slots=True, frozen=True)
class User:
    """The other end of a conversation."""

    name: str
    more: str = ""
    """JSON of the fields that come with it: the country of a user whose phone number is hidden."""
    members: tuple[str, ...] = ()
    """Of a group."""


@dataclass(slots=True, frozen=True)
class Desk:
    """One business phone number at work."""

    key: bytes
    sender: str
    users: list[User]
    groups: list[User]
    plays: tuple[Callable[[scenes.Stage, Desk, int], None], ...]
    """Its scenes, each as often as it is likely."""
    tells_pricing: bool
    """Whether the platform hands Meta's `pricing` on."""


_COUNTRIES: Final = {
    # prefix of a mobile number, digits that follow, ISO code
    "FR": ("+336", 8),
    "ES": ("+346", 8),
    "IT": ("+393", 9),
    "DE": ("+4915", 9),
    "GB": ("+447", 9),
    "NL": ("+316", 8),
    "IN": ("+919", 9),
    "AE": ("+9715", 8),
    "ID": ("+628", 9),
    "BR": ("+55119", 8),
    "MX": ("+52155", 8),
    "AR": ("+54911", 8),
    "CO": ("+573", 9),
    "US": ("+1212", 7),
    "CA": ("+1416", 7),
    "JM": ("+1876", 7),
    "ZA": ("+277", 8),
    "NG": ("+23480", 8),
    "KE": ("+2547", 8),
    "BE": ("+324", 8),
    "CH": ("+417", 8),
}

_SUPPORT: Final = (scenes.support,) * 6 + (scenes.order,) * 2 + (scenes.reaction,) + (scenes.campaign,)
_SHOP: Final = (scenes.campaign,) * 3 + (scenes.order,) * 3 + (scenes.support,) * 2 + (scenes.advertised,) + (scenes.in_group,)
_LOGIN: Final = (scenes.one_time_code,) * 5 + (scenes.order,) * 2 + (scenes.support,)

_DESKS: Final[tuple[tuple[int, str, str, tuple[Any, ...], bool, str], ...]] = (
    # share of the scenes, account, phone number, scenes, whether Meta's pricing is told, countries (repeated: more frequent)
    (300, "102290129340398", "106540352242922", _SUPPORT, False, "FR FR FR BE ES GB CH"),
    (160, "102290129340398", "106540352242001", _SHOP, False, "FR FR BE IT NL"),
    (130, "141502963380021", "109871120034003", _SHOP, True, "BR BR BR MX AR CO"),
    (110, "130077412093345", "112233907410002", _LOGIN, True, "IN IN IN IN AE ID"),
    (90, "118830204417752", "115550123987019", _SHOP, False, "DE DE NL CH IT ES"),
    (80, "155913047720856", "117400651120051", _SUPPORT, True, "US US CA JM MX"),
    (70, "118830204417752", "119002347715076", _LOGIN, False, "DE GB FR"),
    (57, "141502963380021", "120918273645009", _LOGIN, False, "BR ZA NG KE"),
    (3, NO_PROFILE, "121000000000034", _LOGIN, False, "FR"),
)


def seating(rng: Random, users_per_desk: int) -> list[Desk]:
    """A list to draw from at random: every business phone number, each as often as it is busy."""
    seats: list[Desk] = []
    for share, account_id, phone_number_id, plays, tells_pricing, countries in _DESKS:
        desk = _desk(rng, users_per_desk, account_id, phone_number_id, plays, tells_pricing, countries)
        seats += [desk] * share
    return seats


def _desk(
    rng: Random, users: int, account_id: str, phone_number_id: str, plays: tuple[Any, ...], tells_pricing: bool, countries: str
) -> Desk:
    codes = countries.split()
    return Desk(
        key=phone_number_id.encode(),
        sender=f'"account_id":"{account_id}","phone_number_id":"{phone_number_id}"',
        users=[_user(rng, rng.choice(codes)) for _ in range(users)],
        groups=[_group(rng, codes) for _ in range(max(2, users // 50))],
        plays=plays,
        tells_pricing=tells_pricing,
    )


def _user(rng: Random, country: str) -> User:
    """A person: known by phone, or, one in fifty, by a business-scoped id only."""
    if rng.random() < 0.02:
        return User(f"{country}.{rng.getrandbits(64)}", f',"user_country":"{country}"' if rng.random() < 0.5 else "")
    return User(_phone(rng, country))


def _group(rng: Random, countries: list[str]) -> User:
    members = tuple(_phone(rng, rng.choice(countries)) for _ in range(rng.randint(2, 6)))
    return User(f"group:{rng.getrandbits(60):x}", members=members)


def _phone(rng: Random, country: str) -> str:
    prefix, digits = _COUNTRIES[country]
    return f"{prefix}{rng.randrange(10**digits):0{digits}d}"
