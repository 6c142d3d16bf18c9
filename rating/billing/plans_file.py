"""Reads a plans file: TOML text into `Plans`, or every problem it has at once.

Source: billing.md §2.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import blake2b
from importlib.resources import files
from typing import Any, Final, NamedTuple

from rating.billing.currency import is_known
from rating.billing.plans import Addon, Item, Plan, Plans, PlansProblemsError, Prices

_TERMS: Final = ("monthly", "annual")
_PRICED: Final = (*_TERMS, "by_country")
_PLAN: Final = (
    "name", "section", "cycle", "proration", "additional_units", "additional_user_includes_addons", "base", "user", "number",
    "additional_user", "additional_number", "addons", "includes",
)  # fmt: skip
_ADDON: Final = ("name", "section", "seats", "commitment", "consumption", "trial_days", "quote", *_PRICED)
_SETTINGS: Final = ("grace_days", "admin_may_request_quote")

_is_price = re.compile(r"[0-9]+(\.[0-9]+)?").fullmatch
_is_country = re.compile(r"[A-Z]{2}").fullmatch


def shipped_example() -> str:
    """The plans file that comes with Wameter: names and structure of the documents it was built from, prices as examples."""
    return files("rating.billing").joinpath("data/example.toml").read_text(encoding="utf-8")


def read_plans(text: str) -> Plans:
    """The plans of a file's text. Raises `PlansProblemsError` with all problems; each begins with the dotted name of its place."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlansProblemsError([f"is not TOML ({error}); see docs/reference/plans.md for an example"]) from None
    problems: list[str] = []
    root = _Table("", document, problems)
    root.only("plans", "addons", "settings")
    addons = {key: _addon(place, key, table) for place, (key, table) in enumerate(root.tables("addons"))}
    plans = {key: _plan(key, table, addons) for key, table in root.tables("plans")}
    settings = root.table("settings")
    settings.only(*_SETTINGS)
    result = Plans(
        plans,
        addons,
        grace_days=settings.count("grace_days"),
        admin_may_request_quote=settings.flag("admin_may_request_quote"),
        fingerprint=blake2b(text.encode(), digest_size=16).hexdigest(),
    )
    if problems:
        raise PlansProblemsError(problems)
    return result


def _plan(key: str, table: _Table, addons: Mapping[str, Addon]) -> Plan:
    table.only(*_PLAN)
    name = table.name()
    base = table.table("base") if "base" in table.values else None
    if base is not None:
        base.only(*_PRICED)
    return Plan(
        key=key,
        name=name,
        section=table.text("section", name),
        cycle=table.choice("cycle", ("month", "30-days"), "month"),
        proration=table.choice("proration", ("actual-inclusive", "fixed-30-exclusive"), "actual-inclusive"),
        additional_units=table.choice("additional_units", ("immediate", "cycle"), "immediate"),
        additional_user_includes_addons=table.flag("additional_user_includes_addons"),
        base=None if base is None else base.prices(),
        minimum=(table.item("user", "Users"), table.item("number", "Numbers")),
        additional=(table.item("additional_user", "Additional users"), table.item("additional_number", "Additional numbers")),
        addons=table.references("addons", addons),
        includes=table.references("includes", addons),
    )


def _addon(place: int, key: str, table: _Table) -> Addon:
    table.only(*_ADDON)
    return Addon(
        key=key,
        place=place,
        name=table.name(),
        section=table.text("section", None),
        seats=table.choice("seats", ("provisioned", "account", "plain"), None),
        commitment=table.choice("commitment", ("plan", "cycle"), "plan"),
        prices=table.prices(),
        consumption=table.flag("consumption"),
        trial_days=table.count("trial_days"),
        quote=table.flag("quote"),
    )


class _Table(NamedTuple):
    """A table of the document with its place; what is wrong goes to `problems`, and a value that will never be used comes back."""

    place: str
    values: Mapping[str, Any]
    problems: list[str]

    def wrong(self, key: str, what: str) -> None:
        self.problems.append(f"{self.within(key)}: {what}")

    def within(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def only(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                self.wrong(key, f"is no key here; the keys are {', '.join(known)}")

    def table(self, key: str) -> _Table:
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.wrong(key, "must be a table")
            value = {}
        return _Table(self.within(key), value, self.problems)

    def tables(self, key: str) -> Iterable[tuple[str, _Table]]:
        inner = self.table(key)
        return [(name, inner.table(name)) for name in inner.values]

    def name(self) -> str:
        value = self.values.get("name")
        if not isinstance(value, str) or not value:
            self.wrong("name", "is missing; write the name that invoices print" if value is None else "must be text that is not empty")
            return ""
        return value

    def text(self, key: str, default: Any) -> Any:
        value = self.values.get(key, default)
        if key in self.values and (not isinstance(value, str) or not value):
            self.wrong(key, "must be text that is not empty")
        return value

    def flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.wrong(key, "must be true or false")
            return False
        return value

    def count(self, key: str) -> int:
        value = self.values.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 36_500:
            self.wrong(key, "must be a whole number of days from 0 to 36500")
            return 0
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None) -> Any:
        value = self.values.get(key, default)
        if value not in choices:
            what = "is missing; write" if value is None else "must be"
            self.wrong(key, f"{what} one of {', '.join(choices)}")
        return value

    def references(self, key: str, addons: Mapping[str, Addon]) -> frozenset[str]:
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self.wrong(key, "must be a list of add-ons")
            return frozenset()
        for name in value:
            if name not in addons:
                self.wrong(key, f'"{name}" is no add-on of this file; define [addons.{name}], or take it out')
        return frozenset(value)

    def item(self, key: str, default_name: str) -> Item:
        if key not in self.values:
            return Item(default_name)
        table = self.table(key)
        table.only("name", *_PRICED)
        return Item(table.name(), table.prices())

    def prices(self) -> Prices:
        countries = self.table("by_country") if "by_country" in self.values else None
        by_country = {}
        for country, table in self.tables("by_country"):
            if _is_country(country) is None:
                self.wrong(f"by_country.{country}", "is no country; write two capitals, such as FR")
            table.only(*_TERMS)
            by_country[country] = table.amounts()
        has_table = countries is not None or any(term in self.values for term in _TERMS)
        return Prices(self.amounts() if has_table else None, by_country)

    def amounts(self) -> dict[tuple[str, str], Decimal]:
        found = {}
        for term in _TERMS:
            table = self.table(term)
            for currency, price in table.values.items():
                if not is_known(currency):
                    table.wrong(currency, "is no currency of ISO 4217; write a code such as USD")
                if not isinstance(price, str) or _is_price(price) is None:
                    table.wrong(currency, 'is no price; write a decimal of at least 0 as text, such as "15.00"')
                else:
                    found[term, currency] = Decimal(price)
        return found
