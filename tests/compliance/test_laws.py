"""The law: any order of the same events and licences, with any duplicates and interruptions, ends in the oracle's verdicts."""

from __future__ import annotations

from collections import Counter
from random import Random

import orjson
import pytest

from rating.ids import delivery_id
from rating.licences import may_send
from rating.meter import Meter
from rating.stage import Output, Record, State, Tick
from rating.windows import Windows
from streams.state.store import Store
from tests.compliance.worlds import World, arrivals, world
from tests.oracle.compliance import Verdict, verdicts
from tests.oracle.reading import read_event
from tests.rating.taxi import CATALOG, ms

WORLDS = 120


def due(one: World) -> set[Verdict]:
    """What the oracle says of a world."""
    return verdicts([read_event(orjson.dumps(event)) for event in one.events], [told[-1] for told in one.licences.values()])


def run(meter: Meter, records: list[Record | Tick], rng: Random) -> list[Output]:
    """Everything that a meter says of compliance, when records come in batches of any size."""
    store, outputs, rest = Store(), [], [*records, Tick(0, end_of_input=True)]
    unfinished = False
    while rest or unfinished:
        size = rng.randrange(6)
        batch, rest = rest[:size], rest[size:]
        if any(isinstance(each, Tick) and each.end_of_input for each in batch) and len(batch) > 1:
            batch, rest = batch[:-1], [batch[-1]]
        store.begin()
        effects = meter.step(store, batch)
        store.commit()
        outputs += effects.outputs
        unfinished = effects.unfinished
    return [output for output in outputs if output.topic == "usage.compliance"]


def net(outputs: list[Output]) -> Counter[tuple[object, ...]]:
    """What was published and not withdrawn. Nothing is withdrawn that is not in force, and nothing published twice."""
    standing: Counter[tuple[object, ...]] = Counter()
    for output in outputs:
        record = orjson.loads(output.value or b"")
        assert output.key == record["account_id"].encode()
        fields = ("kind", "account_id", "phone_number_id", "message_id", "delivery_id", "sender_id", "time")
        name = tuple(record[field] for field in fields)
        standing[name] += -1 if record.get("withdrawn") else 1
        assert standing[name] in (0, 1), name
    return +standing


def as_published(verdict: Verdict) -> tuple[object, ...]:
    kind, account, phone, message, participant, sender, time = verdict
    return kind, account, phone, message, delivery_id(phone, message, participant), sender, time


@pytest.mark.parametrize("in_the_stream", [pytest.param(True, id="in the stream"), pytest.param(False, id="offline")])
def test_any_order_with_any_duplicates_ends_in_the_oracles_verdicts(in_the_stream: bool) -> None:
    occurred: Counter[str] = Counter()
    for seed in range(WORLDS):
        occurred.update(check(seed, in_the_stream=in_the_stream))
    least = {"unlicensed_sender": 100, "outside_window": 100, "withdrawn": 100 if in_the_stream else 0}
    assert not {name: occurred[name] for name, count in least.items() if occurred[name] < count}, occurred
    assert in_the_stream or not occurred["withdrawn"], "offline everything is judged at the end"


def check(seed: int, *, in_the_stream: bool) -> Counter[str]:
    """Compares two arrivals of one world with the oracle; returns how often what occurred."""
    rng = Random(f"{seed} {in_the_stream}")
    one = world(rng)
    expected = due(one)
    occurred = Counter(verdict.kind for verdict in expected)
    for _ in range(2):
        meter = Meter(CATALOG, redecisions_per_step=rng.choice((1, 2, 1000)))
        outputs = run(meter, arrivals(rng, one, in_the_stream=in_the_stream), rng)
        found = {(*name[:-1], ms(str(name[-1]))) for name in net(outputs)}
        assert found == {as_published(verdict) for verdict in expected}, f"seed {seed}, in_the_stream={in_the_stream}"
        occurred["withdrawn"] += sum(b"withdrawn" in (output.value or b"") for output in outputs)
    return occurred


def _open_at_its_end(windows: Windows, instant_ms: int) -> bool:
    return windows.at(instant_ms) is not None or windows.at(instant_ms - 1) is not None


def _held_at_its_end(state: State, account_id: str, sender_id: str, at_ms: int) -> bool:
    return may_send(state, account_id, sender_id, at_ms) or may_send(state, account_id, sender_id, at_ms - 1)


def _nothing(*_: object, **__: object) -> None:
    """Forgets to mark."""


@pytest.mark.parametrize(
    ("where", "what"),
    [
        pytest.param("rating.windows.Windows.is_open", _open_at_its_end, id="a window is open at its end"),
        pytest.param("rating.licences.may_send", _held_at_its_end, id="a licence holds at its end"),
        pytest.param("rating.compliance.window_changed", _nothing, id="a late window judges nothing"),
        pytest.param("rating.licences._mark_span", _nothing, id="a late licence judges nothing"),
        pytest.param("rating.licences._mark_senders", _nothing, id="a late purchase judges nothing"),
    ],
)
def test_the_law_finds_a_planted_mistake(monkeypatch: pytest.MonkeyPatch, where: str, what: object) -> None:
    monkeypatch.setattr(where, what)
    with pytest.raises(AssertionError):
        any(check(seed, in_the_stream=True) is None for seed in range(WORLDS))
