"""Forgetting changes nothing within the horizon: the oracle, which forgets nothing, says the same. Little is left in the end."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from rating import keys
from rating.meter import Meter
from rating.records import decode_delivery, decode_ledger
from rating.stage import Record
from streams.state.store import Store
from tests.laws.driver import Run, catalog
from tests.laws.lives import HORIZON_DAYS, Life, live, plan_of
from tests.laws.watch import must
from tests.oracle import Result, rate_all
from tests.streams_generator.catalog import CATALOG

STAYS = {bytes([kind]) for kind in keys.CLOCK + keys.PROFILES + keys.PROFILES_AS_KNOWN + keys.LEDGER + keys.SILENT + keys.INBOUND}
"""Kinds of records that may be left of phone numbers whose deliveries were all rated: clocks, profiles, tallies, and the last word."""


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
            left = {key[:1] for key, _ in self.store.items()} - STAYS
            must(left <= {keys.CONVERSATION, keys.AGENDA}, "all else has left", left)


@pytest.mark.parametrize("seed", range(60))
def test_a_long_life_ends_as_the_oracle_says_in_any_order_within_the_horizon(seed: int) -> None:
    rng = Random(f"plans {seed}")
    life = live(seed)
    for way in (life, life.shuffled(rng)):
        run = played(way, rng)
        assert run.watch.rejected == []
        run.compare(oracle_of(way, run))


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
