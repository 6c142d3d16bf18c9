"""Volume tiers: which message of a portfolio's month lies in which band (contract §8).

"Tiers are counted per (portfolio_id, market, category family, calendar month of each message's account's zone), charged messages only;
authentication and its international variant are one family. They are marginal: the n-th message of the month costs the rate of the band
that holds n, on its own account's card. n runs through the month's totals in the order (date, account_id, phone_number_id, country,
category; compared as text, null first)."
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from tests.oracle.decision import Facts, Line
from tests.oracle.final_set import DeliveryKey
from tests.oracle.prices import Catalog, amount_of

FAMILIES = {"utility": "utility", "authentication": "authentication", "authentication_international": "authentication"}
"""A service message moves no tier (contract §2, decision 5); marketing has none."""


class CounterKey(NamedTuple):
    """What is counted together."""

    portfolio_id: str
    market: str
    family: str
    month: str


def counters_of(lines: Mapping[DeliveryKey, Line], facts: Mapping[DeliveryKey, Facts]) -> dict[CounterKey, list[Line]]:
    """The charged lines of each counter, in the order in which n runs through them."""
    counters: dict[CounterKey, list[Line]] = defaultdict(list)
    for key, line in lines.items():
        if line.outcome == "charged" and line.category in FAMILIES:
            portfolio = facts[key].profile.get("portfolio_id") or line.account_id
            counters[CounterKey(portfolio, line.market, FAMILIES[line.category], line.date[:7])].append(line)
    return {counter: sorted(each, key=_order) for counter, each in counters.items()}


def in_their_bands(lines: Mapping[DeliveryKey, Line], facts: Mapping[DeliveryKey, Facts], catalog: Catalog) -> dict[DeliveryKey, Line]:
    """The lines, each at the price of the band that holds its n. Within one total any message may be the one that crosses an edge."""
    priced = dict(lines)
    for counted in counters_of(lines, facts).values():
        for n, line in enumerate(counted, start=1):
            profile = facts[line.key].profile
            rows = catalog.rows_in_force(line.currency, line.market, line.category, line.date)
            bands = [catalog.rate_of(row) for row in rows]
            row = next(row for row in rows if int(row["tier_from"]) <= n and (row["tier_to"] == "" or n <= int(row["tier_to"])))
            rate, fee = catalog.rate_of(row), profile.get("fee")
            priced[line.key] = replace(
                line,
                cost=rate.rate,
                amount=amount_of(rate.rate, fee),
                tier=rate.tier,
                bands=frozenset((band.rate, amount_of(band.rate, fee), band.tier) for band in bands),
            )
    return priced


def tiers_of(lines: Iterable[Line]) -> dict[tuple[object, ...], dict[str, int]]:
    """How many messages of each total lie in which band, of the totals whose rate has several."""
    found: dict[tuple[object, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        if len(line.bands) > 1 and line.tier is not None:
            key = (
                line.account_id, line.key.phone_number_id, line.date, line.country, line.market, line.category, line.outcome, line.currency
            )  # fmt: skip
            found[key][line.tier] += 1
    return {key: dict(each) for key, each in found.items()}


def _order(line: Line) -> tuple[str, str, str, bool, str, str]:
    """Date, account, phone number, country, category; text, null first."""
    return (line.date, line.account_id, line.key.phone_number_id, line.country is not None, line.country or "", line.category)
