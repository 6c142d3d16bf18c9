"""How every Kafka client of the pipeline connects: one place that turns settings into aiokafka's arguments."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.helpers import create_ssl_context

from streams.settings import Settings

READ_COMMITTED = "read_committed"
FETCH_BYTES = 2 * 1024 * 1024
"""Of one partition in one fetch. A single larger record still comes through: brokers always send at least one."""
PRODUCER_BATCH_BYTES = 900_000
"""Records are packed into batches of this size; one larger record travels alone. Topics take more than twice this."""


def connection(settings: Settings) -> dict[str, Any]:
    """Arguments that any aiokafka client takes: where the brokers are and how to log in."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap,
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = create_ssl_context(cafile=settings.ssl_ca_file and str(settings.ssl_ca_file))
    if settings.sasl_mechanism is not None:
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password.get_secret_value() if settings.sasl_password else None
    return options


def reader(settings: Settings, group_id: str | None = None) -> AIOKafkaConsumer:
    """A consumer that is no member of a group: it reads what is committed, from where it is told. Start and stop it.

    With `group_id` it can look up that group's offsets.
    """
    return AIOKafkaConsumer(
        **connection(settings),
        group_id=group_id,
        isolation_level=READ_COMMITTED,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=8 * FETCH_BYTES,
        fetch_max_wait_ms=100,
    )


def member(settings: Settings, assignor: type[AbstractPartitionAssignor]) -> AIOKafkaConsumer:
    """A member of the pipeline's group. It commits nothing, and reads from where it is told alone."""
    return AIOKafkaConsumer(
        **connection(settings),
        group_id=settings.app_id,
        group_instance_id=settings.group_instance_id,
        partition_assignment_strategy=[assignor],
        isolation_level=READ_COMMITTED,
        enable_auto_commit=False,
        auto_offset_reset="none",  # a partition's state says where to begin; where that is gone, a person must know
        max_poll_records=settings.batch_max_records,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=8 * FETCH_BYTES,
        fetch_max_wait_ms=100,
        request_timeout_ms=settings.session_timeout_ms + settings.step_timeout_ms + 10_000,
        session_timeout_ms=settings.session_timeout_ms,
        # Nothing is fetched while state is restored; and a rebalance waits for the steps that are running.
        max_poll_interval_ms=settings.restore_timeout_ms + 300_000,
        rebalance_timeout_ms=max(settings.session_timeout_ms, settings.step_timeout_ms + 5000),
        heartbeat_interval_ms=min(1000, settings.session_timeout_ms // 6),
    )


def transactional_producer(settings: Settings, transactional_id: str) -> AIOKafkaProducer:
    """A producer whose start fences whoever had the id before. It sends what it is given at once, in whole batches."""
    return AIOKafkaProducer(
        **connection(settings),
        transactional_id=transactional_id,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        # A request without an answer must end before the broker aborts the transaction that it was part of. It is also how long
        # records wait for a broker that is away: a restart should fit in.
        request_timeout_ms=min(15_000, settings.transaction_timeout_ms // 2),
        max_batch_size=PRODUCER_BATCH_BYTES,
        linger_ms=0,
    )
