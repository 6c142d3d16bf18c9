"""A state that is made again from the log of a partition is as good as the one before: on generated streams, watched at every step.

METER goes on with the rebuilt state in the middle of a stream. The watch that has seen every line before must then find no line id twice,
no reversal of what is not in force, no total that is not the sum of its lines; and in the end the oracle must agree.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from itertools import islice
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from rating.meter import MESSAGES, Meter
from rating.stage import Record, Tick
from streams.engine.stepping import steps_to_end
from streams.rebuild.compare import Difference, differences, take_over_from
from streams.rebuild.cut import by_outputs
from streams.rebuild.logs import Ends
from streams.rebuild.replay import Place, Replay, Stages, in_order
from streams.rebuild.said import Said
from streams.results import UNRATED
from streams.state.store import Store
from tests.laws.check import checked_run
from tests.laws.driver import Run, catalog
from tests.laws.plans import Item, Plan, make_plan
from tests.laws.tier import copied
from tests.laws.watch import must
from tests.streams_generator import Stream, generate

STREAMS = 200
SEED = 4000
FEWEST_REBUILT = 180
INTERVAL_MS = 10_000
ORDER = ("whatsapp.accounts", "billing.licences", "whatsapp.messages", "usage.bands", "rating.commands")


class RebuiltRun(Run):
    """A run in which the state is lost at the restart, and made again from what lies in the logs."""

    is_a_guess = False
    """Whether the positions are found by what was published: where that cannot be, nothing is switched."""

    def __init__(self, stream: Stream, plan: Plan) -> None:
        super().__init__(stream, plan)
        self.differ: list[Difference] = []
        self.left_work = self.activated = False
        self._said = Said()
        self._logs: defaultdict[str, list[Record]] = defaultdict(list)
        self._now_ms = 0
        self._rng = Random(f"logs of {stream.seed}")

    def _step(self, meter: Meter, batch: tuple[Item, ...]) -> bool:
        unfinished = super()._step(meter, self._in_another_order(batch))
        self._said.take(self.watch.published[-1])
        self.left_work = self.left_work or (unfinished and not self.restarted)
        return unfinished

    def _in_another_order(self, batch: tuple[Item, ...]) -> tuple[Item, ...]:
        """The batch as its records come to lie in their logs: each log in its order, but of two logs METER may read either first."""
        queues: defaultdict[str, list[int]] = defaultdict(list)
        for at, item in enumerate(batch):
            queues["" if isinstance(item, Tick) else item.topic].append(at)
        turns = [topic for topic, queue in queues.items() for _ in queue]
        if "" not in queues:
            self._rng.shuffle(turns)
        order = range(len(batch)) if "" in queues else [queues[topic].pop(0) for topic in turns]
        appended = {at: self._appended(batch[at]) for at in order}
        return tuple(appended[at] for at in range(len(batch)))

    def _appended(self, item: Item) -> Item:
        """The item as it comes to lie in its log, no two in one instant; the time that a tick tells has passed for what comes after it."""
        if isinstance(item, Tick):
            self._now_ms = max(self._now_ms, item.at_ms)
            return item
        log = self._logs[item.topic]
        self._now_ms = max(self._now_ms + 1, item.appended_at_ms or 0)
        log.append(replace(item, offset=2 * len(log), appended_at_ms=self._now_ms))
        self.activated = self.activated or b"activate_catalog" in (item.value or b"")
        return log[-1]

    def _taken_over(self) -> Store:
        ends = {(topic, 0): 2 * len(self._logs[topic]) for topic in ORDER}
        cut = self._cut(ends)
        replay = self._replayed(cut)
        self.differ = [*differences(self._said, replay.said)]
        if self.differ:
            return super()._taken_over()
        must(take_over_from(self._said, replay.store) == [], "every line is priced in a band of its rate")
        return copied(self._caught_up(replay, cut))

    def _cut(self, ends: Mapping[Place, int]) -> Mapping[Place, int]:
        """Up to where the state must have read."""
        return ends

    def _caught_up(self, replay: Replay, cut: Mapping[Place, int]) -> Store:
        """The state where it was."""
        return replay.store

    def _steps_of(self, redecisions: int) -> Meter:
        basis: Any = self.stream.window_basis
        return Meter(catalog(), allowance=self.stream.allowance, window_basis=basis, redecisions_per_step=redecisions)

    def _replay(self) -> Replay:
        return Replay(Stages(self._steps_of(1000), self._steps_of(1)), 0, self._said, batch_max_records=7, tick_interval_ms=INTERVAL_MS)

    def _replayed(self, cut: Mapping[Place, int]) -> Replay:
        replay = self._replay()
        for record in in_order([self._before(topic, cut) for topic in ORDER]):
            replay.take(record)
        replay.end(cut)
        return replay

    def _before(self, topic: str, cut: Mapping[Place, int]) -> list[Record]:
        return [record for record in self._logs[topic] if record.offset < cut.get((topic, 0), 0)]

    @property
    def may_differ(self) -> bool:
        """Whether something was known at other times than the log tells: then what is first rated by it depends on when that was."""
        return self.stream.profiles_come_late or self.activated or self.left_work or self.is_a_guess


class LostRun(RebuiltRun):
    """One in which the positions are lost too: the group knows older ones, and there is more in the logs than was read."""

    is_a_guess = True

    def _cut(self, ends: Mapping[Place, int]) -> Mapping[Place, int]:
        rng = Random(f"committed {self.stream.seed}")
        committed = {(topic, 0): 2 * rng.randint(max(0, ends[topic, 0] // 2 - 4), ends[topic, 0] // 2) for topic in Meter.inputs}
        until_ms = max([0, *(record.appended_at_ms or 0 for topic in Meter.inputs for record in self._before(topic, committed))])
        more = [self._appended(item) for item in self._unread()]
        found = asyncio.run(
            by_outputs(self._replay(), _each(in_order([self._logs[topic] for topic in ORDER])), Ends(committed, ends, until_ms))
        )
        self._more = [self._logs[item.topic].pop() for item in reversed(more) if isinstance(item, Record)]
        return found

    def _unread(self) -> Iterator[Record]:
        """Events as they will come; the plan appends them once more."""
        later = (item for step in self.plan.steps[self.plan.restart_before or 0 :] for item in step if isinstance(item, Record))
        return islice((item for item in later if item.topic == MESSAGES), 5)

    def _caught_up(self, replay: Replay, cut: Mapping[Place, int]) -> Store:
        """Goes on from the positions that were found to the true ones: nothing may come of it that stays."""
        too_many = [record for record in self._more if record.offset < cut.get((record.topic, 0), 0)]
        if too_many:  # what puts out nothing new may be taken for read: it is in the state, and will not be read again
            true = self._replayed({(topic, 0): 2 * len(self._logs[topic]) for topic in ORDER}).store
            for effects, _ in steps_to_end(self._steps_of(1000), true, too_many[::-1]):
                must(self._said.evidence(effects.outputs, self._said) is None, "nothing is taken for read that was not", effects.outputs)
                must(
                    all(self._said.latest_of(effects.outputs)),
                    "nothing is taken for read that was not",
                    effects.outputs,
                )
            return super(RebuiltRun, self)._taken_over()
        rest = in_order([self._logs[topic][len(self._before(topic, cut)) :] for topic in ORDER])
        for effects, _ in steps_to_end(self._steps_of(1000), replay.store, list(rest)):
            must({output.topic for output in effects.outputs} <= {UNRATED}, "what was read is not said again", effects.outputs)
            must(all(self._said.latest_of(effects.outputs)), "what was read comes to the same", effects.outputs)
        return replay.store


async def _each(records: Iterable[Record]) -> AsyncIterator[Record]:
    for record in records:
        yield record


@pytest.mark.parametrize("make", [pytest.param(RebuiltRun, id="the state is damaged"), pytest.param(LostRun, id="the changelog is lost")])
def test_meter_goes_on_with_a_rebuilt_state_as_with_the_one_before(make: type[RebuiltRun]) -> None:
    rebuilt = 0
    for seed in range(SEED, SEED + STREAMS):
        stream, rng = generate(seed), Random(f"rebuild {seed}")
        run, _ = checked_run(stream, make_plan(stream, rng, clocked=True, restarts=True), make=make)
        assert isinstance(run, RebuiltRun)
        must(not run.differ or run.may_differ, "a replay says what was said", seed, *run.differ[:3])
        rebuilt += not run.differ
    assert rebuilt >= FEWEST_REBUILT
