"""The core bills every history as the oracle does, event by event and invoice by invoice; and each planted mistake is found."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings

from rating.billing.offline import bill
from tests.billing_laws.compare import differences, differences_to
from tests.billing_laws.histories import History, generate, histories
from tests.billing_laws.mutations import MUTATIONS, Mutation
from tests.billing_laws.shrink import shrunk, told
from tests.billing_laws.situations import SITUATIONS, of_history
from tests.billing_oracle import Billed
from tests.billing_oracle import bill as by_oracle

HISTORIES = 200
"""Seeds from 0 on; `python -m tests.billing_laws` tries more."""


@cache
def _history(seed: int) -> tuple[History, Billed]:
    history = generate(random.Random(seed))
    return history, by_oracle(history.commands, history.plans, history.totals, history.until)


@pytest.mark.parametrize("first", range(0, HISTORIES, 100))
def test_every_history_is_billed_as_the_oracle_says(first: int) -> None:
    for seed in range(first, first + 100):
        history, expected = _history(seed)
        if differences_to(expected, bill(history.commands, history.plans, history.totals, history.until)):
            small = shrunk(history, lambda each: bool(differences(each, bill)))
            pytest.fail("\n".join([f"history {seed}, made small:", told(small), *differences(small, bill)]), pytrace=False)


def test_the_histories_are_in_every_situation() -> None:
    met = Counter(situation for seed in range(HISTORIES) for situation in of_history(*_history(seed)))
    assert not [situation for situation in SITUATIONS if not met[situation]]


@settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(histories())
def test_any_history_that_hypothesis_asks_for_is_billed_as_the_oracle_says(history: History) -> None:
    assert differences(history, bill) == []


@pytest.mark.parametrize("mutation", [pytest.param(each, id=each.mistake) for each in MUTATIONS])
def test_a_planted_mistake_is_found(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation.plant(monkeypatch)
    assert any(_finds(seed) for seed in range(HISTORIES))


def _finds(seed: int) -> bool:
    history, expected = _history(seed)
    return bool(differences_to(expected, bill(history.commands, history.plans, history.totals, history.until)))
