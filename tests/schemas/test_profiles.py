"""An account profile is read whole, or every one of its problems is named."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.profiles import Profile, decode_profile
from schemas.rejections import Rejection
from tests.schemas.records import raw


def profile(**fields: Any) -> dict[str, Any]:
    record = {"v": 1, "account_id": "102290129340398", "timezone": "Europe/Paris", "currency": "USD"} | fields
    return {name: value for name, value in record.items() if value is not None}


def rejected(record: Any) -> Rejection:
    result = decode_profile(raw(record))
    assert isinstance(result, Rejection), result
    return result


def test_a_profile_needs_account_zone_and_currency_alone() -> None:
    assert decode_profile(raw(profile())) == Profile(account_id="102290129340398", timezone="Europe/Paris", currency="USD")


def test_a_profile_has_every_value_of_its_record() -> None:
    record = profile(
        name="Boulangerie Ltd",
        portfolio_id="p-1",
        fee={"percent": "20", "decimals": 3},
        authentication_international={"business_country": "FR", "from": {"IN": "2026-03-01", "EG": "2026-02-01"}},
        effective_from="2026-04-01",
    )
    assert decode_profile(raw(record)) == Profile(
        account_id="102290129340398",
        timezone="Europe/Paris",
        currency="USD",
        name="Boulangerie Ltd",
        portfolio_id="p-1",
        fee_percent="20",
        fee_decimals=3,
        business_country="FR",
        international_from=(("EG", "2026-02-01"), ("IN", "2026-03-01")),
        effective_from="2026-04-01",
    )


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"timezone": "UTC"}, id="UTC"),
        pytest.param({"timezone": "America/Argentina/ComodRivadavia"}, id="a zone of three parts"),
        pytest.param({"currency": "XTS"}, id="a currency without a card"),
        pytest.param({"fee": {"percent": "0"}}, id="no percent"),
        pytest.param({"fee": {"percent": "12.345678901"}}, id="nine decimals"),
        pytest.param({"fee": {"percent": "20", "decimals": 0}}, id="whole units"),
        pytest.param({"fee": {"percent": "20", "decimals": 9}}, id="nine decimals of the fee"),
        pytest.param({"fee": {"percent": "20", "decimals": 4.0}}, id="decimals that equal a whole number"),
        pytest.param({"authentication_international": {}}, id="nothing about international rates"),
        pytest.param({"authentication_international": {"from": {"IN": None}}}, id="a country that is null"),
        pytest.param({"authentication_international": {"from": {"IN": "2026-03-01"}}}, id="a business at home nowhere"),
        pytest.param({"effective_from": "2024-02-29"}, id="from a leap day"),
        pytest.param({"something": "new"}, id="a field that nobody knows"),
    ],
)
def test_a_lawful_profile_is_accepted(fields: dict[str, Any]) -> None:
    assert isinstance(decode_profile(raw(profile(**fields))), Profile)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"account_id": ""}, "account_id", id="no account"),
        pytest.param({"account_id": 5}, "account_id", id="an account as a number"),
        pytest.param({"timezone": None}, "timezone", id="no zone"),
        pytest.param({"timezone": "Europe/Pariss"}, "timezone", id="a zone that does not exist"),
        pytest.param({"timezone": "europe/paris"}, "timezone", id="a zone in small letters"),
        pytest.param({"timezone": "../../etc/passwd"}, "timezone", id="a path for a zone"),
        pytest.param({"timezone": "+01:00"}, "timezone", id="an offset for a zone"),
        pytest.param({"currency": None}, "currency", id="no currency"),
        pytest.param({"currency": "usd"}, "currency", id="a currency in small letters"),
        pytest.param({"currency": "US"}, "currency", id="a currency of two letters"),
        pytest.param({"name": 5}, "name", id="a name as a number"),
        pytest.param({"portfolio_id": ""}, "portfolio_id", id="an empty portfolio"),
        pytest.param({"fee": "20"}, "fee", id="a fee as text"),
        pytest.param({"fee": {}}, "fee.percent", id="a fee without percent"),
        pytest.param({"fee": {"percent": 20}}, "fee.percent", id="a percent as a number"),
        pytest.param({"fee": {"percent": "-1"}}, "fee.percent", id="a negative percent"),
        pytest.param({"fee": {"percent": "20%"}}, "fee.percent", id="a percent with its sign"),
        pytest.param({"fee": {"percent": "1e2"}}, "fee.percent", id="a percent with an exponent"),
        pytest.param({"fee": {"percent": "٢٠"}}, "fee.percent", id="Arabic digits"),
        pytest.param({"fee": {"percent": "1" * 5000}}, "fee.percent", id="a percent of 5,000 digits"),
        pytest.param({"fee": {"percent": "20", "decimals": 10}}, "fee.decimals", id="ten decimals"),
        pytest.param({"fee": {"percent": "20", "decimals": -1}}, "fee.decimals", id="negative decimals"),
        pytest.param({"fee": {"percent": "20", "decimals": "4"}}, "fee.decimals", id="decimals as text"),
        pytest.param({"fee": {"percent": "20", "decimals": True}}, "fee.decimals", id="decimals that are true"),
        pytest.param({"fee": {"percent": "20", "decimals": 2.5}}, "fee.decimals", id="a half decimal"),
        pytest.param({"effective_from": "2026-02-29"}, "effective_from", id="29 February of a common year"),
        pytest.param({"effective_from": "2026-1-1"}, "effective_from", id="a date without zeros"),
        pytest.param({"effective_from": "2026-01-05T00:00:00Z"}, "effective_from", id="an instant for a date"),
        pytest.param({"effective_from": 20260105}, "effective_from", id="a date as a number"),
    ],
)
def test_a_wrong_field_is_rejected_and_named(fields: dict[str, Any], field: str) -> None:
    rejection = rejected(profile(**fields))
    assert rejection.reason == "invalid_field"
    assert rejection.detail.startswith(f"{field}: ")
    assert "; " not in rejection.detail


@pytest.mark.parametrize(
    "international",
    [
        pytest.param({"business_country": "fr"}, id="home in small letters"),
        pytest.param({"business_country": 5}, id="home as a number"),
        pytest.param({"from": ["IN"]}, id="a list of countries"),
        pytest.param({"from": {"in": "2026-03-01"}}, id="a country in small letters"),
        pytest.param({"from": {"IN": "2026-02-30"}}, id="a date that does not exist"),
        pytest.param({"from": {"IN": True}}, id="a date that is true"),
        pytest.param("FR", id="a country for the whole"),
    ],
)
def test_wrong_international_terms_are_rejected(international: Any) -> None:
    rejection = rejected(profile(authentication_international=international))
    assert rejection.reason == "invalid_field"
    assert rejection.detail.startswith("authentication_international")


def test_every_problem_is_named_at_once() -> None:
    broken = profile(account_id=None, timezone="Mars", currency="usd", fee={"percent": 20, "decimals": 10}, effective_from="soon")
    fields = [problem.partition(":")[0] for problem in rejected(broken).detail.split("; ")]
    assert fields == ["account_id", "timezone", "currency", "fee.percent", "fee.decimals", "effective_from"]


def test_another_version_and_another_kind_of_value_are_rejected() -> None:
    assert rejected(profile(v=2)).reason == "unsupported_version"
    assert rejected([profile()]).reason == "invalid_field"
