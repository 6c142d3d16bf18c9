"""A running system tells who should not have sent what: a real worker on a broker, with licences that come late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from schemas.licences import licences_key
from streams import topics
from streams.kafka.clients import connection
from streams.settings import Settings
from streams.topic_reader import connect
from tests.cli import rated_system
from tests.cli.conftest import Wameter
from tests.oracle.compliance import verdicts
from tests.oracle.reading import read_event

EXAMPLE = Path(__file__).parents[2] / "examples" / "compliance"

Keyed = tuple[str, bytes, bytes]
"""Topic, key, value."""


@pytest.mark.slow
def test_late_licences_withdraw_what_a_running_system_said(embedded_broker: str, wameter: Wameter, tmp_path: Path) -> None:
    settings = Settings(bootstrap=embedded_broker, prefix="compliance.", app_id="compliance", partitions=2)
    licences = wameter("bill", EXAMPLE / "commands.jsonl", "--invoices", "invoices", "--licences", "-").records
    of_account = [record for record in licences if record["user_id"] is None]
    events = _lines("events")
    profile = json.loads((EXAMPLE / "accounts.json").read_bytes())[0]

    asyncio.run(topics.create(settings))
    inputs = [("whatsapp.accounts", profile["account_id"].encode(), orjson.dumps(profile))]
    inputs += [("whatsapp.messages", json.loads(event)["phone_number_id"].encode(), event) for event in events]
    asyncio.run(_publish(settings, [*inputs, *_keyed(of_account)]))
    rated_system.rate(settings, tmp_path)
    without_users = _said(settings)
    asyncio.run(_publish(settings, _keyed(licences)))
    rated_system.rate(settings, tmp_path)
    everything = _said(settings)

    read = [read_event(event) for event in events]
    assert _net(without_users) == {(each.message_id, each.kind) for each in verdicts(read, of_account)}
    assert _net(everything) == {(each.message_id, each.kind) for each in verdicts(read, licences)}
    assert sum(bool(record.get("withdrawn")) for record in everything) == len(without_users) - 3 == 5


def test_a_running_system_judges_by_the_licences_that_its_own_commands_brought(
    embedded_broker: str, wameter: Wameter, tmp_path: Path
) -> None:
    settings = Settings(bootstrap=embedded_broker, prefix="licensed.", app_id="licensed", partitions=2)
    due = wameter("bill", EXAMPLE / "commands.jsonl", "--invoices", "invoices", "--licences", "-").records
    events = _lines("events")
    profile = json.loads((EXAMPLE / "accounts.json").read_bytes())[0]
    inputs = [("whatsapp.accounts", profile["account_id"].encode(), orjson.dumps(profile))]
    inputs += [("billing.commands", json.loads(command)["account_id"].encode(), command) for command in _lines("commands")]
    inputs += [("whatsapp.messages", json.loads(event)["phone_number_id"].encode(), event) for event in events]
    asyncio.run(topics.create(settings))
    asyncio.run(_publish(settings, inputs))
    for _ in range(2):  # what INVOICE said last, METER has read at its next start at the latest
        rated_system.rate(settings, tmp_path)

    assert _newest(_all_of(settings, "billing.licences")) == _newest(due)
    assert _net(_said(settings)) == {(each.message_id, each.kind) for each in verdicts([read_event(event) for event in events], due)}


def _newest(licences: Iterable[dict[str, Any]]) -> dict[bytes, dict[str, Any]]:
    return {licences_key(each["account_id"], each["user_id"]): each for each in licences}


def _lines(name: str) -> list[bytes]:
    return (EXAMPLE / f"{name}.jsonl").read_bytes().splitlines()


def _keyed(licences: Iterable[dict[str, Any]]) -> list[Keyed]:
    return [("billing.licences", licences_key(each["account_id"], each["user_id"]), orjson.dumps(each)) for each in licences]


async def _publish(settings: Settings, records: Iterable[Keyed]) -> None:
    async with AIOKafkaProducer(**connection(settings)) as producer:
        for topic, key, value in records:
            await producer.send_and_wait(settings.prefix + topic, value, key=key)


def _said(settings: Settings) -> list[dict[str, Any]]:
    return _all_of(settings, "usage.compliance")


def _all_of(settings: Settings, topic: str) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        async with connect(settings) as reader:
            return [json.loads(record.value or b"") async for record in reader.records(topic)]

    return asyncio.run(read())


def _net(records: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    standing: dict[tuple[str, str], bool] = {}
    for record in records:
        standing[record["message_id"], record["kind"]] = not record.get("withdrawn")
    return {name for name, is_in_force in standing.items() if is_in_force}
