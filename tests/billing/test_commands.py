"""What is a command and what is none: billing.md's first paragraph and §3, contract §2. Nothing that anyone sends crashes anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rating.billing.offline import bill
from schemas.billing_commands import COMMAND_TYPES, Command, decode_command
from schemas.export import export
from schemas.rejections import Rejection
from schemas.totals import decode_total
from tests.billing.desk import PLANS, Desk
from tests.billing.test_laws import LAW

START: dict[str, Any] = {
    "id": "1", "account_id": "a", "time": "2025-06-01T00:00:00Z", "type": "subscription.start", "actor": {"user_id": "u", "role": "owner"},
    "plan": "pro", "term": "monthly", "currency": "USD", "country": "FR", "timezone": "Europe/Paris",
}  # fmt: skip
REMOVED = object()


def changed(**fields: Any) -> bytes:
    return json.dumps({key: value for key, value in (START | fields).items() if value is not REMOVED}).encode()


@pytest.mark.parametrize(
    ("raw", "reason", "detail"),
    [
        (b"", "invalid_json", "character 1"),
        (b"{", "invalid_json", "character 2"),
        (b"\xff", "invalid_json", "not UTF-8"),
        (b"[]", "invalid_field", "must be a JSON object"),
        (b'"' + b"x" * (1 << 20) + b'"', "too_large", "bytes"),
        (changed(v=2), "unsupported_version", "v: only version 1"),
        (changed(v="1"), "invalid_field", "v: must be the number 1"),
        (changed(type="subscription.pause"), "unknown_type", "type: is none of subscription.start"),
        (changed(type="subscription.pause", id=""), "unknown_type", "id: must not be empty; type: is none of"),
        (changed(type=REMOVED), "invalid_field", "type: is missing"),
        (changed(type=7), "invalid_field", "type: must be text"),
        (changed(type=["unit.add"]), "invalid_field", "type: must be text"),
        (changed(id=REMOVED, plan=""), "invalid_field", "id: is missing; plan: must not be empty"),
        (changed(id=None), "invalid_field", "id: is missing"),
        (changed(id=1), "invalid_field", "id: must be text"),
        (changed(account_id=""), "invalid_field", "account_id: must not be empty"),
        (changed(time="2025-06-01"), "invalid_field", "time: must be an RFC 3339 instant"),
        (changed(time="2008-12-31T23:59:59Z"), "time_out_of_range", "time: must lie in the years 2009 to 2100"),
        (changed(time="2101-01-01T00:00:00Z"), "time_out_of_range", "time: must lie in the years 2009 to 2100"),
        (changed(actor=REMOVED), "invalid_field", "actor: is missing"),
        (changed(actor="owner"), "invalid_field", "actor: must be an object"),
        (changed(actor={"user_id": "u", "role": "boss"}), "invalid_field", "actor.role: must be one of owner, admin"),
        (changed(actor={"role": "owner"}), "invalid_field", "actor.user_id: is missing"),
        (changed(term="weekly"), "invalid_field", "term: must be one of monthly, annual"),
        (changed(invoicing="never"), "invalid_field", "invoicing: must be one of monthly, upfront"),
        (changed(currency="usd"), "invalid_field", "currency: "),
        (changed(country="France"), "invalid_field", "country: must be a country as two capitals"),
        (changed(timezone="Europe/Lyon"), "invalid_field", "timezone: is no IANA time zone"),
        (changed(minimum=3), "invalid_field", "minimum: must be an object"),
        (changed(units={"user": "u1"}), "invalid_field", "units.user: must be a list"),
        (changed(units={"user": [""]}), "invalid_field", "units.user.0: must not be empty"),
        (changed(units={"user": [None]}), "invalid_field", "units.user.0: must be text"),
        (changed(whatsapp_accounts="w"), "invalid_field", "whatsapp_accounts: must be a list"),
        (changed(type="unit.add", kind="room", unit_id="x"), "invalid_field", "kind: must be one of user, number"),
        (changed(type="unit.add", kind="user"), "invalid_field", "unit_id: is missing"),
        (changed(type="addon.purchase", quantity=1), "invalid_field", "addon: is missing"),
        (changed(type="addon.assign", addon="whatsapp"), "invalid_field", "unit_id: is missing"),
        (changed(type="cycle.close"), "invalid_field", "as_of: is missing"),
        (changed(type="cycle.close", as_of="2025-02-29"), "invalid_field", "as_of: must be a calendar date"),
        (changed(type="cycle.close", as_of="2025-02-28T00:00:00Z"), "invalid_field", "as_of: must be a calendar date"),
    ],
)  # fmt: skip
def test_a_malformed_command_is_rejected_and_everything_wrong_is_named(raw: bytes, reason: str, detail: str) -> None:
    rejection = decode_command(raw)
    assert isinstance(rejection, Rejection)
    assert rejection.reason == reason
    assert detail in rejection.detail


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(changed(minimum=None, units=None, invoicing=None, whatsapp_accounts=None, v=None), id="null is absent"),
        pytest.param(changed(extra={"deep": [1]}, quantity="x", as_of=7), id="fields that it has no use for"),
        pytest.param(changed(minimum={"user": "three"}), id="a quantity that is none is an answer's business"),
        pytest.param(changed(units={"user": None}), id="no list is none"),
        pytest.param(changed(time="2025-06-01T02:00:00.123456789+02:00", v=1.0), id="any offset and fraction, any spelling of 1"),
    ],
)
def test_a_command_that_can_be_read_is_read(raw: bytes) -> None:
    assert isinstance(decode_command(raw), Command)


def test_missing_minimum_and_units_are_none_and_the_accounts_own_id_is_its_whatsapp_account() -> None:
    command = decode_command(changed())
    assert isinstance(command, Command)
    assert (command.minimum, command.units, command.is_upfront, command.whatsapp_accounts) == ((0, 0), ((), ()), False, ("a",))


def test_a_rejected_command_has_no_effect_no_event_and_does_not_use_up_its_id() -> None:
    desk = Desk()
    desk.start("2025-06-01", id="s", timezone="Nowhere")
    desk.start("2025-06-02", id="s", users=1)
    ran = desk.run()
    assert len(ran.rejected) == 1
    assert ran.heads == ["cycle 2025-06-02…2025-07-01 50.00"]


def test_a_rejected_total_is_named_and_the_others_count() -> None:
    desk = Desk()
    desk.start("2025-06-01")
    desk.total("2025-06-02", "1.00")
    desk.total("2025-06-31", "1.00")
    desk.total("2025-06-02", "1,00")
    desk.totals.append(b"[]")
    ran = desk.run("2025-07-01")
    assert [(each["file"], each["line"], each["reason"]) for each in ran.rejected] == [
        ("totals", 2, "invalid_field"), ("totals", 3, "invalid_field"), ("totals", 4, "invalid_field"),
    ]  # fmt: skip
    assert ran.heads == ["cycle 2025-06-01…2025-06-30 1.00"]


def test_blank_lines_are_counted_and_skipped() -> None:
    desk = Desk()
    desk.start("2025-06-01", users=1)
    events, _, rejected = bill([b"", *desk.commands, b" \t", b"{"], PLANS, [b""], None)
    assert len(events) == 1
    assert [each["line"] for each in rejected] == [4]


_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_KEYS = st.sampled_from(["user", "number", "role", "user_id", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(max_size=5) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "v", "id", "account_id", "time", "type", "actor", "plan", "term", "invoicing", "currency", "country", "timezone", "minimum", "units",
    "whatsapp_accounts", "kind", "unit_id", "addon", "quantity", "as_of",
)  # fmt: skip
RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "v": st.just(1), "id": st.text(min_size=1, max_size=2), "account_id": st.sampled_from(["a", "b"]),
    "time": st.datetimes().map(lambda at: f"{at.isoformat()}Z"), "type": st.sampled_from(COMMAND_TYPES),
    "actor": st.sampled_from(["owner", "admin", "account_manager", "system"]).map(lambda role: {"user_id": "u", "role": role}),
    "plan": st.sampled_from(["pro", "thirty", "deferred"]), "term": st.sampled_from(["monthly", "annual"]),
    "invoicing": st.sampled_from(["monthly", "upfront"]), "currency": st.sampled_from(["USD", "JPY", "XXX"]), "country": st.just("FR"),
    "timezone": st.sampled_from(["UTC", "Pacific/Apia"]), "minimum": st.fixed_dictionaries({"user": st.integers(), "number": JSON}),
    "units": st.fixed_dictionaries({"user": st.lists(st.text(max_size=2), max_size=3)}), "whatsapp_accounts": st.just(["w"]),
    "kind": st.sampled_from(["user", "number"]), "unit_id": st.sampled_from(["x", "y"]),
    "addon": st.sampled_from(["whatsapp", "storage", "analytics"]), "quantity": st.integers(), "as_of": st.dates().map(str),
}  # fmt: skip


@st.composite
def anything(draw: st.DrawFn) -> bytes:
    """A command, mostly right, with a field or two that are anything."""
    wrong = draw(st.sets(st.sampled_from(FIELDS), max_size=2))
    return json.dumps({field: draw(JSON if field in wrong else RIGHT[field]) for field in FIELDS}).encode()


SCHEMA = Draft202012Validator(json.loads(export()["billing.commands.schema.json"]))


@settings(LAW, max_examples=200)
@given(
    commands=st.lists(anything() | st.binary(max_size=20), max_size=8), totals=st.lists(JSON.map(lambda value: json.dumps(value).encode()))
)
def test_no_command_and_no_total_crashes_anything(commands: list[bytes], totals: list[bytes]) -> None:
    events, _, rejected = bill(commands, PLANS, totals, None)
    read = [command for command in map(decode_command, commands) if isinstance(command, Command)]
    ids = {(command.account_id, command.id) for command in read}
    assert len(events) == len(ids)
    assert len([each for each in rejected if each["file"] == "commands"]) + len(read) == sum(bool(raw.strip()) for raw in commands)


@settings(LAW, max_examples=200)
@given(raw=anything())
def test_what_is_read_fits_the_published_schema(raw: bytes) -> None:
    command = decode_command(raw)
    if isinstance(command, Command) and command.quantity is not None and None not in command.minimum:
        assert SCHEMA.is_valid(json.loads(raw))


@settings(LAW)
@given(value=JSON)
def test_no_total_crashes_the_reader(value: Any) -> None:
    decode_total(json.dumps(value).encode())
