"""A worker of the real pipeline is killed ten times in open transactions, on sample traffic: the totals are the offline rater's."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import orjson
import pytest

from streams import topics
from streams.demo import publish_profiles, publish_traffic, rated_offline, results_of
from streams.guards.faults import OPEN_TRANSACTION
from streams.results import RATED, differences
from streams.settings import Settings
from tests.engine.real_worker import killable, records, work

EVENTS = 12_000
SEED = 11
KILLS = 10
ATTEMPTS = 16
"""More than kills: only those count that an aborted record proves."""


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
    settings = killable(broker, partitions=2, batch_max_records=50)
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
