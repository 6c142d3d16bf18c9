"""A desk at which commands are given: short to write, and read back as invoices and events."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from rating.billing.offline import bill

PLANS = """
[plans.pro]
name = "Professional"
section = "Users and Numbers"
user = { name = "Users", monthly = { USD = "50.00", JPY = "5000" }, annual = { USD = "40.00" } }
number = { name = "Numbers" }
additional_user = { name = "Additional users", monthly = { USD = "50.00" }, annual = { USD = "40.00" } }
additional_number = { name = "Additional numbers", monthly = { USD = "6.00", JPY = "600" }, annual = { USD = "6.00" } }
addons = ["whatsapp", "analytics", "storage", "support", "tracking"]
includes = ["assist", "notes"]

[plans.deferred]
name = "Deferred"
section = "Users and Numbers"
additional_units = "cycle"
user = { name = "Users", monthly = { USD = "50.00" }, annual = { USD = "40.00" } }
additional_user = { name = "Additional users", monthly = { USD = "50.00" }, annual = { USD = "40.00" } }
additional_number = { name = "Additional numbers", monthly = { USD = "6.00" }, annual = { USD = "6.00" } }
addons = ["whatsapp", "analytics", "tracking"]

[plans.all-in]
name = "All in"
section = "Seats"
additional_user_includes_addons = true
user = { name = "Users", monthly = { USD = "50.00" } }
additional_user = { name = "Additional users", monthly = { USD = "65.00" } }
addons = ["analytics"]

[plans.thirty]
name = "Thirty"
section = "Plan"
cycle = "30-days"
proration = "fixed-30-exclusive"
base = { monthly = { USD = "49.00" }, annual = { USD = "45.00" } }
additional_user = { name = "Additional users", monthly = { USD = "30.00" } }
addons = ["storage"]

[addons.storage]
name = "Storage"
section = "Extras"
seats = "plain"
commitment = "cycle"
monthly = { USD = "10.00" }
annual = { USD = "9.00" }

[addons.whatsapp]
name = "WhatsApp"
section = "Users and Numbers"
seats = "provisioned"
monthly = { USD = "15.00", JPY = "1500" }
annual = { USD = "15.00" }
by_country = { FR = { monthly = { EUR = "16.00", USD = "14.00" } } }
consumption = true
trial_days = 30

[addons.analytics]
name = "Analytics"
section = "Add-ons"
seats = "account"
monthly = { USD = "10.00" }
annual = { USD = "8.00" }

[addons.tracking]
name = "Tracking"
section = "Add-ons"
seats = "account"
commitment = "cycle"
monthly = { USD = "2.00" }
annual = { USD = "1.00" }

[addons.support]
name = "Support"
seats = "plain"
monthly = { USD = "99.00" }
quote = true

[addons.assist]
name = "Assist"
section = "Users and Numbers"
seats = "provisioned"
trial_days = 30

[addons.notes]
name = "Notes"
seats = "plain"

[addons.unsold]
name = "Unsold"
seats = "plain"
"""

DAY = "2025-06-01T09:00:00Z"


class Desk:
    """Collects commands and totals of one account. Every command says its local date, at nine in the morning UTC, or an instant."""

    def __init__(self, account: str = "acme", plans: str = PLANS, zone: str = "UTC") -> None:
        self.account = account
        self.plans = plans
        self.zone = zone
        self.commands: list[bytes] = []
        self.totals: list[bytes] = []

    def give(self, on: str, type_: str, role: str = "owner", **fields: Any) -> str:
        """Any command; returns its id."""
        command_id = fields.pop("id", f"c{len(self.commands):03d}")
        command = {
            "id": command_id,
            "account_id": self.account,
            "time": on if "T" in on else f"{on}T09:00:00Z",
            "type": type_,
            "actor": {"user_id": "someone", "role": role},
            **fields,
        }
        self.commands.append(json.dumps(command).encode())
        return str(command_id)

    def start(
        self, on: str, plan: str = "pro", *, users: int = 0, numbers: int = 0, minimum: tuple[Any, Any] = (0, 0), **fields: Any
    ) -> str:
        defaults = {
            "role": "account_manager",
            "plan": plan,
            "term": "monthly",
            "currency": "USD",
            "country": "US",
            "timezone": self.zone,
            "minimum": {"user": minimum[0], "number": minimum[1]},
            "units": {"user": [f"u{n}" for n in range(users)], "number": [f"n{n}" for n in range(numbers)]},
        }
        return self.give(on, "subscription.start", **(defaults | fields))

    def add(self, on: str, unit: str, kind: str = "user", **fields: Any) -> str:
        return self.give(on, "unit.add", kind=kind, unit_id=unit, **fields)

    def remove(self, on: str, unit: str, kind: str = "user", **fields: Any) -> str:
        return self.give(on, "unit.remove", kind=kind, unit_id=unit, **fields)

    def buy(self, on: str, addon: str, quantity: Any = 1, **fields: Any) -> str:
        return self.give(on, "addon.purchase", addon=addon, quantity=quantity, **fields)

    def close(self, on: str, as_of: str | None = None, **fields: Any) -> str:
        return self.give(on, "cycle.close", as_of=as_of or on[:10], **({"role": "system"} | fields))

    def total(
        self, on: str, amount: str, messages: int = 1, *, country: str | None = "FR", category: str = "marketing", **fields: Any
    ) -> None:
        defaults: dict[str, Any] = {
            "account_id": self.account,
            "phone_number_id": "p1",
            "date": on,
            "country": country,
            "market": "France",
            "category": category,
            "outcome": "charged",
            "currency": "USD",
            "messages": messages,
            "cost": amount,
            "amount": amount,
        }
        self.totals.append(json.dumps(defaults | fields).encode())

    def run(self, until: str | None = None) -> Ran:
        return Ran(*bill(self.commands, self.plans, self.totals, None if until is None else date.fromisoformat(until)))


class Ran:
    """What came of it."""

    def __init__(self, events: list[dict[str, Any]], invoices: list[dict[str, Any]], rejected: list[dict[str, Any]]) -> None:
        self.events = events
        self.invoices = invoices
        self.rejected = rejected

    def event(self, command_id: str) -> dict[str, Any]:
        (found,) = [event for event in self.events if event["command_id"] == command_id]
        return found

    def reason(self, command_id: str) -> str | None:
        """Why it was refused; None where it was accepted."""
        event = self.event(command_id)
        assert (event["outcome"] == "refused") is (event["reason"] is not None)
        assert (event["outcome"] == "refused") is (event["effective"] is None)
        return None if event["reason"] is None else str(event["reason"])

    @property
    def heads(self) -> list[str]:
        """Each invoice in a line: kind, period, total."""
        return [f"{each['kind']} {each['period']['from']}…{each['period']['to']} {each['total']}" for each in self.invoices]

    def lines(self, index: int = -1) -> list[str]:
        """Each line of an invoice: name, quantity × unit price × months, period, amount."""
        return [
            " ".join(
                [
                    line["name"],
                    line["quantity"] if line["unit_price"] is None else f"{line['quantity']}×{line['unit_price']}×{line['months']}",
                    f"{line['period']['from']}…{line['period']['to']}",
                    line["amount"],
                ]
            )
            for section in self.invoices[index]["sections"]
            for line in section["lines"]
        ]

    def all_lines(self) -> list[dict[str, Any]]:
        return [line for invoice in self.invoices for section in invoice["sections"] for line in section["lines"]]
