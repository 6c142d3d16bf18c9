"""Runs METER over a plan, watches every step, keeps both ledgers in view."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rating import keys
from rating.catalog import Catalog, load_catalog
from rating.ids import delivery_id
from rating.meter import Meter
from rating.records import decode_delivery, decode_ledger
from rating.stage import Record, Tick
from streams.state.store import Store
from tests.laws.plans import Item, Plan
from tests.laws.tier import TierLoop, copied
from tests.laws.watch import DECIDED, LawBrokenError, Watch, decided, must
from tests.oracle import Line, Result, Unrated
from tests.oracle.compliance import Verdict, verdicts
from tests.oracle.instants import written
from tests.oracle.reading import RejectedError, read_event
from tests.streams_generator import Stream
from tests.streams_generator.catalog import LEARNED

VERDICT = ("kind", "account_id", "phone_number_id", "message_id", "delivery_id", "sender_id", "time")
BILLS = ("message.delivered", "message.read")


@cache
def catalog() -> Catalog:
    """The test catalog, loaded once: as known before its corrections, which it has learned."""
    return load_catalog(LEARNED, None).as_known("")


@dataclass
class Run:
    """METER, its state and what came of a plan."""

    stream: Stream
    plan: Plan
    store: Store = field(default_factory=Store)
    watch: Watch = field(default_factory=Watch)
    consumed: int = 0
    billable: set[tuple[str, str, str]] = field(default_factory=set)
    """Deliveries with a billing instant, counted here from the records alone."""
    tier: TierLoop = field(init=False)
    was_unfinished: bool = False
    restarted: bool = False

    def __post_init__(self) -> None:
        self.tier = TierLoop(self.plan.tier_seed)

    def play(self) -> Run:
        """Runs the whole plan; raises `LawBrokenError` at the first step that breaks a law."""
        meter = self._meter()
        for number, batch in enumerate(self.plan.steps):
            if number == self.plan.restart_before:
                meter, self.store, self.restarted = self._meter(), self._taken_over(), True
                self.tier.restart()
            unfinished = self._step(meter, (*self.tier.some_bands(), *batch))
            while unfinished and (self.plan.finishes_first or number + 1 == len(self.plan.steps)):
                self.was_unfinished = True
                unfinished = self._step(meter, ())
        while bands := self.tier.all_bands():
            if self._step(meter, tuple(bands)):
                raise LawBrokenError("bands leave no work behind")
        return self

    def _taken_over(self) -> Store:
        """The state that a new METER goes on with."""
        return copied(self.store)

    def _meter(self) -> Meter:
        basis: Any = self.stream.window_basis
        redecisions = self.plan.redecisions_per_step
        return Meter(catalog(), allowance=self.stream.allowance, window_basis=basis, redecisions_per_step=redecisions)

    def _step(self, meter: Meter, batch: tuple[Item, ...]) -> bool:
        self.store.begin()
        effects = meter.step(self.store, batch)
        self.store.commit()
        self.tier.take(effects.outputs)
        self.watch.step(effects.outputs, of_one_record=len(batch) <= 1)
        self._conserve(batch)
        return effects.unfinished

    def _conserve(self, batch: tuple[Item, ...]) -> None:
        for item in batch:
            if isinstance(item, Tick) or item.topic != "whatsapp.messages":
                continue
            self.consumed += 1
            self._count_billable(item)
        ledger = decode_ledger(self.store.get(keys.LEDGER_KEY) or b"")
        sides = Counter(ledger.deliveries)
        must(sum(ledger.events.values()) == self.consumed, "every event has one side", ledger.events, self.consumed)
        must(min(ledger.events.values(), default=0) >= 0, "no side of the event ledger is below nothing", ledger.events)
        must(ledger.events.get("rejected", 0) == len(self.watch.rejected), "what is rejected is published", ledger.events)
        must(sides.total() == len(self.billable), "every delivery with a billing instant has one side", sides, len(self.billable))
        live = Counter(line["outcome"] for line in self.watch.live.values())
        must((sides["charged"], sides["free"]) == (live["charged"], live["free"]), "the ledger counts the lines in force", sides, live)
        must(sides["unrated"] == len(self.watch.unrated), "the ledger counts what is unrated", sides, len(self.watch.unrated))

    def _count_billable(self, record: Record) -> None:
        try:
            event = read_event(record.value or b"")
        except RejectedError:
            return
        if event.type in BILLS:
            self.billable.add((event.phone_number_id, event.message_id, event.participant or ""))

    def compare(self, oracle: Result) -> None:
        """Raises `LawBrokenError` unless the end is the oracle's, to the last digit."""
        watch = self.watch
        expected_lines = {delivery_id(*key): decided_by_oracle(line) for key, line in oracle.lines.items()}
        bands = {delivery_id(*key): line.bands for key, line in oracle.lines.items()}
        found_lines = {delivery: in_any_band(decided(line), bands.get(delivery, frozenset())) for delivery, line in watch.live.items()}
        must(found_lines == expected_lines, "the net lines are the oracle's", *difference(found_lines, expected_lines))
        expected_unrated = {delivery_id(*key): unrated_by_oracle(each) for key, each in oracle.unrated.items()}
        found_unrated = {key: unrated_published(each) for key, each in watch.unrated.items()}
        must(found_unrated == expected_unrated, "the unrated are the oracle's", *difference(found_unrated, expected_unrated))
        found_totals = watch.totals_with_messages()
        found_tiers = watch.tiers_with_messages(oracle.tiers)
        must(found_tiers == oracle.tiers, "the messages lie in the oracle's bands", *difference(found_tiers, oracle.tiers))
        must(found_totals == oracle.totals, "the totals are the oracle's", *difference(found_totals, oracle.totals))
        expected_verdicts = {verdict_by_oracle(each) for each in verdicts(oracle.events, ())}
        found_verdicts = {tuple(record[name] for name in VERDICT) for record in watch.compliance.values()}
        must(found_verdicts == expected_verdicts, "the verdicts are the oracle's", *(found_verdicts ^ expected_verdicts))
        expected_rejected = Counter(oracle.rejected.values())
        must(Counter(reason for _, reason in watch.rejected) == expected_rejected, "the rejected are the oracle's", watch.rejected)
        self._compare_state(oracle)

    def _compare_state(self, oracle: Result) -> None:
        """The delivery records in the state, counted one by one, say what the ledger says."""
        sides = Counter(decode_delivery(value).disposition for key, value in self.store.items() if key.startswith(keys.DELIVERY))
        outcomes = Counter(line.outcome for line in oracle.lines.values())
        found = tuple(sides[side] for side in ("charged", "free", "unrated", "pending", "voided"))
        expected = (outcomes["charged"], outcomes["free"], len(oracle.unrated), 0, len(oracle.voided))
        must(found == expected, "the state holds what was decided", sides, outcomes)


def decided_by_oracle(line: Line) -> tuple[Any, ...]:
    price = ("in a band",) * 3 if len(line.bands) > 1 else (line.cost, line.amount, line.tier)
    cost, amount, tier = price
    return (
        line.account_id, line.key.phone_number_id, line.key.message_id, delivery_id(*line.key), line.billed_at, line.date, line.country,
        line.market, line.category, line.outcome, line.reason, line.currency, cost, amount, line.rulebook, line.card, tier, line.meta,
    )  # fmt: skip


def in_any_band(line: tuple[Any, ...], bands: frozenset[tuple[Any, ...]]) -> tuple[Any, ...]:
    """A decision whose price is one of several bands': which message of a total lies in which is not said, only how many do."""
    cost, amount, tier = (DECIDED.index(name) for name in ("cost", "amount", "tier"))
    if len(bands) < 2 or (line[cost], line[amount], line[tier]) not in bands:
        return line
    return tuple("in a band" if place in (cost, amount, tier) else part for place, part in enumerate(line))


def verdict_by_oracle(each: Verdict) -> tuple[Any, ...]:
    identity = delivery_id(each.phone_number_id, each.message_id, each.participant)
    return (each.kind, each.account_id, each.phone_number_id, each.message_id, identity, each.sender_id, written(each.time))


def unrated_by_oracle(each: Unrated) -> tuple[Any, ...]:
    return (each.reason, each.account_id, *each.key[:2], each.billed_at, each.category, each.country, each.market)


def unrated_published(record: dict[str, Any]) -> tuple[Any, ...]:
    names = ("reason", "account_id", "phone_number_id", "message_id", "billed_at", "category", "country", "market")
    return tuple(record[name] for name in names)


def difference(found: dict[Any, Any], expected: dict[Any, Any]) -> list[str]:
    keys_that_differ = [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]
    return [f"{key}: METER {found.get(key)}, oracle {expected.get(key)}" for key in keys_that_differ[:3]]
