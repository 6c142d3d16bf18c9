"""Rulebooks: what is billable, as dated data.

A rulebook says for each category what a delivered message is inside and outside a customer service window, and for which category an
allowance counts. It is chosen by the local date of the billing instant in the account's zone. What it costs is the rate card's matter.

Sources: seed S003 (rulebook 2025-07-01); Meta, "Pricing on the WhatsApp Business Platform" and its update of 2026-10-01; contract §2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from rating.ids import LocalDate

CHARGED: Final = "charged"
FREE: Final = "free"


class Verdict(NamedTuple):
    """Whether a message is charged, and why."""

    outcome: str
    """`charged` or `free`."""
    reason: str
    """A stable code: docs/reference/reasons.md."""


@dataclass(frozen=True, slots=True)
class Clause:
    """What one category is under a rulebook."""

    inside: Verdict
    """Delivered in an open customer service window."""
    outside: Verdict
    beyond_allowance: Verdict | None = None
    """Set where the monthly allowance counts: what a message is once its places are taken."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The clauses in force from a local date on."""

    id: str
    valid_from: LocalDate
    clauses: Mapping[str, Clause]
    """By category; these are all categories there are."""


def _either_way(verdict: Verdict) -> Clause:
    return Clause(inside=verdict, outside=verdict)


IN_FREE_ENTRY_POINT: Final = Verdict(FREE, "free_entry_point")
REACTION: Final = Verdict(FREE, "reaction")

_ALWAYS_CHARGED: Final = {
    "marketing": _either_way(Verdict(CHARGED, "marketing")),
    "authentication": _either_way(Verdict(CHARGED, "authentication")),
    "authentication_international": _either_way(Verdict(CHARGED, "authentication")),
}

RULEBOOKS: Final = (
    Rulebook(
        id="2025-07-01",
        valid_from=LocalDate("2025-07-01"),
        clauses={
            **_ALWAYS_CHARGED,
            "utility": Clause(inside=Verdict(FREE, "in_window"), outside=Verdict(CHARGED, "outside_window")),
            "service": _either_way(Verdict(FREE, "service")),
        },
    ),
    Rulebook(
        id="2026-10-01",
        valid_from=LocalDate("2026-10-01"),
        clauses={
            **_ALWAYS_CHARGED,
            "utility": Clause(inside=Verdict(CHARGED, "in_window"), outside=Verdict(CHARGED, "outside_window")),
            "service": Clause(
                inside=Verdict(FREE, "allowance"),
                outside=Verdict(FREE, "allowance"),
                beyond_allowance=Verdict(CHARGED, "allowance_used"),
            ),
        },
    ),
)
"""Oldest first."""

CATEGORIES: Final = frozenset(RULEBOOKS[0].clauses)


def rulebook_on(date: LocalDate) -> Rulebook | None:
    """The rulebook in force on a local date; None before the first one."""
    for rulebook in reversed(RULEBOOKS):
        if rulebook.valid_from <= date:
            return rulebook
    return None
