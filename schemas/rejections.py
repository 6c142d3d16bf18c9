"""Why a record is refused: reason codes that never change their meaning, and the order in which they apply.

Source: contract §2, "Rejected, first that applies".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

TOO_LARGE: Final = "too_large"
INVALID_JSON: Final = "invalid_json"
INVALID_FIELD: Final = "invalid_field"
UNSUPPORTED_VERSION: Final = "unsupported_version"
UNKNOWN_TYPE: Final = "unknown_type"
TIME_OUT_OF_RANGE: Final = "time_out_of_range"
PROFILE_CONFLICT: Final = "profile_conflict"
"""Of profiles only: a valid one that contradicts what is known of its account."""
TOO_LATE: Final = "too_late"
"""In the stream only, of valid events: what they would change is forgotten."""
CATALOG_CONFLICT: Final = "catalog_conflict"
"""Of commands only: a valid one that names a catalog which is not in force when its turn comes."""

REASONS: Final = (TOO_LARGE, INVALID_JSON, UNSUPPORTED_VERSION, UNKNOWN_TYPE, INVALID_FIELD, TIME_OUT_OF_RANGE)
"""In the order in which they apply to a JSON object; JSON that is no object is `invalid_field` at once."""


class Rejection(NamedTuple):
    """A refused record. A publisher mends it and sends it again; the stream goes on without it."""

    reason: str
    """Stable code, one of `REASONS`, `PROFILE_CONFLICT`, `TOO_LATE` or `CATALOG_CONFLICT`: what programs look at."""
    detail: str
    """Every problem, `field: what is wrong`, joined by `; `. Names fields and rules, never values: they may be personal."""


class Problem(NamedTuple):
    """One thing that is wrong with one field."""

    reason: str
    field: str
    """Dotted path, `pricing.type`; empty for the record as a whole."""
    sentence: str

    def __str__(self) -> str:
        return f"{self.field}: {self.sentence}" if self.field else self.sentence


def rejection_of(problems: Sequence[Problem]) -> Rejection:
    """One rejection for all problems of a record: the reason is the first that applies, the detail names them all.

    A record of another version is judged by its version alone: its fields follow rules that are not known here.
    """
    reason = min((problem.reason for problem in problems), key=REASONS.index)
    if reason == UNSUPPORTED_VERSION:
        problems = [problem for problem in problems if problem.reason == reason]
    return Rejection(reason, "; ".join(dict.fromkeys(map(str, problems))))
