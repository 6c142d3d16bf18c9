"""The real worker as a process, and what it left on a broker."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.settings import Settings, variable_of

WORKER = ("streams.cli.main", "worker", "--drain")


def killable(bootstrap: str, **more: Any) -> Settings:
    """A pipeline of its own, whose worker has a name and is soon replaced when it dies."""
    return Settings(
        bootstrap=bootstrap,
        prefix=f"t{uuid4().hex[:8]}.",
        app_id=f"app-{uuid4().hex[:8]}",
        group_instance_id="w1",
        session_timeout_ms=6000,
        transaction_timeout_ms=10_000,
        step_timeout_ms=8000,
        web_port=0,
        log_format="json",
        **more,
    )


async def work(settings: Settings, log: Path, *, fault: str = "", module: Sequence[str] = WORKER) -> int:
    """Runs `wameter worker --drain`, or another module with its arguments, and returns how it ended."""
    environment = {**os.environ, "WAMETER_FAULT": fault}
    environment |= {variable_of(name): str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", *module, env=environment, stdout=out, stderr=out)
        return await asyncio.wait_for(process.wait(), 120)


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
