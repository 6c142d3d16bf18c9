"""Forgetting changes nothing within the horizon: the oracle, which forgets nothing, says the same. Little is left in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from rating import agenda, keys
from rating.agenda import Agenda
from rating.localtime import day_of_next_month
from rating.meter import Meter
from rating.records import decode_delivery, decode_ledger, decode_tally
from rating.stage import Record
from rating.totals import Totals, total_of_key
from streams.demo import ACCOUNTS, MESSAGES
from streams.settings import Settings
from streams.state.store import Store
from tests.faults.states import as_far_as_told, replayed
from tests.faults.traffic import Traffic
from tests.laws.driver import Run, catalog
from tests.laws.lives import HORIZON_DAYS, Life, live, plan_of
from tests.laws.watch import must
from tests.oracle import Result, rate_all
from tests.streams_generator.catalog import CATALOG
from tests.streams_generator.world import DAY

STAYS = {
    bytes([kind])
    for kind in keys.ACTIVE + keys.CLOCK + keys.PROFILES + keys.PROFILES_AS_KNOWN + keys.LEDGER + keys.SILENT + keys.INBOUND + keys.TALLY
}
"""Kinds of records that may be left of phone numbers whose deliveries were all rated: clocks, profiles, ledgers, the last word, and what is
counted for volume bands, with its totals."""


READ_FROM_MS = 1_796_083_200_000
"""2026-12-01: when the shipped traffic of three months is read in the test of batches, so that much of it is old."""


class ForgettingRun(Run):
    """A run whose METER forgets."""

    def _meter(self) -> Meter:
        stream = self.stream
        return Meter(
            catalog(),
            allowance=stream.allowance,
            window_basis="sent" if stream.window_basis == "sent" else "delivered",
            redecisions_per_step=self.plan.redecisions_per_step,
            horizon_days=HORIZON_DAYS,
        )

    def _compare_state(self, oracle: Result) -> None:
        """The deliveries in the state and the forgotten ones together are the ledger's; only what is unrated is left."""
        ledger = decode_ledger(self.store.get(keys.LEDGER_KEY) or b"")
        held = Counter(decode_delivery(value).disposition for key, value in self.store.items() if key.startswith(keys.DELIVERY))
        held.pop(None, None)
        both = held + Counter(ledger.forgotten)
        must(both == +Counter(ledger.deliveries), "what is held and what is forgotten are the ledger", both, ledger.deliveries)
        must(set(held) <= {"unrated"}, "in the end only what is unrated is left", held)
        must(held["unrated"] == len(oracle.unrated), "what is unrated is never forgotten", held, len(oracle.unrated))
        if not oracle.unrated:
            kept = {total_of_key(decode_tally(value).total).state_key for key, value in self.store.items() if key.startswith(keys.TALLY)}
            left = {key[:1] for key, _ in self.store.items() if key not in kept} - STAYS
            must(left <= {keys.CONVERSATION, keys.AGENDA}, "all else has left", left)


@pytest.mark.parametrize("seed", range(60))
def test_a_long_life_ends_as_the_oracle_says_in_any_order_within_the_horizon(seed: int) -> None:
    rng = Random(f"plans {seed}")
    life = live(seed)
    for way in (life, life.shuffled(rng)):
        run = played(way, rng)
        assert run.watch.rejected == []
        run.compare(oracle_of(way, run))


@pytest.mark.parametrize("seed", range(30))
def test_what_is_left_does_not_depend_on_where_batches_end(seed: int) -> None:
    traffic, rng = Traffic(seed, 1500), Random(seed)
    accounts = [Record(ACCOUNTS, 0, number, None, profile.value, READ_FROM_MS) for number, profile in enumerate(traffic.profiles)]
    messages = [Record(MESSAGES, 0, number, sent.key, sent.value, READ_FROM_MS + number) for number, sent in enumerate(traffic.records)]
    small, large = (replayed(Settings(), accounts, messages, size) for size in (lambda: rng.randint(1, 25), lambda: 500))
    assert as_far_as_told(small, same_history=True) == as_far_as_told(large, same_history=True)


def test_lives_are_long_enough_that_most_of_what_they_tell_is_forgotten_on_the_way() -> None:
    forgotten = deliveries = 0
    for seed in range(10):
        ledger = decode_ledger(played(live(seed), Random(seed)).store.get(keys.LEDGER_KEY) or b"")
        forgotten += sum(ledger.forgotten.values())
        deliveries += sum(ledger.deliveries.values())
    assert forgotten > deliveries * 2 // 3 > 0


def played(life: Life, rng: Random) -> Run:
    return ForgettingRun(life.stream, plan_of(life, rng), Store()).play()


def oracle_of(life: Life, run: Run) -> Result:
    items = [item for step in run.plan.steps for item in step if isinstance(item, Record)]
    records = [item.value or b"" for item in items if item.topic == "whatsapp.messages"]
    return rate_all(records, life.stream.profiles, CATALOG, allowance=life.stream.allowance, window_basis=life.stream.window_basis)


def _days_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Agenda, "due_before_ms", staticmethod(lambda today: (today + 34) * DAY))


def _with_the_month(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agenda, "day_of_next_month", lambda month: day_of_next_month(month) - 40)


def _totals_that_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Totals, "let_go", lambda self, text: None)


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(_days_too_early, id="facts leave after a day"),
        pytest.param(_with_the_month, id="places leave before their month is over"),
        pytest.param(_totals_that_are_held, id="nobody counts which deliveries a total still has"),
    ],
)
def test_a_planted_mistake_is_found(plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert any(not holds(seed) for seed in range(60))


def holds(seed: int) -> bool:
    life = live(seed)
    try:
        run = played(life, Random(seed))
        run.compare(oracle_of(life, run))
    except AssertionError:
        return False
    return run.watch.rejected == []
