"""Histories of accounts, lifelike and odd: all commands in all roles, repeated, out of order, at the edges of days, cycles and terms."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.billing_laws.price_lists import ADDONS, COUNTRIES, CURRENCIES, PLANS, plans_file
from tests.billing_oracle.dates import Calendar, local_day
from tests.billing_oracle.reading import ROLES
from tests.billing_oracle.refusals import MAY
from tests.oracle.instants import written

ZONES = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Africa/Cairo",
    "America/St_Johns",
    "Pacific/Kiritimati",
)
FIRST_DAYS = ("2024-01-31", "2024-02-29", "2024-07-31", "2024-12-30", "2025-01-28", "2025-03-10", "2025-05-01", "2025-08-13", "2025-10-31")
UNITS = tuple(f"u{n}" for n in range(7))
SHARED = "waba-shared"
MINUTE, DAY = 60_000, 86_400_000

WEIGHTS = {
    "unit.add": 26,
    "unit.remove": 12,
    "addon.purchase": 16,
    "addon.trial": 5,
    "addon.request_quote": 2,
    "addon.request_feature": 2,
    "addon.assign": 8,
    "addon.unassign": 3,
    "addon.remove": 9,
    "subscription.cancel": 3,
    "subscription.start": 3,
    "cycle.close": 20,
}


STORIES = (
    ("addon.purchase", "addon.remove", "addon.purchase", "unit.add", "unit.add", "cycle.close", "addon.purchase", "cycle.close"),
    ("addon.purchase", "unit.add", "addon.remove", "unit.add", "unit.add", "cycle.close", "cycle.close"),
    ("cycle.close", "cycle.close", "subscription.cancel", "subscription.start", "unit.add", "cycle.close"),
    ("cycle.close", "unit.add", "subscription.cancel", "unit.add", "cycle.close", "cycle.close", "subscription.start", "cycle.close"),
    ("unit.add", "addon.trial", "addon.trial", "addon.purchase", "addon.assign", "addon.assign", "unit.remove", "addon.assign"),
    ("unit.add", "addon.purchase", "addon.assign", "addon.remove", "cycle.close", "cycle.close", "addon.purchase", "addon.assign"),
)
"""Types of commands that follow one another: removals that are pending, ends and new starts, trials."""


@dataclass(frozen=True)
class History:
    """All that a billing run reads."""

    plans: str
    commands: tuple[bytes, ...]
    totals: tuple[bytes, ...]
    until: date | None


@dataclass
class Account:
    """What the generator keeps in mind about an account, so that it aims at what matters."""

    name: str
    zone: str
    now_ms: int
    start: date
    annual: bool = False
    upfront: bool = False
    currency: str = "USD"
    cancelled: bool = False
    ids: list[str] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    """When its commands came."""


def generate(rng: random.Random, *, longest: int = 40) -> History:
    """A history; the same for the same state of the generator."""
    plans = plans_file(rng)
    commands: list[bytes] = []
    accounts = [_account(rng, name) for name in ("acme", "bäcker")[: rng.choice((1, 1, 2))]]
    for account in accounts:
        commands += [_command(rng, account, "subscription.start", dull=True) for _ in range(rng.choice((1, 1, 2, 3)))]
    for _ in range(rng.randrange(2, longest)):
        account = rng.choice(accounts)
        commands += _next(rng, account)
    totals = tuple(_totals(rng, accounts)) if rng.random() < 0.8 else ()
    last = max(account.now_ms for account in accounts)
    until = local_day(last + rng.choice((0, 0, 1, 35, 400)) * DAY, "UTC") if rng.random() < 0.6 else None
    return History(plans, tuple(commands), totals, until)


def histories() -> st.SearchStrategy[History]:
    """Histories for Hypothesis, which draws and shrinks every choice of the generator."""
    return st.builds(generate, st.randoms(use_true_random=False), longest=st.integers(3, 30))


def _account(rng: random.Random, name: str) -> Account:
    zone, start = rng.choice(ZONES), date.fromisoformat(rng.choice(FIRST_DAYS))
    moment = datetime.combine(start, datetime.min.time(), ZoneInfo(zone))
    return Account(name, zone, int(moment.timestamp()) * 1000 + rng.choice((0, 1, 9 * 60 * MINUTE, DAY - 2 * 60 * MINUTE)), start)


def _next(rng: random.Random, account: Account) -> list[bytes]:
    """The next commands of an account, after some time; a cancelled subscription is often followed by a new start."""
    if rng.random() < 0.06:
        return _story(rng, account, rng.choice(STORIES))
    if account.cancelled and rng.random() < 0.6:
        account.now_ms += rng.choice((3, 30, 33, 200)) * DAY
        return [_command(rng, account, "subscription.start", dull=True)]
    account.now_ms = _later(rng, account)
    type_ = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    command = _command(rng, account, type_)
    return [_spoiled(rng, command) if rng.random() < 0.02 else command]


def _story(rng: random.Random, account: Account, types: tuple[str, ...]) -> list[bytes]:
    """Commands that mean something together, about one add-on, by people who may; some time passes between them, or none."""
    addon, unit, commands = rng.choice(ADDONS), f"user {len(account.ids)}", []
    for type_ in types:
        account.now_ms = (
            account.now_ms + rng.choice((0, 1, DAY, 3 * DAY)) if type_ != "cycle.close" else max(account.now_ms, _an_edge(rng, account))
        )
        if type_ == "subscription.start":
            account.now_ms += rng.choice((31, 62, 400)) * DAY
        record = json.loads(_command(rng, account, type_, dull=True))
        if "addon" in record:
            record["addon"] = addon
        if type_ in ("addon.purchase", "addon.remove"):
            record["actor"]["role"] = "account_manager"
        if type_ == "unit.add":
            unit = f"user {len(account.ids)}"
        if "unit_id" in record:
            record |= {"unit_id": unit, **({"kind": "user"} if type_.startswith("unit.") else {})}
        commands.append(json.dumps(record, ensure_ascii=False).encode())
    return commands


def _later(rng: random.Random, account: Account) -> int:
    """When the next command comes: at once, within the day, at an edge of a cycle to the millisecond, weeks later."""
    chance = rng.random()
    if chance < 0.25:
        return account.now_ms + rng.choice((0, 0, 1, MINUTE))
    if chance < 0.50:
        return account.now_ms + rng.randrange(1, 36) * 60 * MINUTE
    if chance < 0.75:
        return max(account.now_ms, _an_edge(rng, account))
    return account.now_ms + rng.choice((1, 2, 5, 9, 20, 31, rng.randrange(40, 100))) * DAY


def _an_edge(rng: random.Random, account: Account) -> int:
    """The first instant of a coming cycle's first day, or the one before it, or the day before or after."""
    calendar = Calendar(account.start, rng.random() < 0.7, 12 if account.annual else 1, account.upfront, True)
    today = max(account.start, local_day(account.now_ms, account.zone))
    ahead = rng.choice((1, 1, 1, 2, 12)) if account.annual else 1
    first = calendar.cycle_start(calendar.cycle_number(today) + ahead) + timedelta(days=rng.choice((0, 0, 0, -1, 1)))
    moment = datetime.combine(first, datetime.min.time(), ZoneInfo(account.zone))
    return int(moment.timestamp()) * 1000 + rng.choice((-1, 0, 0, 12 * 60 * MINUTE))


def _command(rng: random.Random, account: Account, type_: str, *, dull: bool = False) -> bytes:
    role = rng.choice(MAY.get(type_, ("owner", "admin", "account_manager", "account_manager")))
    if not dull and rng.random() < 0.1:
        role = rng.choice(ROLES)
    time_ms = account.now_ms
    if not dull and rng.random() < 0.04:
        time_ms -= rng.choice((1, MINUTE, DAY))
    command_id = f"{rng.choice('abc')}{len(account.ids):03d}"
    if not dull and account.ids and rng.random() < 0.04:
        command_id = rng.choice(account.ids)
    account.ids.append(command_id)
    account.moments.append(time_ms)
    record = {
        "v": 1,
        "id": command_id,
        "account_id": account.name,
        "time": written(time_ms),
        "type": type_,
        "actor": {"user_id": "someone", "role": role},
        **_fields(rng, account, type_),
    }
    return json.dumps(record, ensure_ascii=False).encode()


def _fields(rng: random.Random, account: Account, type_: str) -> dict[str, Any]:
    if type_ == "subscription.start":
        return _terms(rng, account)
    if type_ == "subscription.cancel":
        account.cancelled = True
        return {}
    if type_ == "cycle.close":
        day = local_day(account.now_ms, account.zone)
        return {"as_of": (day - timedelta(days=rng.choice((0, 0, 0, 0, 1, 3, 31, -1)))).isoformat()}
    if type_.startswith("unit."):
        return {"kind": rng.choice(("user", "user", "number")), "unit_id": rng.choice(UNITS)}
    fields: dict[str, Any] = {"addon": rng.choice((*ADDONS, *ADDONS, "nothing"))}
    if type_ == "addon.purchase":
        fields["quantity"] = rng.choice((1, 1, 2, 3, 10)) if rng.random() < 0.92 else rng.choice((0, -1, "2", 1.5, True))
    if type_ in ("addon.assign", "addon.unassign"):
        fields["unit_id"] = rng.choice(UNITS)
    return fields


def _terms(rng: random.Random, account: Account) -> dict[str, Any]:
    """A contract; the generator remembers it, whether it is accepted or not."""
    account.annual, account.cancelled = rng.random() < 0.5, False
    account.upfront = account.annual and rng.random() < 0.6
    account.currency = rng.choice((*CURRENCIES, "USD", "USD"))
    if account.ids and rng.random() < 0.2:
        account.zone = rng.choice(ZONES)
    account.start = local_day(account.now_ms, account.zone)
    fields: dict[str, Any] = {
        "plan": rng.choice(PLANS) if rng.random() < 0.97 else "nothing",
        "term": "annual" if account.annual else "monthly",
        "currency": account.currency,
        "country": rng.choice(COUNTRIES),
        "timezone": account.zone,
    }
    if account.upfront or rng.random() < 0.1:
        fields["invoicing"] = "upfront" if account.upfront or rng.random() < 0.2 else "monthly"
    if rng.random() < 0.8:
        fields["minimum"] = {"user": rng.randrange(5), **({"number": rng.randrange(3)} if rng.random() < 0.7 else {})}
    if rng.random() < 0.04:
        fields["minimum"] = {"user": rng.choice((-1, "3", 2.5))}
    if rng.random() < 0.7:
        fields["units"] = {kind: rng.sample(UNITS, rng.randrange(5)) for kind in ("user", "number") if rng.random() < 0.8}
    if rng.random() < 0.03:
        fields["units"] = {"number": ["u1", "u1"]}
    if rng.random() < 0.4:
        fields["whatsapp_accounts"] = rng.choice(([SHARED], [account.name, SHARED], ["waba-own", SHARED], []))
    return fields


def _spoiled(rng: random.Random, command: bytes) -> bytes:
    """A command that is malformed in one way."""
    record = json.loads(command)
    record |= rng.choice(
        (
            {"v": 2},
            {"type": "unit.paint"},
            {"time": "yesterday"},
            {"id": ""},
            {"id": 7},
            {"actor": {"user_id": "x", "role": "king"}},
            {"actor": None},
        )
    )
    return rng.choice((json.dumps(record).encode(), b"{", b"", b"[]"))


def _totals(rng: random.Random, accounts: list[Account]) -> list[bytes]:
    """Totals of the time that the accounts lived through: late, corrected, negative, in other currencies, of a shared WhatsApp account."""
    records: list[dict[str, Any]] = []
    moments = sorted(moment for account in accounts for moment in account.moments)
    for _ in range(rng.randrange(1, 60)):
        if records and rng.random() < 0.6:
            record = dict(rng.choice(records))
            record["time"] = written(max(_noon(record["date"]), rng.choice(moments) + rng.choice((-DAY, -1, 0, 1))))
        else:
            day = local_day(rng.choice(moments) + rng.randrange(-35, 3) * DAY, "UTC")
            record = _total_key(rng, accounts, day)
            if rng.random() < 0.5:
                record["time"] = written(_noon(record["date"]) + rng.choice((0, 1, 2, 40)) * DAY)
        sign = -1 if rng.random() < 0.08 else 1
        record |= {"messages": sign * rng.randrange(200), "cost": "0", "amount": _amount(rng, sign)}
        records.append(record)
    return [json.dumps(record, ensure_ascii=False).encode() for record in records]


def _total_key(rng: random.Random, accounts: list[Account], day: date) -> dict[str, Any]:
    return {
        "v": 1,
        "account_id": rng.choice((*(account.name for account in accounts), SHARED, "waba-own")),
        "phone_number_id": rng.choice(("p1", "p2")),
        "date": day.isoformat(),
        "country": rng.choice(("FR", "FR", "BR", None)),
        "market": rng.choice(("France", "Rest of World")),
        "category": rng.choice(("marketing", "utility", "service")),
        "outcome": "charged" if rng.random() < 0.9 else "free",
        "currency": rng.choice((rng.choice(accounts).currency, rng.choice(accounts).currency, rng.choice(CURRENCIES))),
    }


def _noon(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()) * 1000


def _amount(rng: random.Random, sign: int) -> str:
    """Amounts at the edge of half a minor unit, tiny, and plain."""
    whole = rng.choice(
        (
            f"{rng.randrange(3)}.{rng.randrange(100):02d}5",
            f"0.00{rng.randrange(10)}",
            f"{rng.randrange(400)}.{rng.randrange(10**9):09d}",
            "0",
        )
    )
    return f"-{whole}" if sign < 0 else whole
