"""Conservation, recomputed from the topics alone: did every event and every delivery end up on exactly one side?

Two ledgers (architecture, conservation). Events: read = rejected + duplicate + superseded + informational + applied. Deliveries with
a billing instant: charged + free + unrated + pending + voided. METER keeps its own tallies as it goes; here both are counted again
from what lies in the topics, with a bookkeeping of identities that shares no code with METER's. "Accepted but silently never billed"
cannot hide from both.

It reaches as far back as the topics do: what retention deleted is missed, and said to be missing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from rating.ids import delivery_id
from rating.stage import Record
from rating.windows import OPENS_NO_WINDOW
from schemas.commands import Void, decode_command
from schemas.decode import Event, Rejection, decode_event
from streams.results import TOTAL_KEY, nanos

MESSAGES: Final = "whatsapp.messages"
COMMANDS: Final = "rating.commands"

EVENT_SIDES: Final = ("applied", "duplicate", "superseded", "informational", "rejected")
DELIVERY_SIDES: Final = ("charged", "free", "unrated", "pending", "voided")

_Identity = tuple[str, str, str, str]
_EXAMPLES: Final = 3
_OUTCOME: Final = TOTAL_KEY.index("outcome")


@dataclass(slots=True)
class Finding:
    """A law that does not hold: how often, and a few places to look at."""

    law: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """One more case."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(example)


@dataclass(slots=True, frozen=True)
class Known:
    """The event that counts of its identity."""

    time_ms: int
    event_id: str
    content: int
    """A hash of its bytes."""
    side: str


class Line(NamedTuple):
    """What must be known of a charge that is in force."""

    delivery_id: str
    total: tuple[Any, ...]
    cost: str
    amount: str


class Audit:
    """Takes records in, topic by topic and partition by partition, in log order; then answers.

    Feed `MESSAGES` only up to where the pipeline has read, or what it has yet to read shows as a difference.
    """

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.lines = 0
        self.unlike_copies = 0
        """Different events of one identity with one time and one id: which of them counts is METER's to say, so which of the two is
        the duplicate and which was superseded can't be told here; their sum can."""
        self._counted: dict[_Identity, Known] = {}
        self._rejects_due: set[tuple[int, int]] = set()
        self._rejects_seen: Counter[tuple[int, int]] = Counter()
        self._late: set[tuple[int, int]] = set()
        self._live: dict[str, Line] = {}
        self._live_of: defaultdict[str, list[str]] = defaultdict(list)
        self._line_ids: set[str] = set()
        self._sums: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
        self._totals: dict[bytes, bytes] = {}
        self._unrated: set[str] = set()
        self._voids: set[tuple[str, str, str | None]] = set()
        """Phone number, message, and the one member whose copy is meant; None: every copy."""
        self._findings: dict[str, Finding] = {}

    # Taking records in: rejected first, since a record may be refused for reasons that only the stream knows

    def rejected(self, record: Record) -> None:
        """A record of `usage.rejected`."""
        headers = dict(record.headers)
        if headers.get("topic", b"").decode() != MESSAGES:
            return
        place = int(headers["partition"]), int(headers["offset"])
        self._rejects_seen[place] += 1
        if headers.get("reason") == b"too_late":
            self._late.add(place)

    def message(self, record: Record) -> None:
        """A record of `whatsapp.messages`."""
        place = record.partition, record.offset
        event = decode_event(record.value or b"")
        if isinstance(event, Rejection) or place in self._late:
            self._rejects_due.add(place)
            self.events["rejected"] += 1
            return
        identity = event.phone_number_id, event.message_id, event.participant or "", event.type
        challenger = Known(event.time_ms, event.id, hash(record.value), _side(event))
        known = self._counted.get(identity)
        if known is None:
            self._counted[identity] = challenger
            self.events[challenger.side] += 1
            return
        if (challenger.time_ms, challenger.event_id) == (known.time_ms, known.event_id) and challenger.content != known.content:
            self.unlike_copies += 1
        if (challenger.time_ms, challenger.event_id) < (known.time_ms, known.event_id):
            self._counted[identity] = challenger
            self.events[known.side] -= 1
            self.events[challenger.side] += 1
            self.events["superseded"] += 1
        else:
            self.events["duplicate"] += 1

    def line(self, record: Record) -> None:
        """A record of `usage.rated`."""
        line = orjson.loads(record.value or b"{}")
        self.lines += 1
        line_id, kind = line["line_id"], line["kind"]
        if line_id in self._line_ids:
            self._find("every line id appears once", line_id)
        self._line_ids.add(line_id)
        total = tuple(line[name] for name in TOTAL_KEY)
        if kind == "adjustment":
            self._add(total, 0, nanos(line["cost"]), nanos(line["amount"]))
            return
        what = Line(line["delivery_id"], total, line["cost"], line["amount"])
        sign = 1
        if kind == "charge":
            self._live[line_id] = what
            self._live_of[what.delivery_id].append(line_id)
        elif kind == "reversal":
            sign = -1
            self._take_back(line_id, line["reverses"], what)
        self._add(total, sign, sign * nanos(line["cost"]), sign * nanos(line["amount"]))

    def total(self, record: Record) -> None:
        """A record of `usage.totals`."""
        if record.key is not None and record.value is not None:
            self._totals[record.key] = bytes(record.value)

    def unrated(self, record: Record) -> None:
        """A record of `usage.unrated`."""
        key = (record.key or b"").decode()
        if record.value is None:
            self._unrated.discard(key)
        else:
            self._unrated.add(key)

    def command(self, record: Record) -> None:
        """A record of `rating.commands`: what METER refuses changes nothing."""
        command = decode_command(record.value or b"")
        if isinstance(command, Void) and record.key == command.phone_number_id.encode():
            for message_id in command.message_ids:
                self._voids.add((command.phone_number_id, message_id, command.participant))

    # Answers

    @property
    def read(self) -> int:
        """Events read."""
        return sum(self.events[side] for side in EVENT_SIDES)

    def deliveries(self) -> Counter[str]:
        """How many deliveries with a billing instant are on each side. One on two sides, or on one without an instant, is a finding."""
        sides: Counter[str] = Counter()
        billed = {
            delivery_id(phone_number_id, message_id, participant): self._is_void(phone_number_id, message_id, participant)
            for phone_number_id, message_id, participant, kind in self._counted
            if kind in ("message.delivered", "message.read")
        }
        for delivery, is_void in billed.items():
            live = self._live_of.get(delivery, [])
            if len(live) > 1 or (live and delivery in self._unrated):
                self._find("a delivery is rated once, or unrated, never both", delivery)
            if live:
                sides[self._live[live[0]].total[_OUTCOME]] += 1
            else:
                sides["unrated" if delivery in self._unrated else "voided" if is_void else "pending"] += 1
        for delivery in (*(name for name, live in self._live_of.items() if live), *self._unrated):
            if delivery not in billed:
                self._find("what is rated or unrated was delivered or read", delivery)
        return sides

    def findings(self) -> list[Finding]:
        """Every law that does not hold, apart from the tallies that `differences` compares. Call it last."""
        self._check_totals()
        for place in self._rejects_due ^ self._rejects_seen.keys():
            self._find("every rejected record is in usage.rejected, and nothing else is", "partition {} offset {}".format(*place))
        for place, times in self._rejects_seen.items():
            if times > 1:
                self._find("a record is rejected once", "partition {} offset {}".format(*place))
        return list(self._findings.values())

    def _is_void(self, phone_number_id: str, message_id: str, participant: str) -> bool:
        return not self._voids.isdisjoint(
            {(phone_number_id, message_id, None), (phone_number_id, message_id, participant)}
            if participant
            else {(phone_number_id, message_id, None)}
        )

    def _check_totals(self) -> None:
        known = {tuple(total.get(name) for name in TOTAL_KEY): total for total in map(orjson.loads, self._totals.values())}
        for key in self._sums.keys() | known.keys():
            total = known.get(key)
            ours = self._sums.get(key, [0, 0, 0])
            theirs = [0, 0, 0] if total is None else [total["messages"], nanos(total["cost"]), nanos(total["amount"])]
            if ours != theirs:
                self._find("the lines of a total add up to it", " ".join("null" if part is None else str(part) for part in key))

    def _take_back(self, line_id: str, reverses: str, reversal: Line) -> None:
        charge = self._live.pop(reverses, None)
        if charge is None:
            self._find("a reversal takes back a line that is in force", line_id)
            return
        self._live_of[charge.delivery_id].remove(reverses)
        if charge != reversal:
            self._find("a reversal has the figures of what it takes back", line_id)

    def _add(self, total: tuple[Any, ...], messages: int, cost_nanos: int, amount_nanos: int) -> None:
        figures = self._sums[total]
        figures[0] += messages
        figures[1] += cost_nanos
        figures[2] += amount_nanos

    def _find(self, law: str, example: str) -> None:
        self._findings.setdefault(law, Finding(law)).add(example)


def _side(event: Event) -> str:
    """The side of an event that counts: `failed`, and messages from users that start nothing, inform only."""
    if event.type == "message.failed":
        return "informational"
    if event.type != "message.received":
        return "applied"
    opens = event.kind not in OPENS_NO_WINDOW and not event.edited
    return "applied" if opens or event.referral_source == "ad" else "informational"
