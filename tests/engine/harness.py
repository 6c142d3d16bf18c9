"""A pipeline of its own for a test: topics under a prefix nobody else has, worker processes, and readers that see what readers see."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams import topics
from streams.settings import Settings, variable_of
from tests.engine import toy_worker
from tests.engine.toy import DEFAULT_CATALOG, TOPICS

TIMEOUT_S = 40.0

PROCESSES = multiprocessing.get_context("forkserver")
"""Workers are forked from a process that has imported everything: half of a worker's start is imports."""
PROCESSES.set_forkserver_preload([toy_worker.__name__])


class Pipeline:
    """The toy stage on a broker."""

    def __init__(self, bootstrap: str, directory: Path, **settings: Any) -> None:
        defaults = {
            "partitions": 2,
            "prefix": f"t{uuid4().hex[:8]}.",
            "app_id": f"app-{uuid4().hex[:8]}",
            "session_timeout_ms": 6000,
            "transaction_timeout_ms": 10_000,
            "step_timeout_ms": 8000,
            "input_partitioner": "any",  # these tests put records where they want them
            "web_port": 0,
            "log_format": "json",
        }
        self.settings = Settings(bootstrap=bootstrap, **{**defaults, **settings})
        self._directory = directory
        self._workers: list[Worker] = []

    async def create_topics(self) -> None:
        await topics.create(self.settings, TOPICS)

    async def make_anew(self, topic: str) -> None:
        """Deletes a topic and makes it again, empty."""
        (wanted,) = (known for known in TOPICS if known.name == topic)
        name = self.settings.prefix + topic
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([name])

            async def is_there() -> bool:
                await admin.create_topics([NewTopic(name, self.settings.partitions, 1, topic_configs=wanted.config(1))])
                return name in await admin.list_topics()

            await until(is_there, f"{topic} is there again, and empty")
        finally:
            await admin.close()

    async def publish(self, topic: str, records: Iterable[tuple[int, bytes, bytes | None]]) -> None:
        """Appends (partition, key, value), in order."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap, max_request_size=topics.MAX_MESSAGE_BYTES)
        async with _started(producer):
            sent = [await producer.send(self.settings.prefix + topic, value, key, partition) for partition, key, value in records]
            await asyncio.gather(*sent)

    async def publish_in_transaction(self, topic: str, records: Iterable[tuple[int, bytes, bytes | None]], *, commit: bool = True) -> None:
        """Appends them in a transaction of a publisher, whose mark follows them in the log."""
        name = f"{self.settings.prefix}publisher"
        async with _started(AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap, transactional_id=name)) as producer:
            await producer.begin_transaction()
            for partition, key, value in records:
                await producer.send_and_wait(self.settings.prefix + topic, value, key, partition)
            await (producer.commit_transaction() if commit else producer.abort_transaction())

    async def worker(
        self,
        *,
        drain: bool = False,
        name: str | None = "w1",
        fault: str = "",
        catalog: str = DEFAULT_CATALOG,
        clock_shift_s: int = 0,
        gathers: bool = False,
        **settings: Any,
    ) -> Worker:
        """Starts a worker process."""
        values = {**self.settings.model_dump(exclude_none=True), "group_instance_id": name, **settings}
        environment = {variable_of(key): str(value) for key, value in values.items() if value is not None}
        log = self._directory / f"worker-{len(self._workers)}.log"
        log.touch()
        environment |= {"WAMETER_FAULT": fault, "TOY_CATALOG": catalog, "TOY_CLOCK_SHIFT_S": str(clock_shift_s)}
        environment["TOY_GATHERS"] = "1" if gathers else "0"
        # A daemon: whatever a test leaves behind ends with the tests, which would wait for it else.
        process = PROCESSES.Process(target=toy_worker.main, args=(environment, log), kwargs={"drain": drain}, daemon=True)
        process.start()
        self._workers.append(Worker(process, log))
        return self._workers[-1]

    async def drain(self) -> Worker:
        """Runs a worker to the end of the input."""
        worker = await self.worker(drain=True)
        assert await worker.ended() == 0, worker.said()
        return worker

    async def read(self, topic: str, isolation: Literal["read_committed", "read_uncommitted"] = "read_committed") -> list[Any]:
        """Every record of a topic, partition by partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap, isolation_level=isolation, auto_offset_reset="earliest")
        records = []
        async with _started(consumer):
            partitions = [TopicPartition(self.settings.prefix + topic, number) for number in range(self.settings.partitions)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                while await consumer.position(partition) < ends[partition]:
                    records += (await consumer.getmany(partition, timeout_ms=200)).get(partition, [])
        return records

    async def close(self) -> None:
        for worker in self._workers:
            worker.kill()
            await worker.ended()


class Worker:
    """A worker process."""

    def __init__(self, process: BaseProcess, log: Path) -> None:
        self._process = process
        self._log = log
        self._started_s = time.monotonic()

    def age_s(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self._started_s

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def has_opened(self, partitions: int) -> Callable[[], Awaitable[bool]]:
        """Whether it has come so far that it takes records."""

        async def opened() -> bool:
            return self.said().count("partition open") >= partitions

        return opened

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def signal(self, signum: signal.Signals) -> None:
        if self._process.is_alive():
            os.kill(self._process.pid or 0, signum)

    @property
    def has_ended(self) -> bool:
        """True once it has an exit code."""
        return not self._process.is_alive()

    @property
    def is_frozen(self) -> bool:
        """True when SIGSTOP has stopped it."""
        return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    async def ended(self, timeout_s: float = TIMEOUT_S) -> int:
        """Its exit code, once it has one."""
        await asyncio.to_thread(self._process.join, timeout_s)
        assert self._process.exitcode is not None, f"did not end within {timeout_s:.0f} s: {self.said()}"
        return self._process.exitcode


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Returns as soon as the condition holds."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while not await condition():
        assert time.monotonic() < deadline_s, f"not within {TIMEOUT_S:.0f} s: {what}"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _started(client: Any) -> AsyncIterator[Any]:
    await client.start()
    try:
        yield client
    finally:
        await client.stop()
