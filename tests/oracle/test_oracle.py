"""The oracle against figures worked out by hand: who judges the judge."""

from __future__ import annotations

import ast
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import Result, rate_all
from tests.oracle.final_set import normalised
from tests.oracle.instants import instant_ms, local_date, written
from tests.oracle.prices import amount_of
from tests.streams_generator.catalog import CATALOG

PROFILE = {"account_id": "a", "timezone": "UTC", "currency": "USD"}
FRANCE = "+33612345678"


def event(type_: str, message: str, time: str, **fields: Any) -> bytes:
    common = {"id": f"{type_} {message}", "account_id": "a", "phone_number_id": "p", "user": FRANCE, "message_id": message}
    return json.dumps({"type": f"message.{type_}", **common, "time": time, **fields}).encode()


def service(message: str, time: str, **fields: Any) -> list[bytes]:
    return [event("sent", message, time, category="service"), event("delivered", message, time, **fields)]


def reasons(result: Result) -> dict[str, str]:
    return {key.message_id: line.reason for key, line in result.lines.items()}


def test_nothing_of_the_product_is_imported() -> None:
    for path in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in modules if name.partition(".")[0] in ("rating", "schemas", "streams")], path.name


def test_the_allowance_goes_by_event_time_and_metas_regular_takes_no_place() -> None:
    events = [
        *service("late", "2026-10-05T12:00:00Z"),
        *service("first", "2026-10-01T00:00:00Z"),
        *service("second", "2026-10-02T00:00:00Z"),
        *service("september", "2026-09-30T23:59:59.999Z"),
        *service("regular early", "2026-10-01T12:00:00Z", pricing={"type": "regular"}),
        *service("regular late", "2026-10-06T00:00:00Z", pricing={"type": "regular"}),
        *service("free by Meta", "2026-10-07T00:00:00Z", pricing={"type": "free_customer_service"}),
    ]
    result = rate_all(events, [PROFILE], CATALOG, allowance=2)
    assert reasons(result) == {
        "first": "allowance",
        "second": "allowance",
        "late": "allowance_used",
        "september": "service",
        "regular early": "meta_pricing",
        "regular late": "allowance_used",
        "free by Meta": "meta_pricing",
    }
    (total,) = [total for key, total in result.totals.items() if key.date == "2026-10-05"]
    assert total == (1, Decimal("0.0290"), Decimal("0.0290"))


def test_equal_instants_take_their_places_by_message_id() -> None:
    at = "2026-10-01T00:00:00Z"
    result = rate_all([*service("b", at), *service("a", at), *service("c", at)], [PROFILE], CATALOG, allowance=2)
    assert reasons(result) == {"a": "allowance", "b": "allowance", "c": "allowance_used"}


def test_an_ad_frees_the_first_answer_whenever_it_is_delivered_and_72_hours_from_its_sending() -> None:
    events = [
        event("received", "hello", "2026-01-05T09:00:00Z", referral={"source_type": "ad"}),
        event("sent", "answer", "2026-01-05T10:00:00Z", category="marketing"),
        event("delivered", "answer", "2026-01-20T10:00:00Z"),
        event("sent", "last", "2026-01-05T11:00:00Z", category="marketing"),
        event("delivered", "last", "2026-01-08T09:59:59.999Z"),
        event("sent", "over", "2026-01-05T11:00:00Z", category="marketing"),
        event("delivered", "over", "2026-01-08T10:00:00Z"),
    ]
    expected = {"answer": "free_entry_point", "last": "free_entry_point", "over": "marketing"}
    assert reasons(rate_all(events, [PROFILE], CATALOG)) == expected


def test_the_earliest_of_an_identity_counts_whole() -> None:
    events = [
        event("sent", "m", "2026-01-05T09:00:00Z", category="utility"),
        event("delivered", "m", "2026-01-05T10:00:00Z", pricing={"type": "free_entry_point"}),
        event("delivered", "m", "2026-01-05T09:30:00Z"),
    ]
    (line,) = rate_all(events, [PROFILE], CATALOG).lines.values()
    assert (line.billed_at, line.reason, line.meta) == ("2026-01-05T09:30:00.000Z", "outside_window", None)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"account_id": "b", "pricing": {"type": "paid_exempt"}}, "unknown_account", id="an account without profile"),
        pytest.param({"time": "2025-06-30T23:59:59.999Z"}, "no_rulebook", id="the last millisecond before the first rulebook"),
        pytest.param({"pricing": {"type": "paid_exempt", "category": "odd"}}, "unknown_pricing", id="Meta's type before the category"),
        pytest.param({"pricing": {"category": "referral_conversion"}}, "no_category", id="a category that is none"),
        pytest.param({"category": "luxury", "user": "ZZ.1"}, "unknown_category", id="the category before the market"),
        pytest.param({"category": "utility", "user": "ZZ.1"}, "no_market", id="a country without a row"),
        pytest.param({"category": "marketing", "user": "+5511999990000"}, "no_rate", id="an empty rate"),
    ],
)
def test_what_cannot_be_rated_has_the_first_reason_that_applies(fields: dict[str, Any], reason: str) -> None:
    raw = event("delivered", "m", **{"time": "2026-01-05T09:00:00Z", **fields})
    (unrated,) = rate_all([raw], [PROFILE], CATALOG).unrated.values()
    assert unrated.reason == reason


@pytest.mark.parametrize(
    ("recipient", "date", "country", "market"),
    [
        pytest.param("+12025550123", "2026-01-05", "US", "North America", id="a shared prefix, United States"),
        pytest.param("+14165550123", "2026-01-05", "CA", "North America", id="a shared prefix, Canada"),
        pytest.param("+15550000000", "2026-01-05", None, "North America", id="a shared prefix, nobody's"),
        pytest.param("+18765550100", "2026-01-05", "JM", "Rest of Latin America", id="a longer prefix"),
        pytest.param("+447911123456", "2026-01-05", "GG", "United Kingdom", id="an island"),
        pytest.param("+77011234567", "2026-09-30", "KZ", "Other", id="Kazakhstan, last day in Other"),
        pytest.param("+77011234567", "2026-10-01", "KZ", "Kazakhstan", id="Kazakhstan, first day of its own"),
        pytest.param("+9607771234", "2026-01-05", None, "Other", id="unlisted"),
        pytest.param("CA.77", "2026-01-05", "CA", "North America", id="a hidden phone"),
    ],
)
def test_who_is_in_which_market(recipient: str, date: str, country: str | None, market: str) -> None:
    raw = event("delivered", "m", f"{date}T12:00:00Z", user=recipient, category="service")
    (line,) = rate_all([raw], [PROFILE], CATALOG).lines.values()
    assert (line.country, line.market) == (country, market)


@pytest.mark.parametrize(
    ("spelled", "category"),
    [
        ("authentication-international", "authentication_international"),
        ("group_utility", "utility"),
        ("group-marketing", "marketing"),
        ("marketing_lite", "marketing"),
        ("group_marketing_lite", "marketing"),
        ("referral_conversion", None),
        ("ai_bot", "ai_bot"),
    ],
)
def test_metas_spellings_of_a_category(spelled: str, category: str | None) -> None:
    assert normalised(spelled) == category


@pytest.mark.parametrize(
    ("cost", "fee", "amount"),
    [
        pytest.param("0.0859", {"percent": "20"}, "0.1031", id="0.01718 rounds up"),
        pytest.param("0.0300", {"percent": "15", "decimals": 3}, "0.0350", id="exactly half rounds up, not to even"),
        pytest.param("0.0113", {"percent": "20"}, "0.0136", id="0.00226 rounds up"),
        pytest.param("0", {"percent": "20"}, "0", id="a price of 0"),
        pytest.param("0.0300", None, "0.0300", id="no fee"),
        pytest.param("1.5", {"percent": "33.3333", "decimals": 9}, "1.9999995", id="nine decimals"),
    ],
)
def test_the_fee_is_rounded_half_up_for_each_message(cost: str, fee: dict[str, Any] | None, amount: str) -> None:
    assert amount_of(Decimal(cost), fee) == Decimal(amount)


def test_a_group_has_a_line_for_each_member_and_its_sent_does_not_know_their_country() -> None:
    group = {"user": "group:g"}
    events = [
        event("sent", "m", "2026-01-05T09:00:00Z", category="marketing", user_country="IN", **group),
        event("delivered", "m", "2026-01-05T09:00:01Z", participant=FRANCE, **group),
        event("delivered", "m", "2026-01-05T09:00:02Z", participant="US.1", **group),
        event("received", "hello", "2026-01-05T08:00:00Z", participant="+919812345678", **group),
    ]
    result = rate_all(events, [PROFILE], CATALOG)
    assert {(key.participant, line.country, str(line.cost)) for key, line in result.lines.items()} == {
        (FRANCE, "FR", "0.0859"),
        ("US.1", "US", "0.0250"),
    }


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-01-05T09:00:00.0019999Z", "2026-01-05T09:00:00.001Z"),
        ("2026-01-05T10:00:00+01:00", "2026-01-05T09:00:00.000Z"),
        ("2026-01-05t09:00:00z", "2026-01-05T09:00:00.000Z"),
        ("2016-12-31T23:59:60Z", None),
        ("2026-01-05T09:00:00", None),
    ],
)
def test_instants_are_cut_to_milliseconds(text: str, same: str | None) -> None:
    at = instant_ms(text)
    assert (None if at is None else written(at)) == same


def test_a_day_begins_at_the_zones_own_midnight() -> None:
    at = instant_ms("2026-10-01T03:59:59.999Z")
    assert at is not None
    assert [local_date(at + later, "America/New_York") for later in (0, 1)] == ["2026-09-30", "2026-10-01"]
