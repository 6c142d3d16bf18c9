"""Generated streams, rated record by record with a history of every message in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from rating.explain.explainer import Explainer
from rating.explain.history import History
from rating.meter import ACCOUNTS, MESSAGES, Meter
from rating.stage import Record, Tick
from schemas.decode import Event, decode_event
from streams.state.store import Store
from tests.laws.driver import catalog
from tests.streams_generator import Stream


@dataclass
class World:
    """A stream at its end."""

    stream: Stream
    store: Store
    meter: Meter
    events: list[Event]
    histories: dict[tuple[str, str], History]
    """By phone number and message."""
    lines: dict[str, dict[str, Any]]
    """The line in force of each delivery."""
    unrated: dict[str, dict[str, Any]]

    @property
    def by_sent(self) -> bool:
        return self.stream.window_basis == "sent"

    @property
    def explainer(self) -> Explainer:
        return Explainer(catalog(), allowance=self.stream.allowance, window_by_sent=self.by_sent)


def rated(stream: Stream) -> World:
    """The stream, rated one record a step."""
    basis: Any = stream.window_basis
    meter, store = Meter(catalog(), allowance=stream.allowance, window_basis=basis), Store()
    events = [event for raw in stream.records if isinstance(event := decode_event(raw), Event)]
    names = {(event.phone_number_id, event.message_id) for event in events}
    histories = {name: History(*name, where=lambda record: f"record {record.offset}") for name in sorted(names)}
    world = World(stream, store, meter, events, histories, {}, {})
    profiles = [Record(ACCOUNTS, 0, at, None, orjson.dumps(each), None) for at, each in enumerate(stream.profiles)]
    records = [Record(MESSAGES, 0, at, None, raw, None) for at, raw in enumerate(stream.records)]
    items: list[Record | Tick] = [*profiles, *records, Tick(0, end_of_input=True)]
    for item in items:
        step(world, item)
    return world


def step(world: World, item: Record | Tick) -> None:
    """One more record, with whatever work it leaves."""
    batch: tuple[Record | Tick, ...] = (item,)
    outputs = []
    while True:
        world.store.begin()
        effects = world.meter.step(world.store, batch)
        world.store.commit()
        outputs += effects.outputs
        if not effects.unfinished:
            break
        batch = ()
    for history in world.histories.values():
        history.saw(item, outputs)
    for output in outputs:
        if output.topic == "usage.rated":
            line = orjson.loads(output.value or b"")
            if line["kind"] == "charge":
                world.lines[line["delivery_id"]] = line
            else:
                del world.lines[line["delivery_id"]]
        elif output.topic == "usage.unrated":
            name = (output.key or b"").decode()
            if output.value is None:
                del world.unrated[name]
            else:
                world.unrated[name] = orjson.loads(output.value)
