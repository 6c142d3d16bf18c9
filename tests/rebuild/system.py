"""A running pipeline whose state can be damaged, lost and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import orjson
import pytest

from rating import keys
from rating.stage import Record
from streams import topic_reader, topics
from streams.cards.catalog_files import read_shipped
from streams.commands import publish, send
from streams.demo import ACCOUNTS, MESSAGES, results_of, traffic
from streams.kafka import clients
from streams.results import RATED, UNRATED
from streams.settings import Settings
from streams.state import positions
from streams.topic_reader import STATE, TopicReader
from streams.traffic import profiles
from tests.cli.conftest import Wameter
from tests.engine.real_worker import work
from tests.oracle import TotalKey, rate_all
from tests.oracle.totals import Total

EVENTS = 1200
SEED = 17
PARTS = 5


class System:
    """A pipeline of its own. Its events come in an order of their own, some twice, in several parts."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        name = uuid4().hex[:8]
        self.settings = Settings(
            bootstrap=bootstrap,
            prefix=f"r{name}.",
            app_id=f"r{name}",
            partitions=2,
            web_port=0,
            session_timeout_ms=6000,
            horizon_days=0,
        )
        self.log = folder / "log"
        rng = Random(SEED)
        events = list(traffic(SEED, EVENTS))
        events += rng.choices(events, k=EVENTS // 10)
        rng.shuffle(events)
        self._parts = [events[at::PARTS] for at in range(PARTS)]
        self.commands: list[dict[str, Any]] = []

    def begin(self) -> None:
        """Rates the first part, with a profile that comes late, voids and a redrive after it."""
        asyncio.run(self._begin())
        assert self.work() == 0, self.log.read_text()
        assert {each["reason"] for each in self.unrated()} >= {"unknown_account"}
        asyncio.run(self._publish_profiles(late=True))
        charged = [line for line in self.lines() if line["outcome"] == "charged"]
        phones = sorted({line["phone_number_id"] for line in charged})
        asked = ((line["phone_number_id"], line["message_id"]) for line in charged[:3])
        voids = [
            {"type": "void", "id": f"v-{message_id}", "phone_number_id": phone, "message_ids": [message_id], "reason": "test"}
            for phone, message_id in asked
        ]
        self.commands = [*voids, *({"type": "redrive", "id": "d", "phone_number_id": phone} for phone in phones)]
        publish(self.settings, self.commands)
        assert self.work() == 0, self.log.read_text()

    async def _begin(self) -> None:
        await topics.create(self.settings)
        await self._publish_profiles(late=False)
        await send(self.settings, MESSAGES, self._parts.pop())

    async def _publish_profiles(self, *, late: bool) -> None:
        """Those of one account come late."""
        found = [(orjson.loads(each)["account_id"].encode(), each) for each in profiles(SEED)]
        await send(self.settings, ACCOUNTS, [each for each in found if (each[0] == found[0][0]) == late])

    def go_on(self) -> None:
        """Rates another part."""
        self.send()
        assert self.work() == 0, self.log.read_text()

    def is_meant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By commands that are run in this process."""
        for setting in ("bootstrap", "prefix", "app_id", "partitions", "horizon_days", "session_timeout_ms"):
            monkeypatch.setenv(f"WAMETER_{setting.upper()}", str(getattr(self.settings, setting)))

    def send(self) -> None:
        """Publishes another part."""
        asyncio.run(send(self.settings, MESSAGES, self._parts.pop()))

    def work(self, fault: str = "", **settings: Any) -> int:
        return asyncio.run(work(self.settings.model_copy(update=settings), self.log, fault=fault))

    def rebuild(self, fault: str = "") -> int:
        """Runs it as a process, which a fault may kill."""
        return asyncio.run(work(self.settings, self.log, fault=fault, module=("streams.cli.main", "rebuild")))

    def records(self, topic: str) -> list[Record]:
        async def read(reader: TopicReader) -> list[Record]:
            return [record async for record in reader.records(topic)]

        return topic_reader.run(self.settings, read)

    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value or b"") for record in self.records(RATED)]

    def unrated(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value or b"") for record in self.records(UNRATED) if record.value is not None]

    def profiles(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value or b"") for record in self.records(ACCOUNTS)]

    def state(self) -> dict[tuple[int, bytes | None], bytes]:
        """What the changelog holds, by partition and key."""
        found = {(record.partition, record.key): record.value for record in self.records(STATE)}
        return {key: value for key, value in found.items() if value is not None}

    def position(self, topic: str, number: int) -> int | None:
        """Up to where the state of a partition has read a topic."""
        value = self.state().get((number, positions.key_of(topic, number)))
        return None if value is None else int.from_bytes(value, "big")

    def topics(self) -> list[str]:
        async def names() -> list[str]:
            async with topics.admin_client(self.settings) as admin:
                return sorted(name.removeprefix(self.settings.prefix) for name in await admin.list_topics())

        return asyncio.run(names())

    def write_state(self, changes: Iterable[tuple[int, bytes, bytes | None]]) -> None:
        """Does to the changelog what nobody should: partition, key and value."""

        async def write() -> None:
            async with clients.publisher(self.settings) as producer:
                sent = [await producer.send(self.settings.prefix + STATE, value, key, number) for number, key, value in changes]
                await asyncio.gather(*sent)

        asyncio.run(write())

    def damage(self) -> None:
        """Takes every fifth delivery out of the state, and tells lies of totals and leaves."""
        changes: list[tuple[int, bytes, bytes | None]] = []
        found = self.state()
        for (number, name), value in sorted(found.items())[::5]:
            key = name or b""
            if key[:1] == keys.DELIVERY:
                changes.append((number, key, None))
            elif key[:1] in (keys.TOTAL, keys.CONVERSATION):
                others = (other for (_, each), other in found.items() if each is not None and each[:1] == key[:1] and other != value)
                changes.append((number, key, next(others)))
        assert len(changes) > 50
        self.write_state(changes)

    def lose(self) -> None:
        """The changelog is deleted, and made anew."""

        async def anew() -> None:
            async with topics.admin_client(self.settings) as admin:
                await admin.delete_topics([self.settings.prefix + STATE])
                await topics.until(admin, lambda names: self.settings.prefix + STATE not in names)
            await topics.create(self.settings)

        asyncio.run(anew())

    def check(self, wameter: Wameter) -> None:
        """The oracle's totals, no line twice, and every event accounted for."""
        lines = self.lines()
        assert len({line["line_id"] for line in lines}) == len(lines)
        values = [record.value for record in self.records(MESSAGES) if record.value is not None]
        oracle = rate_all(values, self.profiles(), read_shipped(), commands=self.commands)
        found = asyncio.run(results_of(self.settings)).totals()
        assert {key: figures for key, figures in oracle.totals.items() if figures.messages} == {
            TotalKey(*(total[name] for name in TotalKey._fields)): Total(
                total["messages"], Decimal(total["cost"]), Decimal(total["amount"])
            )
            for total in found
        }
        audit = wameter("audit")
        assert audit.code == 0, audit.out
        assert ["voided", "3", "3"] in [line.split() for line in audit.out.splitlines()]


def _figures(total: dict[str, Any]) -> Total:
    return Total(total["messages"], Decimal(total["cost"]), Decimal(total["amount"]))
