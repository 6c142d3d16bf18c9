"""Account profiles: the zone, currency and fee by which an account's messages are rated.

Source: contract §3.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Final
from zoneinfo import available_timezones

import msgspec
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from schemas.fields import COUNTRY, Country, Id, LocalDate, Version, Wire, invalid, local_date, number
from schemas.reading import read_record
from schemas.rejections import Rejection

DEFAULT_FEE_DECIMALS: Final = 4
PERCENT: Final = r"[0-9]{1,9}(\.[0-9]{1,9})?"
"""A plain decimal, at most nine digits on either side of the point: enough for any fee, and short enough for exact arithmetic."""

_is_percent = re.compile(PERCENT).fullmatch
_is_country = re.compile(COUNTRY).fullmatch
_is_currency = re.compile(r"[A-Z]{3}").fullmatch


_FROM_SCHEMA: Final = {
    "type": "object",
    "propertyNames": {"pattern": f"^{COUNTRY}$"},
    "additionalProperties": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
}


class Profile(msgspec.Struct, frozen=True):
    """One version of an account's profile, validated."""

    account_id: str
    timezone: str
    """IANA name; it exists in the time zone data of this machine."""
    currency: str
    """Three capitals. A currency without a card is no error here: its messages are unrated with `no_rate`."""
    name: str | None = None
    portfolio_id: str | None = None
    """None: the account is its own portfolio."""
    fee_percent: str | None = None
    """A plain non-negative decimal, as it came; None: no fee."""
    fee_decimals: int = DEFAULT_FEE_DECIMALS
    business_country: str | None = None
    """Where the business is at home, two capitals; None: not verified, so that every recipient is abroad."""
    international_from: tuple[tuple[str, str], ...] = ()
    """(recipient's country, first local date of authentication-international rates), by country."""
    effective_from: str | None = None
    """First local date of this version, `YYYY-MM-DD`; None: always."""


def decode_profile(raw: bytes) -> Profile | Rejection:
    """The profile of one record, or every problem it has. Nothing that anyone sends raises."""
    profile = read_record(raw, AccountProfile, "profile")
    if isinstance(profile, Rejection):
        return profile
    international = profile.authentication_international or AuthenticationInternational()
    return Profile(
        account_id=profile.account_id,
        timezone=profile.timezone,
        currency=profile.currency,
        name=profile.name,
        portfolio_id=profile.portfolio_id,
        fee_percent=None if profile.fee is None else profile.fee.percent,
        fee_decimals=DEFAULT_FEE_DECIMALS if profile.fee is None else profile.fee.decimals,
        business_country=international.business_country,
        international_from=tuple(sorted(international.from_.items())),
        effective_from=profile.effective_from,
    )


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise invalid("must be text")
    if value not in _zones():
        raise invalid("is no IANA time zone, such as Europe/Paris")
    return value


Zone = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "minLength": 1})]
"""An IANA time zone that exists in the time zone data of this machine."""


def _currency(value: object) -> str:
    if not isinstance(value, str) or _is_currency(value) is None:
        raise invalid("must be a currency as three capitals (ISO 4217), such as USD")
    return value


def _percent(value: object) -> str:
    if not isinstance(value, str) or _is_percent(value) is None:
        raise invalid('must be a decimal text of at least 0, such as "20" or "12.5", with at most 9 digits on either side of the point')
    return value


def _decimals(value: object) -> int:
    sentence = "must be a whole number from 0 to 9"
    decimals = number(value, sentence)
    if decimals not in range(10):
        raise invalid(sentence)
    return int(decimals)


def _international_from(value: object) -> dict[str, str]:
    sentence = 'must map countries, as two capitals, to calendar dates: {"IN": "2026-03-01"}'
    if not isinstance(value, dict):
        raise invalid(sentence)
    dates = {country: day for country, day in value.items() if day is not None}
    if not all(_is_country(country) for country in dates):
        raise invalid(sentence)
    return {country: local_date(day) for country, day in dates.items()}


class Fee(Wire):
    """What the platform adds to Meta's rate, per message."""

    percent: Annotated[str, BeforeValidator(_percent), WithJsonSchema({"type": "string", "pattern": f"^{PERCENT}$"})] = Field(
        description="Percent of Meta's rate, a decimal as text.", examples=["20"]
    )
    decimals: Annotated[int, BeforeValidator(_decimals), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 9})] = Field(
        DEFAULT_FEE_DECIMALS, description="Decimals of the currency to which the fee of one message is rounded, half up."
    )


class AuthenticationInternational(Wire):
    """Since when authentication messages to a country cost Meta's international rate."""

    business_country: Country | None = Field(
        None,
        description="Where the business is at home: recipients there are never charged the international rate.",
    )
    from_: Annotated[dict[str, str], BeforeValidator(_international_from), WithJsonSchema(_FROM_SCHEMA)] = Field(
        default_factory=dict,
        alias="from",
        description="Recipient's country → first local date of the international rate.",
        examples=[{"IN": "2026-03-01"}],
    )


class AccountProfile(Wire):
    """A version of an account's profile, keyed by `account_id` on the compacted topic `whatsapp.accounts`.

    Zone and currency can't change after the account's first delivery, the portfolio only from a month's first day.
    """

    model_config = ConfigDict(title="Account profile")

    v: Version = 1
    account_id: Id = Field(description="WhatsApp Business Account; the record's key.", examples=["102290129340398"])
    name: str | None = Field(None, description="For people.", examples=["Boulangerie Ltd"])
    timezone: Zone = Field(
        description="IANA time zone of the account: decides dates, months, rulebooks and cards.", examples=["Europe/Paris"]
    )
    currency: Annotated[str, BeforeValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})] = Field(
        description="ISO 4217, the currency in which Meta bills the account.", examples=["USD"]
    )
    portfolio_id: Id | None = Field(
        None,
        description="Business portfolio that shares volume tiers. Absent: the account alone.",
        examples=["p-1"],
    )
    fee: Fee | None = Field(None, description="The platform's fee. Absent: none.")
    authentication_international: AuthenticationInternational | None = Field(
        None,
        description="Absent: never the international rate by itself.",
    )
    effective_from: LocalDate | None = Field(None, description="First local date of this version. Absent: always.")
