"""USAGE and INVOICE on a broker: worker processes that may be killed, and what they published."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from streams import topics
from streams.kafka.partitioner import partition_of
from streams.settings import Settings, variable_of
from tests.billing import stage_worker
from tests.billing.stage_worker import ALL
from tests.engine.harness import PROCESSES, Worker
from tests.engine.real_worker import records

Name = Literal["usage", "invoice"]


class Billing:
    """Topics of its own under a prefix that nobody else has."""

    def __init__(self, bootstrap: str, directory: Path, *, is_one_group: bool = False, **settings: Any) -> None:
        """`is_one_group`: stages share a group, as in a real worker; then only one of them may run at a time."""
        defaults = {
            "partitions": 2,
            "prefix": f"b{uuid4().hex[:8]}.",
            "session_timeout_ms": 6000,
            "transaction_timeout_ms": 10_000,
            "step_timeout_ms": 8000,
            "app_id": f"app-{uuid4().hex[:8]}",
            "input_partitioner": "any",
            "web_port": 0,
            "log_format": "json",
        }
        self.settings = Settings(bootstrap=bootstrap, **{**defaults, **settings})
        self._directory = directory
        self._is_one_group = is_one_group
        self._workers: list[Worker] = []

    async def create_topics(self) -> None:
        await topics.create(self.settings, (*ALL, topics.public_topic("whatsapp.messages", is_input=True)))

    async def publish(self, topic: str, values: Iterable[tuple[str, bytes]]) -> None:
        """Appends values in order, each where its partition key belongs; the record's key is the same."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap)
        await producer.start()
        try:
            name = self.settings.prefix + topic
            places = [(key.encode(), value, partition_of(key.encode(), self.settings.partitions)) for key, value in values]
            await asyncio.gather(*[await producer.send(name, value, key, number) for key, value, number in places])
        finally:
            await producer.stop()

    async def publish_in_vain(self, topic: str) -> None:
        """Appends a record to each partition in a transaction that is aborted."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap, transactional_id=f"{self.settings.prefix}vain")
        await producer.start()
        try:
            await producer.begin_transaction()
            for number in range(self.settings.partitions):
                await producer.send_and_wait(self.settings.prefix + topic, b"{}", b"k", number)
            await producer.abort_transaction()
        finally:
            await producer.stop()

    async def worker(self, name: Name, *, drain: bool = False) -> Worker:
        """Starts one stage. Each has a group of its own, so that one can be killed and the other not."""
        values = {**self.settings.model_dump(exclude_none=True), "group_instance_id": name}
        if not self._is_one_group:
            values["app_id"] = f"{self.settings.prefix}{name}"
        environment = {variable_of(key): str(value) for key, value in values.items()}
        log = self._directory / f"{name}-{len(self._workers)}.log"
        log.touch()
        process = PROCESSES.Process(target=stage_worker.main, args=(name, environment, log), kwargs={"drain": drain}, daemon=True)
        process.start()
        self._workers.append(Worker(process, log))
        return self._workers[-1]

    async def drain(self, *names: Name) -> None:
        """Runs stages to the end of their inputs, one after the other."""
        for name in names:
            worker = await self.worker(name, drain=True)
            assert await worker.ended() == 0, worker.said()

    async def read(self, topic: str) -> list[Any]:
        """Committed records, partition by partition."""
        return await records(self.settings, topic, "read_committed")

    async def close(self) -> None:
        for worker in self._workers:
            worker.kill()
            await worker.ended()
