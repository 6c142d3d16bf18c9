"""What two ratings of one history differ by: account by account, country by country, category by category."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rating.money import Nanos, format_nanos
from streams.results import Results, Sum


class Key(NamedTuple):
    """One row. An account has one currency, so no sum mixes two."""

    account_id: str
    currency: str
    country: str | None
    category: str


class Figures(Sum):
    """What one side comes to."""

    __slots__ = ()

    def record(self) -> dict[str, Any]:
        """As JSON writes it: money as decimal texts."""
        return {
            "charged": self.charged,
            "free": self.free,
            "cost": format_nanos(Nanos(self.cost)),
            "amount": format_nanos(Nanos(self.amount)),
        }


@dataclass(slots=True)
class Row:
    """Both sides of one key."""

    before: Figures = field(default_factory=Figures)
    after: Figures = field(default_factory=Figures)

    @property
    def differs(self) -> bool:
        """Whether anything does: money or who is charged."""
        return self.before != self.after


def difference(before: Results, after: Results) -> list[tuple[Key, Row]]:
    """Every key that either side has, in order, null countries first."""
    rows: defaultdict[Key, Row] = defaultdict(Row)
    for total in before.totals():
        rows[_key(total)].before.add(total)
    for total in after.totals():
        rows[_key(total)].after.add(total)
    return sorted(rows.items(), key=lambda item: [(part is not None, part or "") for part in item[0]])


def records(rows: Iterable[tuple[Key, Row]]) -> Iterable[dict[str, Any]]:
    """The rows as JSON lines."""
    for key, row in rows:
        yield {
            "v": 1,
            **key._asdict(),
            "before": row.before.record(),
            "after": row.after.record(),
            "difference": {
                "cost": format_nanos(Nanos(row.after.cost - row.before.cost)),
                "amount": format_nanos(Nanos(row.after.amount - row.before.amount)),
            },
        }


def _key(total: Mapping[str, Any]) -> Key:
    return Key(total["account_id"], total["currency"], total["country"], total["category"])
