"""The topics of the pipeline: what each is set to, and why; making them, and saying what differs.

No topic is made by accident: brokers' defaults would give it the wrong number of partitions, and with it the wrong
worker for a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code

from schemas.topics import TOPIC_BY_NAME
from streams.errors import UnreachableError, UserError
from streams.kafka.clients import connection, unreachable
from streams.settings import Settings

KNOWN_TIMEOUT_S = 10.0
DAY_MS = 24 * 60 * 60 * 1000
FOREVER = -1

MAX_EVENT_BYTES = 1024 * 1024
"""A longer event is rejected (contract §2)."""
MAX_MESSAGE_BYTES = 2 * MAX_EVENT_BYTES + 64 * 1024
"""What an input takes in one batch. Twice an event: a publisher may send one that is too long, and it must come as far as
`usage.rejected`."""
MAX_OUTPUT_BYTES = 8 * MAX_EVENT_BYTES
"""What the other topics take, the changelog among them. One record may join facts of seven legal events, each of which may be an id of a
megabyte: a delivery's four, its window's, and what was published of them before."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic, by its logical name."""

    name: str
    cleanup: Literal["delete", "compact"]
    retention_ms: int = FOREVER
    """How long records stay, where cleanup is `delete`."""
    is_input: bool = False
    """True if others publish to it: then the broker's clock stamps the records, since the publishers' may be wrong."""
    extra: Mapping[str, str] = field(default_factory=dict)

    def config(self, replication: int) -> dict[str, str]:
        """Kafka's own names and values for what this topic must be set to."""
        config = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(MAX_MESSAGE_BYTES if self.is_input else MAX_OUTPUT_BYTES),
            "compression.type": "producer",
            "message.timestamp.type": "LogAppendTime" if self.is_input else "CreateTime",
            # One replica may be down without stopping the pipeline, and no acknowledged record is on one disk only.
            "min.insync.replicas": str(max(1, replication - 1)),
            # A replica that lags must not become the leader: it would take back what was acknowledged.
            "unclean.leader.election.enable": "false",
        }
        if self.cleanup == "delete":
            config["retention.ms"] = str(self.retention_ms)
        return {**config, **self.extra}


def public_topic(name: str, *, is_input: bool = False) -> Topic:
    """A topic of the contract."""
    known = TOPIC_BY_NAME[name]
    retention_ms = FOREVER if known.retention_days is None else known.retention_days * DAY_MS
    return Topic(name, known.cleanup, retention_ms, is_input=is_input)


def state_topic(stage_name: str) -> Topic:
    """A stage's changelog, which a restart reads whole."""
    extra = {
        # What was overwritten is still read until it is compacted, and an open segment never is: so segments are short and cleaned early.
        "segment.ms": str(10 * 60 * 1000),
        "segment.bytes": str(64 * 1024 * 1024),
        "min.cleanable.dirty.ratio": "0.1",
        "min.compaction.lag.ms": "0",
        # A removed key is known by its tombstone alone. Who reads for longer than this, or goes on with what it had read before, may
        # miss the tombstone and keep the key: restores are limited to half of it, and given-up state is kept for an hour.
        "delete.retention.ms": str(DAY_MS),
        # Stamped by the broker: so each commit tells how far the clocks differ, and segments end by one clock.
        "message.timestamp.type": "LogAppendTime",
    }
    return Topic(f"wameter-{stage_name}-state", "compact", extra=extra)


METER: Sequence[Topic] = (
    *(public_topic(name, is_input=True) for name in ("whatsapp.messages", "whatsapp.accounts", "rating.commands")),
    *(public_topic(name) for name in ("usage.rated", "usage.totals", "usage.unrated", "usage.rejected", "usage.compliance")),
    state_topic("meter"),
)
"""What METER reads and writes, but for what it exchanges with TIER, and `billing.licences`."""

TIER: Sequence[Topic] = (*(public_topic(name) for name in ("usage.counts", "usage.bands")), state_topic("tier"))
"""What TIER reads and writes, but for `usage.rejected`."""

_STAMPED_BY_THE_BROKER: Mapping[str, str] = {"message.timestamp.type": "LogAppendTime"}

USAGE: Sequence[Topic] = (
    public_topic("billing.sources"),
    # A total counts from its append time on: that must be the broker's, as a command's is.
    replace(public_topic("billing.usage"), extra=_STAMPED_BY_THE_BROKER),
    state_topic("usage"),
)
"""What USAGE reads and writes, but for `usage.totals` and `usage.rejected`."""

INVOICE: Sequence[Topic] = (
    public_topic("billing.commands", is_input=True),
    *(public_topic(name) for name in ("billing.events", "billing.invoices", "billing.licences")),
    state_topic("invoice"),
)
"""What INVOICE reads and writes, but for what it exchanges with USAGE, and `usage.rejected`."""

WORKER: Sequence[Topic] = (*METER, *TIER, *USAGE, *INVOICE)
"""What a worker reads and writes."""


async def create(settings: Settings, topics: Sequence[Topic] = WORKER) -> list[str]:
    """Makes the topics that are missing; returns their full names. Those that are there stay as they are: see `check`."""
    replicas = settings.replication
    async with admin_client(settings) as admin:
        response = await admin.create_topics(
            [
                NewTopic(settings.prefix + topic.name, settings.partitions, replicas, topic_configs=topic.config(replicas))
                for topic in topics
            ]
        )
        created, problems = [], []
        for name, code, *message in response.topic_errors:
            error = for_code(code)
            if not code:
                created.append(name)
            elif error is not TopicAlreadyExistsError:
                problems.append(f"topic {name} could not be made: {message[0] if message and message[0] else error.__name__}")
        if problems:
            raise UserError(*problems)
        # A worker that starts at once must find them.
        await until(admin, lambda names: set(created) <= set(names))
        return created


async def until(admin: AIOKafkaAdminClient, holds: Callable[[Collection[str]], bool]) -> None:
    """Waits for something to hold of the names of topics: a broker answers before all of it knows of a change."""
    async with asyncio.timeout(KNOWN_TIMEOUT_S):
        while not holds(await admin.list_topics()):  # noqa: ASYNC110 - a broker can only be asked again
            await asyncio.sleep(0.02)


async def check(settings: Settings, topics: Sequence[Topic] = WORKER) -> list[str]:
    """What differs from what a worker needs: one sentence each, with the mend. Empty: all is well."""
    async with admin_client(settings) as admin:
        names = {settings.prefix + topic.name for topic in topics}
        # All topics, not ours by name: a broker that makes topics by itself would make those it is asked about.
        described = {topic["topic"]: topic for topic in await admin.describe_topics() if topic["topic"] in names}
        configs = await _configs(admin, described.keys())
    problems: list[str] = []
    for topic in topics:
        name = settings.prefix + topic.name
        if name not in described:
            problems.append(f"topic {name} does not exist; make it with `wameter topics create`")
            continue
        problems += _shape_problems(name, described[name]["partitions"], settings)
        problems += [
            f"topic {name}: {key} is {actual}, but must be {_BOUNDS.get(key, '')}{wanted}; set it with Kafka's tools"
            for key, wanted in topic.config(settings.replication).items()
            if not _fits(key, actual := configs[name].get(key, wanted), wanted)
        ]
    return problems


_BOUNDS = {
    "retention.ms": "at least ",
    "delete.retention.ms": "at least ",
    "max.message.bytes": "at least ",
    "segment.ms": "at most ",
    "segment.bytes": "at most ",
    "min.cleanable.dirty.ratio": "at most ",
    "min.compaction.lag.ms": "at most ",
}
"""Settings that may be better than what is needed."""


def _fits(key: str, actual: str, wanted: str) -> bool:
    bound = _BOUNDS.get(key)
    if actual == wanted or bound is None:
        return actual == wanted
    if key == "retention.ms" and str(FOREVER) in (actual, wanted):
        return actual == str(FOREVER)
    return float(actual) >= float(wanted) if bound == "at least " else float(actual) <= float(wanted)


def _shape_problems(name: str, partitions: Sequence[Mapping[str, Any]], settings: Settings) -> Iterable[str]:
    if len(partitions) != settings.partitions:
        yield (
            f"topic {name} has {len(partitions)} partitions, but the setting partitions says {settings.partitions}; "
            "correct the setting, or start with new topics: a topic's partitions cannot change"
        )
    replicas = min(len(partition["replicas"]) for partition in partitions)
    if replicas < settings.replication:
        wanted = settings.replication
        yield f"topic {name} has {replicas} replicas, but the setting replication says {wanted}; add some, or correct the setting"


async def _configs(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources) if resources else []:
        for _code, _message, _kind, name, entries in response.resources:
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs


def is_keyed(name: str) -> bool:
    """Whether the partitioner hashes the keys of a topic's records themselves."""
    known = TOPIC_BY_NAME.get(name)
    return known is None or known.partitioned_by is None


@asynccontextmanager
async def admin_client(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected client. Raises `UnreachableError` if nobody answers, or what is asked of it fails."""
    admin = AIOKafkaAdminClient(**connection(settings))
    try:
        await admin.start()
    except KafkaConnectionError:
        raise unreachable(settings) from None
    try:
        yield admin
    except KafkaError as error:
        raise UnreachableError(f"Kafka at {settings.bootstrap} failed: {error}") from error
    finally:
        await admin.close()
