"""Whatever happens to a message, its explanation agrees with its line in every figure, and tells nobody's phone number."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest

from rating.explain.facts import DeliveryFacts
from rating.explain.json import to_json
from rating.explain.words import tell
from rating.ids import delivery_id
from rating.meter import MESSAGES
from rating.money import Nanos, format_nanos
from rating.stage import Record
from schemas.instants import format_instant
from tests.explain.worlds import World, rated, step
from tests.streams_generator import generate

STREAMS = 60
FEWEST = 3
"""Of each reason, so that none of them was left out."""

REASONS = {
    "marketing", "authentication", "outside_window", "in_window", "allowance_used", "service", "allowance", "free_entry_point", "reaction",
    "meta_pricing", "unknown_account", "no_rulebook", "unknown_pricing", "no_category", "unknown_category", "no_market", "no_rate",
    "not delivered",
}  # fmt: skip


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [rated(generate(seed)) for seed in range(7000, 7000 + STREAMS)]


def test_an_explanation_says_what_the_line_says(worlds: list[World]) -> None:
    met: Counter[str] = Counter()
    for world in worlds:
        explained = set()
        for delivery in deliveries(world):
            explained.add(delivery.delivery_id)
            met[_agreed(world, delivery)] += 1
        assert set(world.lines) | set(world.unrated) <= explained
    assert {reason for reason in REASONS if met[reason] < FEWEST} == set()


def _agreed(world: World, delivery: DeliveryFacts) -> str:
    """Checks one delivery against what was published; returns why it is what it is."""
    line, unrated = world.lines.get(delivery.delivery_id), world.unrated.get(delivery.delivery_id)
    if unrated is not None:
        assert delivery.unpriced is not None
        assert (delivery.status, delivery.unpriced.reason, delivery.due) == ("unrated", unrated["reason"], None)
        assert delivery.history[-1].reason == unrated["reason"]
        return delivery.unpriced.reason
    if line is None:
        assert (delivery.status, delivery.billed_at_ms, delivery.due) == ("not delivered", None, None)
        return "not delivered"
    due, market, clause = delivery.due, delivery.market, delivery.clause
    assert due is not None
    assert market is not None
    assert clause is not None
    assert (due.line_id, due.revision) == (line["line_id"], line["revision"])
    assert [delivery.status, due.reason, due.category, due.date, due.currency, delivery.account_id] == [
        line[name] for name in ("outcome", "reason", "category", "date", "currency", "account_id")
    ]
    assert [format_nanos(Nanos(due.cost_nanos)), format_nanos(Nanos(due.amount_nanos))] == [line["cost"], line["amount"]]
    assert [market.country, market.market, clause.rulebook, clause.category, delivery.date] == [
        line[name] for name in ("country", "market", "rulebook", "category", "date")
    ]
    assert format_instant(delivery.billed_at_ms or 0) == line["billed_at"]
    assert [each.line_id for each in delivery.history if each.line_id is not None][-1] == line["line_id"]
    _price_agrees(delivery, line)
    _evidence_agrees(delivery, line)
    return due.reason


def _price_agrees(delivery: DeliveryFacts, line: dict[str, object]) -> None:
    due, price, fee = delivery.due, delivery.price, delivery.fee
    assert due is not None
    assert (price is not None) is (line["card"] is not None)
    if price is not None:
        assert (price.card, price.tier, price.cost_nanos) == (line["card"], line["tier"], due.cost_nanos)
        assert price.effective_from <= due.date
    assert due.cost_nanos + (fee.fee_nanos if fee is not None else 0) == due.amount_nanos


def _evidence_agrees(delivery: DeliveryFacts, line: dict[str, object]) -> None:
    assert (delivery.window is None) is (delivery.missed_window is not None)
    if delivery.window_matters:  # elsewhere the line keeps the evidence of its day
        assert (delivery.window is None) is (line["window"] is None)
    assert (delivery.meta is not None) is (line["meta"] is not None)
    if delivery.meta is not None:
        assert {"type": delivery.meta.type, "agrees": delivery.meta.agrees} == line["meta"]
        assert (delivery.meta.own_outcome == delivery.status) is delivery.meta.agrees
    if line["reason"] == "free_entry_point":
        entry = delivery.free_entry_point
        assert entry is not None
        assert entry.is_opener or entry.from_ms <= (delivery.billed_at_ms or 0) < entry.until_ms
        assert 0 <= entry.from_ms - entry.referred_at_ms < 24 * 60 * 60 * 1000
    if line["reason"] in ("allowance", "allowance_used"):
        place = delivery.allowance
        assert place is not None
        assert place.is_free is (line["reason"] == "allowance") is (place.number <= place.free)
    counted = {event.type for event in delivery.events if event.standing == "counts"}
    assert counted & {"message.delivered", "message.read"}
    assert sum("billing instant" in event.gave for event in delivery.events) >= 1


def test_no_explanation_tells_a_phone_number(worlds: list[World]) -> None:
    for world in worlds:
        people = {person[1:] for event in world.events for person in (event.user, event.participant or "") if person.startswith("+")}
        for name, history in world.histories.items():
            explanation = world.explainer.message(world.store, history, "the stream")
            said = "\n".join(tell(explanation)) + orjson.dumps(to_json(explanation)).decode()
            assert not [number for number in people if number in said], name


def test_explaining_leaves_the_state_as_it_is(worlds: list[World]) -> None:
    for world in worlds[:10]:
        before = {bytes(key): bytes(value) for key, value in world.store.items()}
        assert list(deliveries(world))
        assert {bytes(key): bytes(value) for key, value in world.store.items()} == before


def test_free_if_delivered_earlier_is_true_when_it_is_delivered_earlier() -> None:
    """The claim is put to the meter: an earlier `delivered` of the same message comes, at the window's end and just before it."""
    tried = 0
    for seed in range(7000, 7100):
        world = rated(generate(seed))
        claimed = next((each for each in deliveries(world) if _claims_to_have_missed(world, each)), None)
        if claimed is None:
            continue
        missed = claimed.missed_window
        assert missed is not None
        assert missed.missed_by_ms is not None
        tried += 1
        at_ms = (claimed.billed_at_ms or 0) - missed.missed_by_ms
        at_its_end = _line_if_delivered_at(world, claimed, at_ms)
        assert at_its_end["reason"] in ("outside_window", "free_entry_point"), seed
        assert _line_if_delivered_at(world, claimed, at_ms - 1)["outcome"] == "free", seed
    assert tried >= FEWEST


def _claims_to_have_missed(world: World, delivery: DeliveryFacts) -> bool:
    missed = delivery.missed_window
    simple = not world.by_sent and not delivery.of_group and delivery.meta is None
    return simple and missed is not None and missed.free_if_earlier and delivery.status == "charged" and delivery.window_matters


def _line_if_delivered_at(world: World, delivery: DeliveryFacts, at_ms: int) -> dict[str, Any]:
    known = next(event for event in world.events if delivery_id(event.phone_number_id, event.message_id, "") == delivery.delivery_id)
    event = {
        "type": "message.delivered", "id": "earlier", "account_id": delivery.account_id, "phone_number_id": known.phone_number_id,
        "user": known.user, "message_id": known.message_id, "time": format_instant(at_ms), "category": delivery.category,
        "user_country": None if delivery.market is None else delivery.market.country,
    }  # fmt: skip
    step(world, Record(MESSAGES, 0, 1000, None, orjson.dumps(event), None))
    return world.lines[delivery.delivery_id]


def deliveries(world: World) -> list[DeliveryFacts]:
    """Every delivery of a world, explained."""
    return [
        delivery
        for history in world.histories.values()
        for delivery in world.explainer.message(world.store, history, "the stream").deliveries
    ]
