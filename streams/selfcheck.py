"""What must hold before a worker joins: everything that can be asked of the brokers, all problems at once.

A problem is what would make the pipeline wrong or stop it; the worker does not start. A doubt is said in the log. What a
broker does not tell, or may not tell to us, is no problem: managed services hide much of this.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from streams import topics
from streams.guards import clock
from streams.guards.placement import misplaced
from streams.kafka import clients
from streams.kafka.partitioner import partition_of
from streams.kafka.reading import committed_records
from streams.settings import Settings

log = structlog.get_logger(__name__)
SAMPLED_RECORDS = 50
"""Of each partition of an input: its newest."""
SAMPLE_TIMEOUT_S = 10.0
STRAYS_MIN = 10
STRAY_SHARE = 0.1
"""So many of the sampled records, and such a share of them, are no accident."""

_TRANSACTIONS = {22: "InitProducerId", 24: "AddPartitionsToTxn", 25: "AddOffsetsToTxn", 26: "EndTxn", 28: "TxnOffsetCommit"}
_SINCE_3_0 = 65
"""Kafka's own number of DescribeTransactions, which came with version 3.0."""
_INTERNAL = ("__transaction_state", "__consumer_offsets")


@dataclass(slots=True)
class Findings:
    """What a check found, one sentence each."""

    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


async def check(settings: Settings, stage_topics: Sequence[topics.Topic], inputs: Iterable[str]) -> Findings:
    """Looks at brokers, topics, clocks and keys. Raises `UnreachableError` if nobody answers."""
    found = Findings(await topics.check(settings, stage_topics))
    async with topics.admin_client(settings) as admin:
        await _check_brokers(settings, admin, found)
    if not found.problems:  # what lies in topics that are wrong says nothing
        await _check_records(settings, inputs, found)
    for doubt in found.doubts:
        log.warning(doubt)
    return found


async def _check_brokers(settings: Settings, admin: AIOKafkaAdminClient, found: Findings) -> None:
    brokers = (await admin.describe_cluster())["brokers"]
    for versions in {tuple(sorted(conn._versions)) for conn in admin._client._conns.values()}:
        found.problems += _version_problems(versions)
    internal = [topic for topic in await admin.describe_topics() if topic["topic"] in _INTERNAL]
    for topic in internal:
        replicas = min((len(partition["replicas"]) for partition in topic["partitions"]), default=settings.replication)
        if replicas < settings.replication:
            found.problems.append(
                f"topic {topic['topic']} has {replicas} replicas, but the setting replication says {settings.replication}: "
                "what keeps commits together would be lost with a broker; add replicas with Kafka's tools"
            )
    for broker in brokers:
        config = await _config_of(admin, str(broker["node_id"]))
        found.problems += _broker_problems(settings, broker["node_id"], config, has_log=any(t["topic"] == _INTERNAL[0] for t in internal))


def _version_problems(keys: Sequence[int]) -> list[str]:
    missing = [name for number, name in _TRANSACTIONS.items() if number not in keys]
    if missing:
        return [f"the brokers know no transactions (no {', '.join(missing)}); the pipeline needs Kafka 3.0 or newer"]
    return [] if _SINCE_3_0 in keys else ["the brokers are older than Kafka 3.0; update them"]


async def _config_of(admin: AIOKafkaAdminClient, broker: str) -> Mapping[str, str]:
    """A broker's settings, as far as we may know them."""
    try:
        responses = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, broker)])
    except KafkaError:
        return {}
    return {entry[0]: entry[1] for response in responses for resource in response.resources for entry in resource[4] if entry[1]}


def _broker_problems(settings: Settings, broker: Any, config: Mapping[str, str], *, has_log: bool) -> Iterable[str]:
    def number(name: str, unknown: int) -> int:
        return int(config.get(name, unknown))

    longest = number("transaction.max.timeout.ms", settings.transaction_timeout_ms)
    if longest < settings.transaction_timeout_ms:
        yield (
            f"broker {broker}: transaction.max.timeout.ms is {longest}, but the setting transaction_timeout_ms says "
            f"{settings.transaction_timeout_ms}; shorten the setting (and step_timeout_ms), or raise the broker's limit"
        )
    shortest, longest = number("group.min.session.timeout.ms", 0), number("group.max.session.timeout.ms", settings.session_timeout_ms)
    if not shortest <= settings.session_timeout_ms <= longest:
        yield (
            f"broker {broker}: a session may last from {shortest} to {longest} ms (group.min.session.timeout.ms and its max), "
            f"but the setting session_timeout_ms says {settings.session_timeout_ms}; correct the setting"
        )
    replicas = number("transaction.state.log.replication.factor", settings.replication)
    if replicas < settings.replication and not has_log:  # else what it really has is known, and checked
        yield (
            f"broker {broker}: transaction.state.log.replication.factor is {replicas}, but the setting replication says "
            f"{settings.replication}: what keeps commits together would be lost with a broker; raise it before the first start"
        )
    in_sync = number("transaction.state.log.min.isr", 1)
    if settings.replication > 1 and in_sync >= replicas:
        yield (
            f"broker {broker}: transaction.state.log.min.isr is {in_sync} of {replicas} replicas, so nothing could be committed while one "
            f"is down; set it to {max(1, replicas - 1)}"
        )


async def _check_records(settings: Settings, inputs: Iterable[str], found: Findings) -> None:
    """Looks at the newest records of the inputs: do keys lie where they belong, and what time was it there?"""
    try:
        async with asyncio.timeout(SAMPLE_TIMEOUT_S):
            for topic in filter(topics.is_keyed, inputs):
                await _check_input(settings, topic, found)
    except TimeoutError:
        found.doubts.append(f"the newest records of the inputs could not be looked at within {SAMPLE_TIMEOUT_S:g} s; is Kafka slow?")


async def _check_input(settings: Settings, topic: str, found: Findings) -> None:
    partitions = [TopicPartition(settings.prefix + topic, number) for number in range(settings.partitions)]
    records = strays = 0
    newest_ms = 0
    consumer = clients.reader(settings)
    await consumer.start()
    try:
        async for tp, fetched, _ in committed_records(consumer, await _newest(consumer, partitions)):
            records += len(fetched)
            strays += sum(record.key is None or partition_of(record.key, settings.partitions) != tp.partition for record in fetched)
            newest_ms = max(newest_ms, *(record.timestamp for record in fetched))
    finally:
        await consumer.stop()
    if settings.input_partitioner == "murmur2" and strays:
        is_habit = strays >= STRAYS_MIN and strays >= STRAY_SHARE * records
        sentence = f"{misplaced(topic)} ({strays} of the newest {records} records)"
        if is_habit:
            found.problems.append(f"{sentence}; correct the publisher, or set input_partitioner to any")
        else:
            found.doubts.append(sentence)
    skew_ms = newest_ms - int(time.time() * 1000)
    if skew_ms > settings.clock_skew_max_ms:
        found.problems.append(clock.too_far(skew_ms, settings.clock_skew_max_ms))


async def _newest(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Where the newest records of each partition begin."""
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    return {tp: max(begins[tp], ends[tp] - SAMPLED_RECORDS) for tp in partitions}
