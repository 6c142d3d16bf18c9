"""The exported documents are what their standards say, and say what the models say."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from pydantic import ValidationError

from schemas.export import export
from schemas.topics import TOPICS
from tests.schemas.records import event

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # the library names a field `schema`
    from asyncapi3.models import AsyncAPI3  # type: ignore[import-untyped]  # it ships no types

FILES = {name: json.loads(text) for name, text in export("1.2.3").items()}
ASYNCAPI = FILES["asyncapi.json"]
SCHEMAS = {name: document for name, document in FILES.items() if name != "asyncapi.json"}

LINE = {
    "v": 1, "line_id": "l", "kind": "charge", "revision": 1, "reverses": None, "account_id": "a", "phone_number_id": "p", "message_id": "m",
    "delivery_id": "d", "billed_at": "2026-01-05T09:00:00.000Z", "date": "2026-01-05", "country": "FR", "market": "France",
    "category": "utility", "outcome": "charged", "reason": "outside_window", "currency": "USD", "cost": "0.0300", "amount": "0.0300",
    "rulebook": "2025-07-01", "card": "meta-usd-2026-01-01", "tier": "1:MAX", "catalog": "3b1f0c9a27de",
    "known_at": None, "window": None, "meta": {"type": "regular", "agrees": True},
}  # fmt: skip
TOTAL = {
    "v": 1, "account_id": "a", "phone_number_id": "p", "date": "2026-01-05", "country": None, "market": "Other", "category": "utility",
    "outcome": "charged", "currency": "USD", "messages": 12, "cost": "0.36", "amount": "0.36",
}  # fmt: skip
ADJUSTMENT = TOTAL | {
    "line_id": "l",
    "kind": "adjustment",
    "revision": 1,
    "moved": 3,
    "cost": "-0.0012",
    "tier_from": "1:10",
    "tier_to": "11:MAX",
}
UNRATED = {
    "v": 1, "reason": "no_rate", "account_id": "a", "phone_number_id": "p", "message_id": "m", "delivery_id": "d",
    "billed_at": "2026-01-05T09:00:00.000Z", "category": "utility", "country": None, "market": "Other",
}  # fmt: skip
PROFILE = {"account_id": "a", "timezone": "Europe/Paris", "currency": "USD", "authentication_international": {"from": {"IN": "2026-03-01"}}}
REJECTED = {
    "reason": "invalid_field",
    "detail": "d",
    "topic": "t",
    "partition": "0",
    "offset": "7",
    "rejected_at": "2026-01-05T09:00:00.000Z",
}


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def test_every_topic_with_a_model_has_its_schema() -> None:
    with_model = {f"{topic.name}.schema.json" for topic in TOPICS if topic.record} | {
        f"{topic.name}.headers.schema.json" for topic in TOPICS if topic.headers
    }
    assert set(SCHEMAS) == with_model
    assert {"whatsapp.messages.schema.json", "whatsapp.accounts.schema.json", "usage.rated.schema.json", "usage.totals.schema.json"} <= set(
        SCHEMAS
    )


def test_the_documents_are_the_same_every_time() -> None:
    assert export() == export()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_json_schema_and_describes_every_field(name: str) -> None:
    schema = SCHEMAS[name]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert dangling_references(schema) == []


@pytest.mark.parametrize(
    "field", ["account_id", "user", "participant", "time", "kind", "category", "pricing", "free_entry_point_expires_at"]
)
def test_a_field_of_an_event_is_told_to_people(field: str) -> None:
    assert len(SCHEMAS["whatsapp.messages.schema.json"]["properties"][field]["description"]) > 10


@pytest.mark.parametrize(
    ("name", "record", "is_lawful"),
    [
        pytest.param("whatsapp.messages", event(), True, id="an event"),
        pytest.param("whatsapp.messages", event(type="message.sent"), False, id="a sent without category"),
        pytest.param("whatsapp.messages", event(type="message.sent", category_unknown=True), True, id="a sent that can't know it"),
        pytest.param("whatsapp.messages", event(user="group:1"), False, id="delivered to a group without the member"),
        pytest.param("whatsapp.messages", event(user="0033"), False, id="a user of no form"),
        pytest.param("whatsapp.messages", event() | {"template": None, "pricing": {"type": None}}, True, id="nulls"),
        pytest.param("whatsapp.messages", event(edited="yes"), False, id="a wrong type"),
        pytest.param("whatsapp.accounts", PROFILE, True, id="a profile"),
        pytest.param("whatsapp.accounts", PROFILE | {"fee": {"percent": 20}}, False, id="a percent as a number"),
        pytest.param("whatsapp.accounts", without(PROFILE, "timezone"), False, id="a profile without zone"),
        pytest.param("rating.commands", {"id": "c", "type": "redrive", "phone_number_id": "p", "reason": None}, True, id="a redrive"),
        pytest.param("rating.commands", {"id": "c", "type": "redrive", "phone_number_id": "p", "reason": "x"}, False, id="an odd reason"),
        pytest.param(
            "rating.commands", {"id": "c", "type": "void", "phone_number_id": "p", "message_ids": []}, False, id="a void of nothing"
        ),
        pytest.param(
            "rating.commands", {"id": "c", "type": "reprice", "phone_number_id": "p", "catalog": "x"}, False, id="a catalog by no hash"
        ),
        pytest.param(
            "rating.commands",
            {"id": "c", "type": "reprice", "phone_number_id": "p", "catalog": "0" * 64, "from": "2026-01-01", "known_at": None},
            True,
            id="a reprice",
        ),
        pytest.param("rating.commands", {"id": "c", "type": "activate_catalog", "catalog": "0" * 64}, True, id="an activation"),
        pytest.param("rating.commands", {"id": "c", "type": "refund", "phone_number_id": "p"}, False, id="a command nobody knows"),
        pytest.param("usage.rated", LINE | {"cause": {"type": "void", "id": "c", "reason": "test"}}, True, id="a line with its cause"),
        pytest.param("usage.rated", LINE, True, id="a charge"),
        pytest.param("usage.rated", LINE | {"kind": "reversal", "reverses": "l"}, True, id="a reversal"),
        pytest.param("usage.rated", ADJUSTMENT, True, id="an adjustment"),
        pytest.param("usage.rated", without(ADJUSTMENT, "moved"), False, id="an adjustment of nothing"),
        pytest.param("usage.rated", LINE | {"cost": 0.03}, False, id="money as a number"),
        pytest.param("usage.rated", LINE | {"cost": "0.0300000001"}, False, id="ten decimals"),
        pytest.param("usage.rated", LINE | {"reason": "because"}, False, id="a reason nobody knows"),
        pytest.param("usage.rated", without(LINE, "window"), False, id="a line that says nothing of its window"),
        pytest.param("usage.totals", TOTAL, True, id="a total"),
        pytest.param("usage.totals", TOTAL | {"cost": "-0.36"}, True, id="a negative total"),
        pytest.param("usage.totals", TOTAL | {"messages": "12"}, False, id="messages as text"),
        pytest.param("usage.unrated", UNRATED, True, id="an unrated"),
        pytest.param("usage.unrated", UNRATED | {"reason": "no_mood"}, False, id="an unrated reason nobody knows"),
        pytest.param("usage.rejected.headers", REJECTED, True, id="the headers of a rejected"),
        pytest.param("usage.rejected.headers", REJECTED | {"offset": "x"}, False, id="an offset that is no number"),
    ],
)
def test_a_schema_and_its_model_judge_alike(name: str, record: dict[str, Any], is_lawful: bool) -> None:
    assert Draft202012Validator(SCHEMAS[f"{name}.schema.json"], format_checker=FormatChecker()).is_valid(record) is is_lawful
    model = next(topic.record or topic.headers for topic in TOPICS if name in (topic.name, f"{topic.name}.headers"))
    assert model is not None
    try:
        model.validate_python(record)
    except ValidationError:
        assert not is_lawful
    else:
        assert is_lawful


def test_the_asyncapi_document_is_one() -> None:
    AsyncAPI3.model_validate(ASYNCAPI)
    assert ASYNCAPI["info"]["version"] == "1.2.3"
    assert dangling_references(ASYNCAPI) == []
    for schema in ASYNCAPI["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda document: document.pop("info"), id="no info"),
        pytest.param(lambda document: document["info"].pop("title"), id="no title"),
        pytest.param(lambda document: document.update(asyncapi="2.6.0"), id="another version"),
        pytest.param(lambda document: document.update(chanels={}), id="a field AsyncAPI does not have"),
        pytest.param(lambda document: document["operations"]["sendUsageRated"].update(action="publish"), id="an action of version 2"),
        pytest.param(lambda document: document["operations"]["sendUsageRated"].pop("channel"), id="an operation without channel"),
        pytest.param(lambda document: document["channels"]["UsageRated"].update(address=5), id="an address that is a number"),
        pytest.param(
            lambda document: document["components"]["schemas"]["UsageRated"].update(discriminator={"propertyName": "kind"}),
            id="a discriminator of OpenAPI",
        ),
        pytest.param(
            lambda document: document["channels"]["UsageRated"]["bindings"]["kafka"].update(topicConfiguration={"cleanup.policy": "never"}),
            id="a cleanup policy Kafka does not have",
        ),
    ],
)
def test_a_broken_asyncapi_document_is_refused(damage: Callable[[dict[str, Any]], object]) -> None:
    broken = copy.deepcopy(ASYNCAPI)
    damage(broken)
    with pytest.raises(ValidationError):
        AsyncAPI3.model_validate(broken)


def test_a_dangling_reference_would_be_found() -> None:
    broken = copy.deepcopy(ASYNCAPI)
    del broken["components"]["messages"]["UsageTotals"]
    assert dangling_references(broken) == ["#/components/messages/UsageTotals"]


def test_the_channels_are_the_topics_that_have_a_model_and_say_which_are_internal() -> None:
    addresses = {channel["address"] for channel in ASYNCAPI["channels"].values()}
    assert addresses == {topic.name for topic in TOPICS if topic.record or topic.headers}
    internal = {channel["address"] for channel in ASYNCAPI["channels"].values() if "Internal" in channel["description"]}
    assert internal == {topic.name for topic in TOPICS if topic.internal and topic.name in addresses}


def dangling_references(document: dict[str, Any]) -> list[str]:
    """Every `$ref` that leads nowhere in its document."""
    return [reference for reference in references(document) if not leads_somewhere(document, reference)]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def leads_somewhere(document: Any, reference: str) -> bool:
    for part in reference.removeprefix("#/").split("/"):
        if not isinstance(document, dict) or part not in document:
            return False
        document = document[part]
    return True
