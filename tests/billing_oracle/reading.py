"""Commands, plans and totals, as they are written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from tests.oracle.instants import instant_ms

ROLES = ("owner", "admin", "supervisor", "agent", "account_manager", "system")
"""Billing contract §3: "roles `owner`, `admin`, `supervisor`, `agent`, `account_manager` (the platform's staff), `system`"."""

TEXTS = {
    "subscription.start": ("plan", "term", "currency", "country", "timezone"),
    "subscription.cancel": (),
    "unit.add": ("kind", "unit_id"),
    "unit.remove": ("kind", "unit_id"),
    "addon.purchase": ("addon",),
    "addon.trial": ("addon",),
    "addon.request_quote": ("addon",),
    "addon.request_feature": ("addon",),
    "addon.assign": ("addon", "unit_id"),
    "addon.unassign": ("addon", "unit_id"),
    "addon.remove": ("addon",),
    "cycle.close": ("as_of",),
}
"""Every type of command, and its fields that are required texts (billing contract §3, the table)."""

KINDS = ("user", "number")
EARLIEST, TOO_LATE = instant_ms("2009-01-01T00:00:00Z") or 0, instant_ms("2101-01-01T00:00:00Z") or 0


class MalformedError(Exception):
    """Billing contract: "A malformed command (not JSON, missing or wrongly typed field, unknown type or role, bad zone or date) is
    rejected"."""


@dataclass(frozen=True)
class Command:
    """One well-formed command."""

    id: str
    account: str
    time_ms: int
    type: str
    role: str
    fields: Mapping[str, Any]
    """The whole record; `null` is the same as absent."""

    @property
    def order(self) -> tuple[int, str]:
        """Billing contract §1: "Commands of an account take effect in (`time`, `id`) order"."""
        return self.time_ms, self.id

    def __getitem__(self, name: str) -> Any:
        return self.fields.get(name)


def read_command(raw: bytes) -> Command:
    """A command of one line; raises `MalformedError`."""
    fields = _object(raw)
    if fields.get("v", 1) != 1 or isinstance(fields.get("v"), bool):
        raise MalformedError("v")
    actor = fields.get("actor")
    actor = actor if isinstance(actor, dict) else {}
    required = {name: fields.get(name) for name in ("id", "account_id", "time", "type")}
    required |= {"actor.user_id": actor.get("user_id"), "actor.role": actor.get("role")}
    required |= {name: fields.get(name) for name in TEXTS.get(str(fields.get("type")), ())}
    for name, value in required.items():
        if not isinstance(value, str) or not value:
            raise MalformedError(name)
    if fields["type"] not in TEXTS:
        raise MalformedError("type")
    time_ms = instant_ms(fields["time"])
    if time_ms is None or not EARLIEST <= time_ms < TOO_LATE:
        raise MalformedError("time")
    if actor["role"] not in ROLES:
        raise MalformedError("actor.role")
    _check_values(fields)
    return Command(fields["id"], fields["account_id"], time_ms, fields["type"], actor["role"], fields)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_is_no_json)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except ValueError:  # a lone surrogate raises one too
        raise MalformedError("json") from None
    if not isinstance(value, dict):
        raise MalformedError("no object")
    return {name: item for name, item in value.items() if item is not None}


@cache
def _zones() -> set[str]:
    return available_timezones()


def _is_no_json(name: str) -> None:
    """NaN and the infinities, which Python reads."""
    raise ValueError(name)


def _check_values(fields: Mapping[str, Any]) -> None:
    if fields["type"] == "subscription.start":
        _check_start(fields)
    if fields["type"].startswith("unit.") and fields["kind"] not in KINDS:
        raise MalformedError("kind")
    if fields["type"] == "cycle.close":
        _date(fields["as_of"])


def _check_start(fields: Mapping[str, Any]) -> None:
    if fields["term"] not in ("monthly", "annual") or fields.get("invoicing", "monthly") not in ("monthly", "upfront"):
        raise MalformedError("term, invoicing")
    if not (len(fields["country"]) == 2 and fields["country"].isascii() and fields["country"].isupper()):
        raise MalformedError("country")
    if not (len(fields["currency"]) == 3 and fields["currency"].isascii() and fields["currency"].isupper()):
        raise MalformedError("currency")
    if fields["timezone"] not in _zones():
        raise MalformedError("timezone")
    if not isinstance(fields.get("minimum", {}), dict) or not isinstance(fields.get("units", {}), dict):
        raise MalformedError("minimum, units")
    for name in KINDS:
        if not _names(fields.get("units", {}).get(name, [])):
            raise MalformedError("units")
    if not _names(fields.get("whatsapp_accounts", [])):
        raise MalformedError("whatsapp_accounts")


def _names(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(each, str) and each for each in value))


def _date(text: str) -> date:
    try:
        read = date.fromisoformat(text)
    except ValueError:
        raise MalformedError("as_of") from None
    if read.isoformat() != text:
        raise MalformedError("as_of")
    return read


@dataclass(frozen=True)
class Total:
    """One record of a total: absolute, and known from an instant."""

    key: tuple[Any, ...]
    """What it is a total of: every field that is no figure."""
    account: str
    date: date
    country: str | None
    category: str
    outcome: str
    currency: str
    messages: int
    amount: Decimal
    known_ms: int
    """Billing contract §1: "`time`, the instant from which it is known (absent: from the beginning)"."""
    place: int
    """Its place in the file."""


def read_total(raw: bytes, place: int) -> Total:
    """A record of a total (contract §5)."""
    fields = _object(raw)
    names = ("account_id", "phone_number_id", "date", "country", "market", "category", "outcome", "currency")
    known_ms = instant_ms(fields["time"]) if "time" in fields else -(2**62)
    assert known_ms is not None
    return Total(
        key=tuple(fields.get(name) for name in names),
        account=fields["account_id"],
        date=date.fromisoformat(fields["date"]),
        country=fields.get("country"),
        category=fields["category"],
        outcome=fields["outcome"],
        currency=fields["currency"],
        messages=fields["messages"],
        amount=Decimal(fields["amount"]),
        known_ms=known_ms,
        place=place,
    )


@dataclass(frozen=True)
class Plans:
    """The plans file as it is written."""

    plans: Mapping[str, Any]
    addons: Mapping[str, Any]
    settings: Mapping[str, Any]

    def addon(self, name: str) -> Mapping[str, Any]:
        """An add-on's table. Billing contract §2: "Defaults: … `commitment = "plan"`, no trial, no quote"."""
        return {"commitment": "plan", "trial_days": 0, "quote": False, **self.addons[name]}


def read_plans(text: str) -> Plans:
    """Billing contract §2: "Defaults: `month`, `actual-inclusive`, `immediate`, `additional_user_includes_addons = false`"."""
    written = tomllib.loads(text)
    defaults = {
        "cycle": "month",
        "proration": "actual-inclusive",
        "additional_units": "immediate",
        "additional_user_includes_addons": False,
        "addons": [],
        "includes": [],
    }
    plans = {name: {**defaults, **plan} for name, plan in written.get("plans", {}).items()}
    settings = {"grace_days": 0, "admin_may_request_quote": False, **written.get("settings", {})}
    return Plans(plans, written.get("addons", {}), settings)
