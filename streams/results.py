"""What the output topics say when read to the end: the totals in force, what is unrated, and how many records were rejected.

One reading of them, for the offline rater, for `wameter totals` and for the demo's comparison: whoever applies the same outputs in
order gets the same answer, wherever they came from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from rating.stage import Output

TOTALS: Final = "usage.totals"
UNRATED: Final = "usage.unrated"
REJECTED: Final = "usage.rejected"
COMPLIANCE: Final = "usage.compliance"
RATED: Final = "usage.rated"

TOTAL_KEY: Final = ("account_id", "phone_number_id", "date", "country", "market", "category", "outcome", "currency")
"""The fields that name a total (contract §5)."""

_COMPLIANCE_ORDER: Final = ("account_id", "phone_number_id", "time", "message_id", "delivery_id", "kind")
_UNRATED_ORDER: Final = ("account_id", "phone_number_id", "billed_at", "message_id", "delivery_id")


@dataclass(slots=True)
class Sum:
    """What several totals come to; of one currency, which is the caller's matter."""

    charged: int = 0
    free: int = 0
    cost: int = 0
    amount: int = 0
    """Cost and amount in nanos."""

    def add(self, total: Mapping[str, Any]) -> None:
        """Adds a record of `usage.totals`."""
        if total["outcome"] == "charged":
            self.charged += total["messages"]
        else:
            self.free += total["messages"]
        self.cost += nanos(total["cost"])
        self.amount += nanos(total["amount"])


class Results:
    """The latest record of each total and of each unrated delivery. Memory grows with those, not with the events."""

    def __init__(self, *, with_compliance: bool = False) -> None:
        """Compliance records are kept only where they are wanted."""
        self._compliance: dict[tuple[str, str], dict[str, Any]] | None = {} if with_compliance else None
        self._totals: dict[bytes, bytes] = {}
        self._unrated: dict[bytes, bytes] = {}
        self.lines = 0
        self.rejected: Counter[str] = Counter()
        """Rejected records by reason."""

    def apply(self, topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]] = ()) -> None:
        """Takes one output record in; topics that it doesn't know leave it as it is."""
        if topic == TOTALS:
            _keep(self._totals, key, value)
        elif topic == UNRATED:
            _keep(self._unrated, key, value)
        elif topic == RATED:
            self.lines += 1
        elif topic == COMPLIANCE:
            self._judge(value)
        elif topic == REJECTED:
            self.rejected[dict(headers).get("reason", b"").decode()] += 1

    def take(self, outputs: Iterable[Output]) -> None:
        """Takes in what a step appended."""
        totals, unrated, lines = self._totals, self._unrated, 0
        for output in outputs:
            topic = output.topic
            if topic == RATED:
                lines += 1
            elif topic == TOTALS and output.key is not None and output.value is not None:
                totals[output.key] = output.value
            elif topic == UNRATED:
                _keep(unrated, output.key, output.value)
            else:
                self.apply(topic, output.key, output.value, output.headers)
        self.lines += lines

    def add(self, others: Results) -> None:
        """Adds the results of others who have no total and no delivery in common with these."""
        self._totals |= others._totals
        self._unrated |= others._unrated
        self.lines += others.lines
        self.rejected.update(others.rejected)
        if self._compliance is not None:
            self._compliance |= others._compliance or {}

    def totals(self) -> list[dict[str, Any]]:
        """The totals in force, ordered by their key, null first; a total that came back to nothing is left out."""
        found = (orjson.loads(value) for value in self._totals.values())
        return sorted((total for total in found if not _is_nothing(total)), key=total_order)

    def unrated(self) -> list[dict[str, Any]]:
        """The deliveries that are unrated now, by account, phone number and billing instant."""
        found = (orjson.loads(value) for value in self._unrated.values())
        return sorted(found, key=lambda record: [_text(record.get(field)) for field in _UNRATED_ORDER])

    def compliance(self) -> list[dict[str, Any]]:
        """The compliance records that are not withdrawn, by account, phone number and time; none where they are not kept."""
        return sorted((self._compliance or {}).values(), key=lambda record: [_text(record.get(field)) for field in _COMPLIANCE_ORDER])

    def _judge(self, value: bytes | None) -> None:
        if self._compliance is None or value is None:
            return
        record = orjson.loads(value)
        name = record["delivery_id"], record["kind"]
        if record.get("withdrawn"):
            self._compliance.pop(name, None)
        else:
            self._compliance[name] = record

    @property
    def unrated_count(self) -> int:
        """How many deliveries are unrated now."""
        return len(self._unrated)

    @property
    def rejected_count(self) -> int:
        """How many records were rejected."""
        return self.rejected.total()


def total_order(total: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """Sorts totals by the eight fields of their key, null first."""
    return [_text(total.get(field)) for field in TOTAL_KEY]


def nanos(money: str) -> int:
    """A decimal string of money as a whole number of 10^-9. Exact for anything a total can hold."""
    return int(Decimal(money).scaleb(9))


def differences(ours: Iterable[Mapping[str, Any]], theirs: Iterable[Mapping[str, Any]]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Where two lists of totals differ: the key, and `messages / cost / amount` on either side."""
    left, right = ({tuple(total.get(field) for field in TOTAL_KEY): total for total in side} for side in (ours, theirs))
    for key in sorted(left.keys() | right.keys(), key=lambda parts: [_text(part) for part in parts]):
        a, b = _figures(left.get(key)), _figures(right.get(key))
        if a != b:
            yield dict(zip(TOTAL_KEY, key, strict=True)), _shown(a), _shown(b)


def _figures(total: Mapping[str, Any] | None) -> tuple[int, int, int]:
    return (0, 0, 0) if total is None else (total["messages"], nanos(total["cost"]), nanos(total["amount"]))


def _shown(figures: tuple[int, int, int]) -> str:
    messages, cost, amount = figures
    return f"{messages} / {Decimal(cost).scaleb(-9):f} / {Decimal(amount).scaleb(-9):f}"


def _is_nothing(total: Mapping[str, Any]) -> bool:
    return _figures(total) == (0, 0, 0)


def _text(value: object) -> tuple[bool, str]:
    return value is not None, str(value)


def _keep(records: dict[bytes, bytes], key: bytes | None, value: bytes | None) -> None:
    if key is None:
        return
    if value is None:
        records.pop(key, None)
    else:
        records[key] = bytes(memoryview(value))  # a copy: what orjson made would keep several kB alive
