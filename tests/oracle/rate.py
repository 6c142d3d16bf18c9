"""All events -> the final set -> sort -> price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.oracle.decision import Facts, Line, Unrated, facts_of, line_of
from tests.oracle.final_set import Delivery, DeliveryKey, deliveries_of, events_that_count
from tests.oracle.free_entry_points import FreeEntryPoint, free_entry_points
from tests.oracle.prices import read_catalog
from tests.oracle.reading import Event, RejectedError, read_event
from tests.oracle.tiers import in_their_bands, tiers_of
from tests.oracle.totals import Total, TotalKey, totals_of


@dataclass
class Result:
    """What the events amount to, however they arrived."""

    rejected: dict[int, str] = field(default_factory=dict)
    """Reason by position in the input."""
    lines: dict[DeliveryKey, Line] = field(default_factory=dict)
    unrated: dict[DeliveryKey, Unrated] = field(default_factory=dict)
    voided: set[DeliveryKey] = field(default_factory=set)
    """Taken back for good: nothing is due, and no place in the allowance is theirs."""
    totals: dict[TotalKey, Total] = field(default_factory=dict)
    tiers: dict[tuple[object, ...], dict[str, int]] = field(default_factory=dict)
    """By total, how many of its messages lie in which volume band."""
    events: list[Event] = field(default_factory=list)
    """Those that count, one of each identity."""
    deliveries: list[Delivery] = field(default_factory=list)
    facts: dict[DeliveryKey, Facts] = field(default_factory=dict)
    points: list[FreeEntryPoint] = field(default_factory=list)


def rate_all(
    events: Iterable[bytes],
    profiles: Sequence[Mapping[str, Any]],
    catalog_texts: Mapping[str, str],
    *,
    allowance: int = 1000,
    window_basis: str = "delivered",
    commands: Iterable[Mapping[str, Any]] = (),
    known_at: str = "9999",
) -> Result:
    """Rates a whole input. `events` are records without line ends, blank ones skipped; profiles are all versions, in any order.

    Of `commands` only a void changes what is due; once or often, before or after the events, is all the same. `known_at`: by cards as they
    were known on a date.
    """
    result = Result()
    catalog = replace(read_catalog(catalog_texts), known_at=known_at)
    read = []
    for index, raw in enumerate(events):
        if raw.strip() == b"":
            continue
        try:
            read.append(read_event(raw))
        except RejectedError as rejected:
            result.rejected[index] = str(rejected)

    result.events = events_that_count(read)
    result.deliveries = deliveries_of(result.events)
    result.points = free_entry_points(result.events)
    void = voided(commands)
    for delivery in result.deliveries:
        if not void.isdisjoint({delivery.key, delivery.key._replace(participant="")}):
            result.voided.add(delivery.key)
            continue
        found = facts_of(delivery, result.events, result.points, profiles, catalog, window_basis)
        if isinstance(found, Facts):
            result.facts[delivery.key] = found
        else:
            result.unrated[delivery.key] = found

    for key, facts in result.facts.items():
        line = line_of(facts, places_before(facts, result.facts.values()), allowance, catalog)
        if isinstance(line, Line):
            result.lines[key] = line
        else:
            result.unrated[key] = line
    result.lines = in_their_bands(result.lines, result.facts, catalog)
    result.tiers = tiers_of(result.lines.values())
    result.totals = totals_of(result.lines.values())
    return result


def voided(commands: Iterable[Mapping[str, Any]]) -> set[DeliveryKey]:
    """What the voids among commands name: a member's copy, or, with the empty participant, every copy of a message."""
    return {
        DeliveryKey(command["phone_number_id"], message_id, command.get("participant") or "")
        for command in commands
        if command["type"] == "void"
        for message_id in command["message_ids"]
    }


def places_before(facts: Facts, others: Iterable[Facts]) -> int:
    """How many service messages of the same phone number and month took a place in the allowance before this one."""
    return sum(other.takes_a_place and other.allowance_counter == facts.allowance_counter and other.order < facts.order for other in others)
