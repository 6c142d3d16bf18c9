"""A meter on a table: feed it events, read what it published. Nothing here knows a price or a rule."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import orjson

from rating.catalog import Catalog
from rating.commands import TOPIC as COMMANDS
from rating.meter import ACCOUNTS, MESSAGES, Meter
from rating.stage import Effects, Output, Record, Tick
from schemas.instants import format_instant, parse_instant
from streams.cards.catalog_files import load_directory
from streams.state.store import Store

PHONE = "106540352242922"
ACCOUNT = "102290129340398"
USER = "+33612345678"
PROFILE: dict[str, Any] = {"account_id": ACCOUNT, "timezone": "Europe/Paris", "currency": "USD"}
CATALOG = load_directory(None)
HOUR_MS = 60 * 60 * 1000


def ms(text: str) -> int:
    """An instant as milliseconds."""
    at_ms = parse_instant(text)
    assert at_ms is not None
    return at_ms


class Taxi:
    """One partition: a meter, its state and everything it ever published."""

    def __init__(self, *, profiles: Iterable[dict[str, Any]] = (PROFILE,), catalog: Catalog = CATALOG, **settings: Any) -> None:
        self.state = Store()
        self._settings = settings
        self.meter = Meter(catalog, **settings)
        self.outputs: list[Output] = []
        self._offsets = count()
        for profile in profiles:
            self.profile(profile)

    def restart(self, catalog: Catalog) -> None:
        """Another worker takes over, with a catalog of its own and a copy of the state's bytes."""
        state = Store()
        state.restore((bytes(key), bytes(value)) for key, value in self.state.items())
        self.state, self.meter = state, Meter(catalog, **self._settings)

    def step(self, *batch: Record | Tick) -> Effects:
        self.state.begin()
        effects = self.meter.step(self.state, batch)
        self.state.commit()
        self.outputs += effects.outputs
        return effects

    def profile(self, profile: dict[str, Any], *, appended_at_ms: int | None = None) -> Effects:
        return self.step(Record(ACCOUNTS, 0, next(self._offsets), profile["account_id"].encode(), orjson.dumps(profile), appended_at_ms))

    def raw(self, value: bytes | None, *, appended_at_ms: int | None = None) -> Effects:
        return self.step(Record(MESSAGES, 0, next(self._offsets), PHONE.encode(), value, appended_at_ms))

    def event(self, status: str, time: str | int, message_id: str, *, appended_at_ms: int | None = None, **fields: Any) -> Effects:
        """Publishes `message.{status}` for the usual phone number, account and user, unless told otherwise."""
        at = time if isinstance(time, str) else format_instant(time)
        event = {
            "type": f"message.{status}",
            "id": f"{status}-{message_id}-{at}",
            "account_id": ACCOUNT,
            "phone_number_id": PHONE,
            "user": USER,
            "message_id": message_id,
            "time": at,
            **fields,
        }
        return self.raw(orjson.dumps(event), appended_at_ms=appended_at_ms)

    def command(self, kind: str, command_id: str, **fields: Any) -> Effects:
        """Publishes a command for the usual phone number, unless told otherwise."""
        command = {"type": kind, "id": command_id, "phone_number_id": PHONE, **fields}
        return self.step(Record(COMMANDS, 0, next(self._offsets), command["phone_number_id"].encode(), orjson.dumps(command), None))

    def finish(self) -> int:
        """Steps until nothing is left; returns how many steps that took."""
        steps = 1
        while self.step().unfinished:
            steps += 1
        return steps

    def tick(self, at_ms: int, *, end_of_input: bool = False) -> Effects:
        return self.step(Tick(at_ms, end_of_input))

    def published(self, topic: str) -> list[dict[str, Any]]:
        return [orjson.loads(output.value) for output in self.outputs if output.topic == topic and output.value is not None]

    def lines(self) -> list[dict[str, Any]]:
        return self.published("usage.rated")

    def net(self) -> dict[str, dict[str, Any]]:
        """The line that stands for each message id."""
        standing = {line["line_id"]: line for line in self.lines() if line["kind"] == "charge"}
        for line in self.lines():
            if line["kind"] == "reversal":
                del standing[line["reverses"]]
        return {line["message_id"]: line for line in standing.values()}

    def unrated(self) -> dict[str, str]:
        """Message id to reason, of what has no price now."""
        latest: dict[bytes, dict[str, Any]] = {}
        for output in self.outputs:
            if output.topic == "usage.unrated" and output.key is not None:
                latest.pop(output.key, None)
                if output.value is not None:
                    latest[output.key] = orjson.loads(output.value)
        return {record["message_id"]: record["reason"] for record in latest.values()}
