"""Verdicts and prices."""

from __future__ import annotations

from tests.laws.check import Checked
from tests.laws.situations.registry import a_delivery, a_line, a_rated_delivery, situation, unrated
from tests.oracle import Line
from tests.oracle.decision import SECOND_RULEBOOK, Facts
from tests.oracle.final_set import Delivery
from tests.oracle.prices import amount_of

PRICED_AS_UTILITY = ("United Kingdom", "Brazil", "Other")
"""Markets whose cards have no row for service."""


def _types(delivery: Delivery) -> set[str]:
    return {event.pricing_type for event in (delivery.sent, delivery.delivered, delivery.read) if event and event.pricing_type is not None}


def _is_counted_service(line: Line) -> bool:
    return line.category == "service" and line.rulebook == SECOND_RULEBOOK


def _is_priced_as_utility(line: Line) -> bool:
    return (line.category, line.outcome) == ("service", "charged") and line.market in PRICED_AS_UTILITY


def _takes_none_by_metas_word(each: Facts) -> bool:
    counted = each.category == "service" and each.rulebook == SECOND_RULEBOOK
    return counted and each.delivery.pricing_type == "regular" and not each.in_free_entry_point and not each.delivery.is_reaction


a_line("Meta charges what we would not", lambda line: (line.outcome, line.reason) == ("charged", "meta_pricing"))
a_line("Meta frees what we would charge", lambda line: (line.outcome, line.reason) == ("free", "meta_pricing"))
a_line("Meta agrees", lambda line: line.meta is not None and line.meta[1])
a_delivery("several of Meta's types that differ", lambda delivery: len(_types(delivery)) > 1)
a_line("free by Meta's word beyond the allowance", lambda line: _is_counted_service(line) and line.meta == ("free_customer_service", False))
a_rated_delivery("measured against the allowance, taking no place", _takes_none_by_metas_word)
unrated("an unknown word of Meta's", "unknown_pricing")
unrated("an unknown category", "unknown_category")
unrated("no category at all", "no_category")
unrated("no rate", "no_rate")
a_line("a business's reaction is free", lambda line: line.reason == "reaction")
a_line("utility in the window is charged since 2026-10-01", lambda line: (line.outcome, line.reason) == ("charged", "in_window"))
a_line("a price of 0 is charged", lambda line: line.outcome == "charged" and line.cost == 0)
a_line("service at the price of utility", _is_priced_as_utility)
a_rated_delivery(
    "authentication becomes international",
    lambda each: each.category == "authentication_international" and each.delivery.category == "authentication",
)
a_rated_delivery(
    "authentication international, explicitly",
    lambda each: each.delivery.category == "authentication_international",
)


@situation("a fee that has to be rounded")
def _rounded_fee(checked: Checked) -> bool:
    for key, line in checked.oracle.lines.items():
        fee = checked.oracle.facts[key].profile.get("fee")
        if fee and amount_of(line.cost, fee) != amount_of(line.cost, {**fee, "decimals": 9}):
            return True
    return False
