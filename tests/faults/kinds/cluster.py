"""One broker of three dies: what it led and what it coordinated moves to the others."""

from __future__ import annotations

import asyncio
import signal

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import CoordinationType

from streams.demo import MESSAGES
from tests.brokers.apache_kafka import ApacheKafka
from tests.faults.pipeline import STATE, started
from tests.faults.play import Play


async def transaction_coordinator_dies(play: Play) -> None:
    """The broker that keeps the transactions of one of the partitions."""
    await _dies(play, "transaction")


async def group_coordinator_dies(play: Play) -> None:
    """The broker that keeps the group and its offsets."""
    await _dies(play, "group")


async def leader_dies(play: Play) -> None:
    """The broker that leads a partition of the input, or of the changelog."""
    await _dies(play, play.rng.choice((MESSAGES, STATE)))


async def _dies(play: Play, what: str) -> None:
    cluster = play.stand.cluster
    assert cluster is not None
    await play.begin()
    worker = await play.frozen()
    node = cluster.nodes[await _node_of(play, what) - 1]
    await asyncio.to_thread(node.kill)
    publishing = play.publishing()
    worker.signal(signal.SIGCONT)
    await publishing  # two of three brokers take and rate the rest
    await _back(play, node)
    await play.stop(worker)


async def _back(play: Play, node: ApacheKafka) -> None:
    if play.rng.random() < 0.5:
        await play.pipeline.drain("w2")
    await play.start(node)


async def _node_of(play: Play, what: str) -> int:
    """Which broker it is that a worker needs for this."""
    settings = play.pipeline.settings
    async with started(AIOKafkaConsumer(bootstrap_servers=settings.bootstrap)) as consumer:
        client = consumer._client
        if what == "group":
            return int(await client.coordinator_lookup(CoordinationType.GROUP, settings.app_id))
        if what == "transaction":
            name = f"{settings.prefix}{settings.app_id}-meter-{play.rng.randrange(2)}"
            return int(await client.coordinator_lookup(CoordinationType.TRANSACTION, name))
        await client.force_metadata_update()
        await client.fetch_all_metadata()
        return int(client.cluster.leader_for_partition(TopicPartition(settings.prefix + what, play.rng.randrange(2))))
