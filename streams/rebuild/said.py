"""What METER has said of one partition: what is published and what a replay would publish, read in the same way.

Of a line counts what it says of its delivery. Its revision and ids are how it says that, and which of several volume bands prices it is no
decision: the messages of a month are divided over the bands by adjustments, and totals say what that comes to.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from hashlib import blake2b
from sys import intern
from typing import Any, Final, NamedTuple

import orjson

from rating.lines import CHARGE
from rating.stage import Output
from rating.tiers.naming import COUNTS
from rating.tiers.tallies import ADJUSTMENT
from streams.results import COMPLIANCE, RATED, REJECTED, TOTALS, UNRATED, nanos

OUTPUTS: Final = (RATED, TOTALS, UNRATED, REJECTED, COUNTS, COMPLIANCE)

_HOW_IT_IS_SAID: Final = ("line_id", "kind", "revision", "reverses", "cause")
_BAND: Final = ("tier", "cost", "amount")
_WHOLE: Final = (None, "1:MAX")
"""The tier of a rate that has no volume bands."""
_PHONE: Final = 1
"""Which field of a total's key is the phone number."""


class Line(NamedTuple):
    """A charge or a reversal of one delivery."""

    revision: int
    is_charge: bool
    content: bytes
    """A hash of what it says, the volume band left out."""
    band: tuple[str | None, str, str]
    """Tier, cost and amount."""
    shown: str
    """In words: what it charges, for people."""

    @property
    def in_a_band(self) -> bool:
        """Whether its rate has volume bands."""
        return self.band[0] not in _WHOLE


class Said:
    """Everything said of a partition, taken in record by record."""

    def __init__(self) -> None:
        self.lines: defaultdict[str, list[Line]] = defaultdict(list)
        """Charges and reversals by delivery, in the order of the log for one account."""
        self.adjusted: dict[str, int] = {}
        """The newest revision of the adjustments of a tally, by its state key in hexadecimal."""
        self.totals: dict[bytes, tuple[int, int, int]] = {}
        """Messages, cost and amount in nanos by key; a total that came to nothing is none."""
        self.unrated: dict[str, bytes] = {}
        """The latest record by delivery."""
        self.counts: dict[bytes, int] = {}
        """Messages by tally; none where there are none."""
        self.happened: Counter[Hashable] = Counter()
        """How often a record was refused, by its place; how often a verdict was told and how often withdrawn."""
        self.first_known: str | None = None
        """As known when the first line was priced; None before there is one."""
        self._first_at_ms: int | None = None

    def take(self, outputs: Iterable[Output]) -> None:
        """Takes in what a step put out."""
        for output in outputs:
            self.hear(output.topic, output.key, output.value, output.headers)

    def hear(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]] = (), at_ms: int | None = None
    ) -> None:
        """Takes in one record; topics that are none of METER's leave it as it is. `at_ms` is when it was published."""
        if topic == RATED:
            self._rated(orjson.loads(value or b"{}"), at_ms)
        elif topic == UNRATED and key is not None:
            _put(self.unrated, key.decode(), value)
        elif topic == TOTALS and key is not None and value is not None:
            total = orjson.loads(value)
            figures = total["messages"], nanos(total["cost"]), nanos(total["amount"])
            _put(self.totals, key, figures if any(figures) else None)
        elif topic == COUNTS and key is not None and value is not None:
            _put(self.counts, key, orjson.loads(value)["messages"] or None)
        else:
            for event in _events(topic, value, headers):
                self.happened[event] += 1

    def in_force(self, delivery: str) -> list[Line]:
        """What is charged of a delivery: charges that no reversal takes back. More than one, or a reversal of nothing, is a mistake."""
        standing: list[Line] = []
        for line in sorted(self.lines.get(delivery, ()), key=lambda line: (line.revision, not line.is_charge)):
            if not line.is_charge and standing and (standing[-1].revision, standing[-1].content) == (line.revision, line.content):
                standing.pop()
            else:
                standing.append(line)
        return standing

    def revision(self, delivery: str) -> int:
        """Of the newest line of a delivery; 0 before the first."""
        return max((line.revision for line in self.lines.get(delivery, ())), default=0)

    def verdicts(self) -> Counter[Hashable]:
        """What stands against messages: told, and not withdrawn."""
        standing: Counter[Hashable] = Counter()
        for event, times in self.happened.items():
            match event:
                case ("verdict", is_withdrawn, *name):
                    standing[tuple(name)] += -times if is_withdrawn else times
        return Counter({name: times for name, times in standing.items() if times})

    def evidence(self, outputs: Iterable[Output], others: Said) -> bool | None:
        """Whether a step was committed, by what it would put out: all of it was said here, beyond what the `others` have said already.

        None where it puts out nothing that stays: the latest record of a key tells nothing of those before it.
        """
        wanted: Counter[Hashable] = Counter()
        for output in outputs:
            if output.topic == RATED:
                line = orjson.loads(output.value or b"{}")
                if line["kind"] != ADJUSTMENT:
                    read = _line(line)
                    wanted["line", line["delivery_id"], read.is_charge, read.content] += 1
            else:
                wanted.update(_events(output.topic, output.value, output.headers))
        if not wanted:
            return None
        return all(self._times(what) >= others._times(what) + times for what, times in wanted.items())

    def latest_of(self, outputs: Iterable[Output]) -> list[bool]:
        """Of each record that stands under a key, a tombstone too: whether it is the latest of its key here."""
        told = Said()
        keyed = [(output.topic, output.key or b"", output.value) for output in outputs if output.topic in (UNRATED, TOTALS, COUNTS)]
        for topic, key, value in keyed:
            told.hear(topic, key, value)
        return [told._latest(topic, key) == self._latest(topic, key) for topic, key, _ in keyed]

    def _latest(self, topic: str, key: bytes) -> object:
        if topic == UNRATED:
            return self.unrated.get(key.decode())
        return (self.totals if topic == TOTALS else self.counts).get(key)

    def _times(self, what: Hashable) -> int:
        match what:
            case ("line", str(delivery), is_charge, content):
                return sum(line.is_charge == is_charge and line.content == content for line in self.lines.get(delivery, ()))
        return self.happened[what]

    def _rated(self, line: dict[str, Any], at_ms: int | None) -> None:
        if line["kind"] == ADJUSTMENT:
            tally = line["line_id"].partition("-")[0]
            self.adjusted[tally] = max(line["revision"], self.adjusted.get(tally, 0))
            return
        self.lines[line["delivery_id"]].append(_line(line))
        if at_ms is not None and (self._first_at_ms is None or at_ms < self._first_at_ms):
            self._first_at_ms, self.first_known = at_ms, line.get("known_at") or ""


def phone_number_of(topic: str, key: bytes | None, value: bytes | None) -> str | None:
    """Whose METER has published a record; None of one that is of no phone number."""
    if topic in (TOTALS, COUNTS):
        phone_number_id = orjson.loads(key or b"[]")[_PHONE:][:1]
        return str(phone_number_id[0]) if phone_number_id else None
    found = orjson.loads(value or b"{}").get("phone_number_id") if topic in (RATED, UNRATED, COMPLIANCE) else None
    return None if found is None else str(found)


def _line(line: dict[str, Any]) -> Line:
    content = {name: said for name, said in line.items() if name not in (*_HOW_IT_IS_SAID, *_BAND)}
    tier, cost, amount = (line[name] for name in _BAND)
    shown = intern(f"{line['outcome']} {amount} {line['currency']}, {line['category']}, {line['market']}, {line['date']}")
    name = blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    return Line(line["revision"], line["kind"] == CHARGE, name, (tier, intern(cost), intern(amount)), shown)


def _events(topic: str, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Iterator[Hashable]:
    """What of a record stays, whatever comes after it."""
    if topic == REJECTED:
        said = dict(headers)
        yield "refused", said.get("topic", b"").decode(), int(said.get("partition", b"-1")), int(said.get("offset", b"-1"))
    elif topic == COMPLIANCE and value is not None:
        told = orjson.loads(value)
        names = ("delivery_id", "kind", "account_id", "sender_id", "time")
        yield "verdict", bool(told.get("withdrawn")), *(told.get(name) for name in names)


def _put(records: dict[Any, Any], key: Hashable, value: Any) -> None:
    if value is None:
        records.pop(key, None)
    else:
        records[key] = bytes(memoryview(value)) if isinstance(value, bytes) else value
