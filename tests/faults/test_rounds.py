"""A short selection of rounds, with fixed seeds: most kinds of fault once, on Apache Kafka or, where that can play it, embedded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.brokers.apache_kafka import KafkaCluster
from tests.conftest import started, started_kafka
from tests.faults import acls
from tests.faults.play import Stand
from tests.faults.rounds import KINDS, Kind, play_round

EVENTS = 700
ON_THE_EMBEDDED_BROKER = ("zombie replaced", "profile late", "changelog ends aborted")
IN_A_CLUSTER = ("transaction coordinator dies",)
"""The others differ in which broker it is that dies; many rounds play them all."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def apache() -> Iterator[Stand]:
    """An Apache Kafka that rounds may stop, kill and starve."""
    for broker in started_kafka(acls.AUTHORISED):
        yield Stand(broker.bootstrap, broker)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Stand]:
    """Three brokers."""
    for brokers in started(KafkaCluster):
        yield Stand(brokers.bootstrap, cluster=brokers)


def named(*names: str) -> list[Any]:
    return [pytest.param(kind, id=kind.name) for kind in KINDS if kind.name in names]


ON_APACHE_KAFKA = (
    "two workers killed at once",
    "worker paused beyond its transaction",
    "authorisation lost",
    "broker killed",
    "network cut",
)
"""The other kinds are longer, or alike to these here: many rounds play them all."""


@pytest.mark.kafka
@pytest.mark.parametrize("kind", named(*ON_APACHE_KAFKA))
async def test_a_fault_leaves_the_oracles_totals_on_apache_kafka(kind: Kind, apache: Stand, tmp_path: Path) -> None:
    await play_counted(kind, apache, tmp_path)


@pytest.mark.parametrize("kind", named(*ON_THE_EMBEDDED_BROKER))
async def test_a_fault_leaves_the_oracles_totals_on_the_embedded_broker(kind: Kind, embedded_broker: str, tmp_path: Path) -> None:
    await play_counted(kind, Stand(embedded_broker), tmp_path)


@pytest.mark.kafka
@pytest.mark.parametrize("kind", named(*IN_A_CLUSTER))
async def test_a_broker_of_three_that_dies_leaves_the_oracles_totals(kind: Kind, cluster: Stand, tmp_path: Path) -> None:
    await play_counted(kind, cluster, tmp_path)


async def play_counted(kind: Kind, stand: Stand, directory: Path) -> None:
    """Another moment and other traffic where the fault hit nothing; not for ever."""
    for attempt in range(3):
        outcome = await play_round(kind, Random(f"{kind.name} {attempt}"), stand, directory, events=EVENTS)
        if outcome.counts:
            return
    pytest.fail(f"no round of three hit a transaction: {kind.name}")
