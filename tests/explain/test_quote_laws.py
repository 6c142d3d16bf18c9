"""A quote is what the meter charges when the message is then sent."""

from __future__ import annotations

from collections import Counter
from random import Random

import orjson

from rating.meter import MESSAGES
from rating.money import Nanos, format_nanos
from rating.quote import Answer, Question, Quote, quote
from rating.rulebooks import CATEGORIES
from rating.stage import Record
from schemas.instants import format_instant
from tests.explain.worlds import World, rated, step
from tests.laws.driver import catalog
from tests.streams_generator import generate

STREAMS = 140
FEWEST = 3
DAY_MS = 24 * 60 * 60 * 1000


def test_what_is_quoted_is_what_is_charged_when_the_message_is_sent() -> None:
    met: Counter[str] = Counter()
    for seed in range(8000, 8000 + STREAMS):
        world = rated(generate(seed))
        rng = Random(seed)
        question = _question(world, rng)
        if question is None:
            continue
        before = {bytes(key): bytes(value) for key, value in world.store.items()}
        quoted = _quote(world, question)
        assert {bytes(key): bytes(value) for key, value in world.store.items()} == before
        met[_sent_and_compared(world, question, quoted)] += 1
    wanted = ("marketing", "outside_window", "in_window", "free_entry_point", "allowance", "allowance_used", "no_rate")
    assert {reason for reason in wanted if met[reason] < FEWEST} == set(), met


def _question(world: World, rng: Random) -> Question | None:
    """A message to someone in the stream, at an instant near something that happened."""
    people = [event for event in world.events if not event.user.startswith("group:")]
    if not people:
        return None
    event = rng.choice(people)
    at_ms = event.time_ms + rng.choice((0, 1, 60_000, DAY_MS - 1, DAY_MS, 3 * DAY_MS - 1, -1, 40 * DAY_MS))
    category = rng.choice([*sorted(CATEGORIES), "service", "utility"])
    return Question(event.account_id, event.user, category, at_ms, event.phone_number_id)


def _quote(world: World, question: Question) -> Quote:
    return quote(world.store, catalog(), question, allowance=world.stream.allowance, window_by_sent=world.by_sent)


def _sent_and_compared(world: World, question: Question, quoted: Quote) -> str:
    for status in ("sent", "delivered"):
        event = {
            "type": f"message.{status}", "id": "9", "account_id": question.account_id, "phone_number_id": question.phone_number_id,
            "user": question.to, "message_id": "quote", "time": format_instant(question.at_ms), "category": question.category,
        }  # fmt: skip
        step(world, Record(MESSAGES, 0, 1000, None, orjson.dumps(event), None))
    lines = [line for line in world.lines.values() if line["message_id"] == "quote"]
    unrated = [record for record in world.unrated.values() if record["message_id"] == "quote"]
    if unrated:
        assert not lines
        why = quoted.unpriced or quoted.answers[0].unpriced
        assert why is not None
        assert why.reason == unrated[0]["reason"]
        return why.reason
    (line,) = lines
    answer = quoted.answers[0]
    assert answer.applies is True
    assert [answer.outcome, answer.reason, answer.currency, _text(answer.cost_nanos), _text(answer.amount_nanos)] == [
        line[name] for name in ("outcome", "reason", "currency", "cost", "amount")
    ]
    assert (quoted.category, quoted.date) == (line["category"], line["date"])
    assert quoted.window_is_open is (line["window"] is not None)
    assert quoted.depends_on_allowance is (line["reason"] in ("allowance", "allowance_used"))
    return str(line["reason"])


def _text(nanos: int | None) -> str | None:
    return None if nanos is None else format_nanos(Nanos(nanos))


def test_without_a_phone_number_every_case_is_told() -> None:
    """Whatever the state of the conversation and of the month is: the answer that holds there is among those told without them."""
    differing = 0
    for seed in range(8000, 8040):
        world = rated(generate(seed))
        question = _question(world, Random(seed))
        if question is None:
            continue
        certain = _quote(world, question)
        told = _quote(world, question._replace(phone_number_id=None))
        assert (told.window_is_open, told.allowance) == (None, None)
        if certain.in_free_entry_point:  # nobody can know of an ad without the conversation
            continue
        assert [_bill(each) for each in certain.answers if each.applies] == [
            _bill(each) for each in told.answers if _is_the_case(each, certain)
        ]
        differing += len(told.answers) > 1
    assert differing >= FEWEST


def _is_the_case(answer: Answer, certain: Quote) -> bool:
    free_left = None if certain.allowance is None else certain.allowance.is_free
    return answer.in_window in (None, certain.window_is_open) and answer.free_message_left in (None, free_left)


def _bill(answer: Answer) -> tuple[str | None, int | None, int | None]:
    return answer.outcome, answer.cost_nanos, answer.amount_nanos
