"""Plans files as a generator draws them: every choice, prices by country, prices that are missing, prices of nothing."""

from __future__ import annotations

import random

from tests.billing_oracle.prices import minor_digits

CURRENCIES = ("USD", "EUR", "JPY", "KWD")
COUNTRIES = ("FR", "US", "JP")
TERMS = ("monthly", "annual")
PLANS = ("essentials", "professional")
ADDONS = ("whatsapp", "analytics", "assist", "recording", "storage")
SECTIONS = ("Users and Numbers", "Add-ons", "AI")
SEATS = {"whatsapp": "provisioned", "analytics": "account", "assist": "provisioned", "recording": "account", "storage": "plain"}


def plans_file(rng: random.Random) -> str:
    """A valid plans file of two plans and five add-ons."""
    parts = [f"[settings]\ngrace_days = {rng.choice((0, 0, 0, 1, 3, 40))}\nadmin_may_request_quote = {_truth(rng, 50)}\n"]
    parts += [_plan(rng, name) for name in PLANS]
    parts += [_addon(rng, name) for name in ADDONS]
    return "\n".join(parts)


def _plan(rng: random.Random, name: str) -> str:
    includes = [addon for addon in ADDONS if rng.random() < 0.15]
    offered = [addon for addon in ADDONS if addon not in includes and rng.random() < 0.9]
    lines = [
        f"[plans.{name}]",
        f'name = "{name.title()}"',
        f'section = "{rng.choice(SECTIONS)}"',
        f"addons = {_list(offered)}",
        f"includes = {_list(includes)}",
    ]
    choices = {
        "cycle": ("month", "month", "30-days"),
        "proration": ("actual-inclusive", "actual-inclusive", "fixed-30-exclusive"),
        "additional_units": ("immediate", "cycle"),
    }
    lines += [f'{field} = "{rng.choice(values)}"' for field, values in choices.items() if rng.random() < 0.8]
    if rng.random() < 0.4:
        lines.append(f"additional_user_includes_addons = {_truth(rng, 50)}")
    if rng.random() < 0.6:
        lines.append(f"base = {{ {_prices(rng).replace(chr(59), chr(44))} }}")
    for unit, called in (("user", "Users"), ("number", "Numbers")):
        lines.append(f'{unit} = {{ name = "{called}"{_perhaps_prices(rng, 80)} }}')
        lines.append(f'additional_{unit} = {{ name = "Additional {called.lower()}"{_perhaps_prices(rng, 85)} }}')
    return "\n".join(lines) + "\n"


def _addon(rng: random.Random, name: str) -> str:
    lines = [
        f"[addons.{name}]",
        f'name = "{name.title()}"',
        f'section = "{rng.choice(SECTIONS)}"',
        f'seats = "{SEATS[name]}"',
        *(_prices(rng).split(";") if rng.random() < 0.97 else ()),
    ]
    if rng.random() < 0.7:
        lines.append(f'commitment = "{rng.choice(("plan", "cycle"))}"')
    if rng.random() < 0.6:
        lines.append(f"trial_days = {rng.choice((0, 1, 14, 30))}")
    if rng.random() < 0.2:
        lines.append(f"quote = {_truth(rng, 80)}")
    return "\n".join(lines) + "\n"


def _perhaps_prices(rng: random.Random, percent: int) -> str:
    return f", {_prices(rng).replace(';', ', ')}" if rng.randrange(100) < percent else ""


def _prices(rng: random.Random) -> str:
    """Price tables by term, joined by semicolons; now and then one is missing, or a country has its own."""
    tables = [f"{term} = {_by_currency(rng, 99)}" for term in TERMS if rng.random() < 0.98]
    if rng.random() < 0.4:
        country = rng.choice(COUNTRIES)
        own = ", ".join(f"{term} = {_by_currency(rng, 50)}" for term in TERMS if rng.random() < 0.7)
        tables.append(f"by_country = {{ {country} = {{ {own} }} }}")
    return ";".join(tables or [f"monthly = {_by_currency(rng, 100)}"])


def _by_currency(rng: random.Random, percent: int) -> str:
    prices = [f'{currency} = "{_price(rng, currency)}"' for currency in CURRENCIES if rng.randrange(100) < percent]
    return f"{{ {', '.join(prices)} }}"


def _price(rng: random.Random, currency: str) -> str:
    digits = minor_digits(currency)
    if rng.random() < 0.05:
        return f"{0:.{digits}f}"
    units = rng.choice((rng.randrange(1, 9), rng.randrange(1, 100) * 10**digits, rng.randrange(1, 10_000)))
    return f"{units // 10**digits}.{units % 10**digits:0{digits}d}" if digits else str(units)


def _list(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _truth(rng: random.Random, percent: int) -> str:
    return "true" if rng.randrange(100) < percent else "false"
