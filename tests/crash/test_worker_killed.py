"""A worker of the real pipeline is killed ten times in open transactions, on sample traffic: the totals are the offline rater's."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams import topics
from streams.demo import publish_profiles, publish_traffic, rated_offline, results_of
from streams.engine.faults import OPEN_TRANSACTION
from streams.results import RATED, differences
from streams.settings import Settings, variable_of

EVENTS = 12_000
SEED = 11
KILLS = 10
ATTEMPTS = 16
"""More than kills: only those count that an aborted record proves."""


async def work(settings: Settings, log: Path, *, fault: str = "") -> int:
    """Runs `wameter worker --drain` and returns how it ended."""
    environment = {**os.environ, "WAMETER_FAULT": fault}
    environment |= {variable_of(name): str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams.cli.main", "worker", "--drain", env=environment, stdout=out, stderr=out
        )
        return await asyncio.wait_for(process.wait(), 60)


async def records(settings: Settings, topic: str, isolation: Literal["read_committed", "read_uncommitted"]) -> list[Any]:
    """Every record of a topic, as a reader of that isolation sees it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, isolation_level=isolation, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(settings.prefix + topic, number) for number in range(settings.partitions)]
        consumer.assign(partitions)
        found: list[Any] = []
        for partition, end in (await consumer.end_offsets(partitions)).items():
            while await consumer.position(partition) < end:
                found += (await consumer.getmany(partition, timeout_ms=200)).get(partition, [])
        return found
    finally:
        await consumer.stop()


async def voided(settings: Settings) -> int:
    """How many lines and state records lie in the log that no transaction committed."""
    counts = [
        len(await records(settings, topic, "read_uncommitted")) - len(await records(settings, topic, "read_committed"))
        for topic in (RATED, "wameter-meter-state")
    ]
    return sum(counts)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_ten_kills_in_open_transactions_leave_the_offline_raters_totals_and_every_line_once(broker: str, tmp_path: Path) -> None:
    settings = Settings(
        bootstrap=broker,
        partitions=2,
        prefix=f"t{uuid4().hex[:8]}.",
        app_id=f"app-{uuid4().hex[:8]}",
        group_instance_id="w1",
        session_timeout_ms=6000,
        transaction_timeout_ms=10_000,
        step_timeout_ms=8000,
        batch_max_records=50,
        web_port=0,
        log_format="json",
    )
    await topics.create(settings)
    await publish_profiles(settings, SEED)
    await publish_traffic(settings, SEED, EVENTS, per_second=None, told=lambda _: None)
    log = tmp_path / "worker.log"
    aborted = counted = 0
    for attempt in range(ATTEMPTS):
        point = OPEN_TRANSACTION[attempt % len(OPEN_TRANSACTION)]
        ended = await work(settings, log, fault=f"{point}:{7 + attempt % 4}")
        assert ended == -signal.SIGKILL, log.read_text()
        void = await voided(settings)
        counted += void > aborted  # a step that had written nothing yet proves nothing: it doesn't count
        aborted = void
        if counted == KILLS:
            break
    assert counted == KILLS
    assert await work(settings, log) == 0, log.read_text()

    expected = rated_offline(settings, SEED, EVENTS)
    found = await results_of(settings)
    assert list(differences(found.totals(), expected.totals())) == []
    assert found.unrated() == expected.unrated()
    published = [orjson.loads(record.value) for record in await records(settings, RATED, "read_committed")]
    assert len({line["line_id"] for line in published}) == len(published)
    standing = Counter(line["delivery_id"] for line in published if line["kind"] == "charge")
    standing.subtract(Counter(line["delivery_id"] for line in published if line["kind"] == "reversal"))
    assert set(standing.values()) <= {0, 1}
    assert sum(standing.values()) == sum(total["messages"] for total in expected.totals())
