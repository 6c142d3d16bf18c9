"""METER and TIER in real workers: killed in open transactions of either, then drained by two at once, to the oracle's totals."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from streams import topics
from streams.cli.main import run
from streams.demo import results_of
from streams.guards.faults import OPEN_TRANSACTION
from streams.kafka import clients
from streams.settings import Settings
from tests.engine.real_worker import killable, records, work
from tests.oracle import rate_all
from tests.streams_generator.catalog import CATALOG

PROFILES: list[dict[str, Any]] = [
    {"account_id": "paris", "timezone": "Europe/Paris", "currency": "USD", "portfolio_id": "both", "fee": {"percent": "20"}},
    {"account_id": "new-york", "timezone": "America/New_York", "currency": "EUR", "portfolio_id": "both"},
]
PHONES = [f"phone-{number}" for number in range(6)]
MESSAGES = 400


def events() -> list[tuple[str, dict[str, Any]]]:
    """Charged utility messages of two accounts and six phone numbers on five days, in any order."""
    rng = Random(5)
    found = []
    for number in range(MESSAGES):
        phone, account = rng.choice(PHONES), rng.choice(PROFILES)["account_id"]
        event = {
            "type": "message.delivered", "id": f"e{number}", "account_id": account, "phone_number_id": phone, "user": "+33612345678",
            "message_id": f"wamid.{number}", "time": f"2026-03-{rng.randint(10, 14)}T{rng.randint(0, 23):02d}:00:00.000Z",
            "category": "utility", "pricing": {"type": "regular"},
        }  # fmt: skip
        found.append((phone, event))
    return found


async def publish(settings: Settings, sent: list[tuple[str, dict[str, Any]]]) -> None:
    producer = clients.transactional_producer(settings, f"{settings.prefix}publisher")
    await producer.start()
    async with producer.transaction():
        for profile in PROFILES:
            await producer.send_and_wait(
                f"{settings.prefix}whatsapp.accounts", json.dumps(profile).encode(), profile["account_id"].encode()
            )
        for phone, event in sent:
            await producer.send(f"{settings.prefix}whatsapp.messages", json.dumps(event).encode(), phone.encode())
    await producer.stop()


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_workers_killed_in_either_stage_end_with_the_oracles_volume_bands(
    broker: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in CATALOG.items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_text(text)
    settings = killable(broker, partitions=3, batch_max_records=5, pacing_ms=0, catalog=tmp_path / "own", input_partitioner="any")
    await topics.create(settings)
    sent = events()
    await publish(settings, sent)
    for number, point in enumerate(OPEN_TRANSACTION):
        log = tmp_path / f"killed-{number}.log"
        assert await work(settings, log, fault=f"{point}:{3 + 2 * number}") == -signal.SIGKILL, log.read_text()
    logs = [tmp_path / f"w{number}.log" for number in (1, 2)]  # the first has the name of those that were killed, and takes their place
    ended = await asyncio.gather(*(work(settings.model_copy(update={"group_instance_id": log.stem}), log) for log in logs))
    assert ended == [0, 0], "".join(log.read_text() for log in logs)

    oracle = rate_all([json.dumps(event).encode() for _, event in sent], PROFILES, CATALOG)
    found = {
        tuple(total[name] for name in key._fields): (total["messages"], Decimal(total["cost"]), Decimal(total["amount"]))
        for total in (await results_of(settings)).totals()
        for key in [next(iter(oracle.totals))]
    }
    assert found == {tuple(key): tuple(total) for key, total in oracle.totals.items()}
    lines = [orjson.loads(record.value) for record in await records(settings, "usage.rated", "read_committed")]
    assert len({line["line_id"] for line in lines}) == len(lines)
    assert {line["kind"] for line in lines} >= {"charge", "adjustment"}
    assert _by_band(lines) == {key: Counter(bands) for key, bands in oracle.tiers.items()}
    flags = [f"--bootstrap={broker}", f"--prefix={settings.prefix}", f"--app-id={settings.app_id}"]
    assert await asyncio.to_thread(run, ["audit", *flags]) == 0
    assert await asyncio.to_thread(run, ["tiers", "--json=-", f"--catalog={settings.catalog}", *flags]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [(each["portfolio_id"], each["currency"], each["used"], each["tier"]) for each in told] == [
        ("both", "EUR", MESSAGES, "13:MAX"), ("both", "USD", MESSAGES, "21:MAX")
    ]  # fmt: skip


def _by_band(lines: list[dict[str, Any]]) -> dict[tuple[Any, ...], Counter[str]]:
    """How many messages of each total its lines put in which band."""
    names = ("account_id", "phone_number_id", "date", "country", "market", "category", "outcome", "currency")
    found: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for line in lines:
        bands = found[tuple(line[name] for name in names)]
        if line["kind"] == "adjustment":
            bands[line["tier_from"]] -= line["moved"]
            bands[line["tier_to"]] += line["moved"]
        else:
            bands[line["tier"]] += 1 if line["kind"] == "charge" else -1
    return {key: +bands for key, bands in found.items()}
