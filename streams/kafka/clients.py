"""How every Kafka client of the pipeline connects: one place that turns settings into aiokafka's arguments.

What is set, and why, is in docs/reference/clients.md; nothing that matters is left to a library's default.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from aiokafka.helpers import create_ssl_context

from streams.errors import UnreachableError
from streams.settings import Settings

READ_COMMITTED = "read_committed"
FETCH_BYTES = 2 * 1024 * 1024
"""Of one partition in one fetch. A single larger record still comes through: brokers always send at least one."""
FETCH_MAX_BYTES = 8 * FETCH_BYTES
PRODUCER_BATCH_BYTES = 900_000
"""Records are packed into batches of this size; one larger record travels alone. Topics take more than twice this."""


def connection(settings: Settings) -> dict[str, Any]:
    """Arguments that any aiokafka client takes: where the brokers are and how to log in."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap,
        "security_protocol": settings.security_protocol,
        "client_id": settings.app_id,
        "metadata_max_age_ms": 60_000,
        "retry_backoff_ms": 100,
        "connections_max_idle_ms": 540_000,
    }
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = create_ssl_context(cafile=settings.ssl_ca_file and str(settings.ssl_ca_file))
    if settings.sasl_mechanism is not None:
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password.get_secret_value() if settings.sasl_password else None
    return options


def unreachable(settings: Settings) -> UnreachableError:
    """What to say when no broker lets us in. Who refuses a login or is not trusted looks, from here, like one who is away."""
    if settings.security_protocol == "PLAINTEXT":
        return UnreachableError(f"Kafka at {settings.bootstrap} does not answer; start it, or name another with --bootstrap")
    return UnreachableError(
        f"Kafka at {settings.bootstrap} does not answer, or does not let us in; start it, name another with --bootstrap, or check "
        "security_protocol, sasl_mechanism, sasl_username, sasl_password and ssl_ca_file"
    )


def reader(settings: Settings, group_id: str | None = None) -> AIOKafkaConsumer:
    """A consumer that is no member of a group: it reads what is committed, from where it is told. Start and stop it.

    With `group_id` it can look up that group's offsets.
    """
    return AIOKafkaConsumer(**connection(settings), **reading(), group_id=group_id, request_timeout_ms=40_000)


def observer(settings: Settings, group_id: str | None = None) -> AIOKafkaConsumer:
    """One that reads nothing: it looks up that group's offsets, and where logs end with what is not committed yet."""
    options = {**connection(settings), **reading(), "isolation_level": "read_uncommitted"}
    return AIOKafkaConsumer(**options, group_id=group_id, request_timeout_ms=40_000)


def reading() -> dict[str, Any]:
    """Arguments of every consumer: committed records only, and never from anywhere else than where it is told."""
    return {
        "isolation_level": READ_COMMITTED,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "check_crcs": True,
        "max_partition_fetch_bytes": FETCH_BYTES,
        "fetch_max_bytes": FETCH_MAX_BYTES,
        "fetch_min_bytes": 1,
        "fetch_max_wait_ms": 100,
    }


def member(settings: Settings) -> dict[str, Any]:
    """Arguments of the consumer that is a member of the group, beside those of every consumer."""
    return {
        "group_id": settings.app_id,
        "group_instance_id": settings.group_instance_id,
        "max_poll_records": settings.batch_max_records,
        "request_timeout_ms": settings.session_timeout_ms + settings.step_timeout_ms + 10_000,
        "session_timeout_ms": settings.session_timeout_ms,
        "heartbeat_interval_ms": min(1000, settings.session_timeout_ms // 6),
        # Nothing is fetched while state is restored; and a rebalance waits for the steps that are running.
        "max_poll_interval_ms": settings.restore_timeout_ms + 300_000,
        "rebalance_timeout_ms": max(settings.session_timeout_ms, settings.step_timeout_ms + 5000),
    }


def transactional_producer(settings: Settings, transactional_id: str) -> AIOKafkaProducer:
    """A producer whose start fences whoever had the id before. It sends what it is given at once, in whole batches."""
    return AIOKafkaProducer(
        **connection(settings),
        transactional_id=transactional_id,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        acks="all",
        enable_idempotence=True,
        # A request without an answer must end before the broker aborts the transaction that it was part of. It is also how long
        # records wait for a broker that is away: a restart should fit in.
        request_timeout_ms=min(15_000, settings.transaction_timeout_ms // 2),
        max_batch_size=PRODUCER_BATCH_BYTES,
        linger_ms=0,
        compression_type=None,
    )


@asynccontextmanager
async def publisher(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer for records that nobody waits for in a hurry: acknowledged by all replicas, in order, once. Raises `UnreachableError`."""
    producer = AIOKafkaProducer(**connection(settings), acks="all", enable_idempotence=True, linger_ms=5, max_batch_size=256 * 1024)
    try:
        await producer.start()
    except KafkaConnectionError:
        await producer.stop()
        raise unreachable(settings) from None
    try:
        yield producer
    finally:
        await producer.stop()
