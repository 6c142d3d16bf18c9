"""Watching what METER publishes, as a suspicious customer would: every step is checked, nothing is taken on trust."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rating.stage import Output
from tests.oracle import Total, TotalKey

DECIDED = (
    "account_id", "phone_number_id", "message_id", "delivery_id", "billed_at", "date", "country", "market", "category", "outcome",
    "reason", "currency", "cost", "amount", "rulebook", "card", "tier", "meta",
)  # fmt: skip
"""The fields of a line that are the decision; window, revision and ids are not."""

NOTHING = Total(0, Decimal(0), Decimal(0))


class LawBrokenError(AssertionError):
    """A law of the product does not hold; the message says which."""


def must(holds: bool, law: str, *evidence: object) -> None:
    """Raises `LawBrokenError` unless the law holds."""
    if not holds:
        raise LawBrokenError(f"{law}: {' | '.join(str(each) for each in evidence)}")


@dataclass
class Watch:
    """Everything published so far, and what follows from it."""

    line_ids: set[str] = field(default_factory=set)
    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The line in force, by delivery id."""
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """All lines of a delivery, in order."""
    unrated: dict[str, dict[str, Any]] = field(default_factory=dict)
    was_unrated: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """All reasons of a delivery, in order."""
    totals: dict[TotalKey, Total] = field(default_factory=dict)
    sums: dict[TotalKey, Total] = field(default_factory=lambda: defaultdict(lambda: NOTHING))
    tiers: dict[TotalKey, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    """By total, how many of its messages the lines price in which band."""
    counts: dict[TotalKey, dict[bytes | None, int]] = field(default_factory=lambda: defaultdict(dict))
    """By total, the newest count of each of its tallies."""
    adjustments: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    """Offset and reason."""
    compliance: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """What stands against a message, by delivery id and kind."""
    published: list[list[Output]] = field(default_factory=list)

    def step(self, outputs: list[Output], *, of_one_record: bool) -> None:
        """Takes the outputs of one step; raises `LawBrokenError` when they break a law."""
        self.published.append(outputs)
        totals_seen: set[TotalKey] = set()
        reversed_just_now: dict[str, Any] | None = None
        for output in outputs:
            line_before, reversed_just_now = reversed_just_now, None
            if output.topic == "usage.rated":
                line = json.loads(output.value or b"")
                must(output.key == line["account_id"].encode(), "a line's record key is its account", line)
                if line["kind"] == "adjustment":
                    self._adjustment(line)
                elif line["kind"] == "reversal":
                    self._reversal(line)
                    reversed_just_now = line
                else:
                    idle = of_one_record and line_before is not None and decided(line) == decided(line_before)
                    must(not idle, "a correction corrects something", line)
                    self._charge(line)
            elif output.topic == "usage.unrated":
                self._unrated(output)
            elif output.topic == "usage.totals":
                self._total(json.loads(output.value or b""), totals_seen)
            elif output.topic == "usage.counts":
                self._count(output)
            elif output.topic == "usage.compliance":
                self._compliance(json.loads(output.value or b""))
            else:
                must(output.topic == "usage.rejected", "METER publishes on its own topics", output.topic)
                headers = dict(output.headers)
                self.rejected.append((int(headers["offset"]), headers["reason"].decode()))
        if of_one_record:
            self._moves_nothing_else(outputs)
        self._nothing_is_both(outputs)
        self._lines_add_up()

    def _charge(self, line: dict[str, Any]) -> None:
        delivery, before = line["delivery_id"], self.lines[line["delivery_id"]]
        must(line["kind"] == "charge" and line["reverses"] is None, "a line is a charge or a reversal", line)
        must(delivery not in self.live, "a delivery has one line in force", line)
        last = before[-1]["revision"] if before else 0
        must(line["revision"] == last + 1, "revisions grow by one", last, line)
        self._publish(line, +1)
        self.live[delivery] = line

    def _reversal(self, line: dict[str, Any]) -> None:
        live = self.live.pop(line["delivery_id"], None)
        must(live is not None and line["reverses"] == live["line_id"], "a reversal takes back the line in force", line, live)
        assert live is not None
        ignored = {"line_id", "kind", "reverses", "cause"}
        same = all(line[name] == live[name] for name in live if name not in ignored)
        must(same, "a reversal has the figures of the line it takes back", line, live)
        self._publish(line, -1)

    def _publish(self, line: dict[str, Any], sign: int) -> None:
        must(line["line_id"] not in self.line_ids, "no line id comes twice", line)
        self.line_ids.add(line["line_id"])
        self.lines[line["delivery_id"]].append(line)
        key = TotalKey(*(line[name] for name in TotalKey._fields))
        self.tiers[key][line["tier"]] += sign
        so_far = self.sums[key]
        self.sums[key] = Total(
            so_far.messages + sign, so_far.cost + sign * Decimal(line["cost"]), so_far.amount + sign * Decimal(line["amount"])
        )

    def _adjustment(self, line: dict[str, Any]) -> None:
        must(line["line_id"] not in self.line_ids, "no line id comes twice", line)
        must(line["moved"] > 0 and line["tier_from"] != line["tier_to"], "an adjustment moves something", line)
        self.line_ids.add(line["line_id"])
        self.adjustments.append(line)
        key = TotalKey(*(line[name] for name in TotalKey._fields))
        so_far = self.sums[key]
        self.sums[key] = Total(so_far.messages, so_far.cost + Decimal(line["cost"]), so_far.amount + Decimal(line["amount"]))
        self.tiers[key][line["tier_from"]] -= line["moved"]
        self.tiers[key][line["tier_to"]] += line["moved"]

    def _count(self, output: Output) -> None:
        record = json.loads(output.value or b"")
        key = TotalKey(*(record[name] for name in TotalKey._fields))
        named = json.loads(output.key or b"")
        must(named[:8] == list(key) and named[8:] == [record["portfolio_id"], record["terms"]], "a count's record key is its total", record)
        must(self.counts[key].get(output.key) != record["messages"], "no count is told twice", record)
        self.counts[key][output.key] = record["messages"]

    def _unrated(self, output: Output) -> None:
        key = (output.key or b"").decode()
        if output.value is None:
            must(key in self.unrated, "a tombstone mends something that is unrated", key)
            del self.unrated[key]
            return
        record = json.loads(output.value)
        must(record["delivery_id"] == key, "an unrated record's key is its delivery", record)
        must(self.unrated.get(key) != record, "nothing unrated is published twice", record)
        self.unrated[key] = record
        self.was_unrated[key].append(record["reason"])

    def _total(self, record: dict[str, Any], seen: set[TotalKey]) -> None:
        key = TotalKey(*(record[name] for name in TotalKey._fields))
        must(key not in seen, "a step publishes a total once", key)
        seen.add(key)
        self.totals[key] = Total(record["messages"], Decimal(record["cost"]), Decimal(record["amount"]))

    def _moves_nothing_else(self, outputs: Iterable[Output]) -> None:
        """One message more in a total is charged in the band in which it lies: nothing moves for it until TIER has spoken."""
        kinds: dict[TotalKey, set[str]] = defaultdict(set)
        for output in outputs:
            if output.topic == "usage.rated":
                line = json.loads(output.value or b"")
                kinds[TotalKey(*(line[name] for name in TotalKey._fields))].add(line["kind"])
        must(
            all(kinds_of_total != {"charge", "adjustment"} for kinds_of_total in kinds.values()),
            "a message that is only charged moves no other",
            outputs,
        )

    def _compliance(self, record: dict[str, Any]) -> None:
        name = record["delivery_id"], record["kind"]
        if not record.pop("withdrawn", False):
            must(name not in self.compliance, "nothing is said twice against a message", record)
            self.compliance[name] = record
            return
        said = self.compliance.pop(name, None)
        must(said == record, "what is withdrawn is what was said", record, said)

    def _nothing_is_both(self, outputs: Iterable[Output]) -> None:
        both = self.live.keys() & self.unrated.keys()
        must(not both, "a delivery is rated or unrated, never both", both, outputs)

    def _lines_add_up(self) -> None:
        for key in self.sums.keys() | self.totals.keys():
            lines, total = self.sums.get(key, NOTHING), self.totals.get(key, NOTHING)
            must(lines == total, "the lines add up to the totals at every step", key, lines, total)
        for key, tiers in self.tiers.items():
            must(min(tiers.values()) >= 0, "no band has fewer messages than none at the end of a step", key, dict(tiers))
        for key, counts in self.counts.items():
            must(sum(counts.values()) == self.totals[key].messages, "what is told to TIER is what the totals say", key, counts)

    def tiers_with_messages(self, of: Iterable[tuple[object, ...]]) -> dict[tuple[object, ...], dict[str, int]]:
        """How many messages of these totals lie in which band, by their lines."""
        return {key: {tier: count for tier, count in self.tiers[TotalKey(*key)].items() if count} for key in of}  # type: ignore[arg-type] # the oracle names totals by the same fields

    def totals_with_messages(self) -> dict[TotalKey, Total]:
        """Totals in force; those that came back to nothing are left out, once they are seen to be nothing."""
        for key, total in self.totals.items():
            must(total.messages > 0 or total == NOTHING, "a total without messages is zero", key, total)
        return {key: total for key, total in self.totals.items() if total.messages}


def decided(line: dict[str, Any]) -> tuple[Any, ...]:
    """The decision in a line, with money as numbers."""
    return tuple(Decimal(line[name]) if name in ("cost", "amount") else _hashable(line[name]) for name in DECIDED)


def _hashable(value: Any) -> Any:
    return (value["type"], value["agrees"]) if isinstance(value, dict) else value
