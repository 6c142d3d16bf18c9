"""The product on a broker: its topics under a prefix of their own, its traffic, its workers as processes, frozen and killed at will."""

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
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams import topic_reader, topics
from streams.demo import ACCOUNTS, MESSAGES
from streams.errors import UNREACHABLE, UserError
from streams.guards.fatal import Exit
from streams.settings import Settings, variable_of
from tests.faults import worker_process
from tests.faults.traffic import Profile, Sent, Traffic

TIMEOUT_S = 90.0
DRAIN_ATTEMPTS = 12

STATE = "wameter-meter-state"
MENDED_BY_A_NEW_START = frozenset({int(Exit.UNEXPECTED), int(Exit.FENCED), UNREACHABLE})

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([worker_process.__name__])


class Pipeline:
    """METER on a broker, and what is published to it."""

    def __init__(self, bootstrap: str, directory: Path, traffic: Traffic, **settings: Any) -> None:
        defaults = {
            "partitions": 2,
            "prefix": f"f{uuid4().hex[:8]}.",
            "app_id": f"app-{uuid4().hex[:8]}",
            "session_timeout_ms": 6000,
            "transaction_timeout_ms": 10_000,
            "step_timeout_ms": 8000,
            "batch_max_records": 40,
            "web_port": 0,
            "log_format": "json",
        }
        self.settings = Settings(bootstrap=bootstrap, **{**defaults, **settings})
        self.traffic = traffic
        self.workers: list[Worker] = []
        self.sent: list[Sent] = []
        """What was published so far, in order."""
        self._directory = directory

    async def create_topics(self, profiles: Iterable[Profile] | None = None) -> None:
        """Makes the topics, and publishes the traffic's profiles or these."""
        await answered(lambda: topics.create(self.settings), "the topics are made")
        await self.publish_profiles(self.traffic.profiles if profiles is None else profiles)

    async def delete_topics(self) -> None:
        """Removes everything that this pipeline wrote."""
        async with admin(self.settings) as client:
            await client.delete_topics([self.settings.prefix + topic.name for topic in topics.WORKER])

    async def publish_profiles(self, profiles: Iterable[Profile]) -> None:
        """Appends records to `whatsapp.accounts`."""
        async with self._producer() as producer:
            for profile in profiles:
                await producer.send_and_wait(self.settings.prefix + ACCOUNTS, profile.value, profile.account_id.encode())

    async def publish(self, records: Iterable[Sent], *, per_second: int | None = None) -> None:
        """Appends records to `whatsapp.messages`, at once or at a pace; returns when the broker has all of them."""
        began_s = time.monotonic()
        async with self._producer() as producer:
            acknowledgements = []
            for number, record in enumerate(records, 1):
                acknowledgements.append(await producer.send(self.settings.prefix + MESSAGES, record.value, record.key))
                self.sent.append(record)
                if per_second is not None and number % 50 == 0:
                    await asyncio.sleep(max(0.0, began_s + number / per_second - time.monotonic()))
            await asyncio.gather(*acknowledgements)

    async def worker(self, name: str | None = "w1", *, drain: bool = False, fault: str = "", **settings: Any) -> Worker:
        """Starts `wameter worker`. `fault` is `WAMETER_FAULT`."""
        values = {**self.settings.model_dump(exclude_none=True), "group_instance_id": name, **settings}
        environment = {variable_of(key): str(value) for key, value in values.items() if value is not None}
        log = self._directory / f"worker-{len(self.workers) + 1}.log"
        log.touch()
        process = _processes.Process(
            target=worker_process.main,
            args=(["worker", *(["--drain"] if drain else [])], {**environment, "WAMETER_FAULT": fault}, log),
            daemon=True,  # whatever a test leaves behind ends with the tests, which would wait for it else
        )
        process.start()
        self.workers.append(Worker(process, log, name))
        return self.workers[-1]

    async def kept(self, name: str, **settings: Any) -> Worker:
        """Runs a worker, again while it ends as a supervisor would mend. Returns the last once that has ended."""
        while True:
            worker = await self.worker(name, **settings)
            if await worker.ended(within_s=None) not in MENDED_BY_A_NEW_START:
                return worker

    async def opened(self, name: str) -> None:
        """Returns when a worker of that name has taken a partition."""

        async def has_opened() -> bool:
            return any(worker.times_opened for worker in self.workers if worker.name == name)

        await until(has_opened, f"worker {name} opens a partition")

    async def drain_all(self) -> Worker:
        """Runs workers to the end of the input, each name in turn: the group may keep partitions for one that was only stopped.

        Returns the last, to which all others have left theirs.
        """
        for name in sorted({worker.name for worker in self.workers} - {None}, key=str) or ["w1"]:
            worker = await self.drain(name)
        return worker

    async def drain(self, name: str | None = "w1") -> Worker:
        """Runs a worker to the end of its share of the input, again while it ends as a supervisor would mend. Returns the last."""
        for _ in range(DRAIN_ATTEMPTS):
            worker = await self.worker(name, drain=True)
            code = await worker.ended()
            if code == 0:
                return worker
            assert code in MENDED_BY_A_NEW_START, f"a worker ended with {code}: {worker.said()}"
        raise AssertionError(f"no worker came to the end of the input in {DRAIN_ATTEMPTS} attempts: {worker.said()}")

    async def read_up(self) -> None:
        """Returns when the pipeline has committed everything that was published."""

        async def is_read() -> bool:
            async with topic_reader.connect(self.settings) as reader:
                return all(lag.records == 0 for lag in await reader.lags(MESSAGES))

        await until(is_read, "everything published is read")

    async def close(self) -> None:
        """Ends every process."""
        for worker in self.workers:
            worker.signal(signal.SIGKILL)
            await worker.ended()

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap,
            enable_idempotence=True,
            linger_ms=5,
            request_timeout_ms=120_000,  # a publisher that outlives every outage of these tests
            max_request_size=topics.MAX_MESSAGE_BYTES,
        )
        await answered(producer.start, "a publisher finds the broker")
        try:
            yield producer
        finally:
            await producer.stop()


class Worker:
    """A worker process."""

    def __init__(self, process: BaseProcess, log: Path, name: str | None) -> None:
        self.name = name
        self._process = process
        self._log = log

    def said(self) -> str:
        """Its log so far."""
        return self._log.read_text(errors="replace")

    def signal(self, signum: signal.Signals) -> None:
        """Sends a signal, if it still lives."""
        if self._process.is_alive():
            os.kill(self._process.pid or 0, signum)

    async def stop(self) -> None:
        """Asks it to stop; it must end well, in time."""
        self.signal(signal.SIGTERM)
        code = await self.ended()
        assert code == 0, f"a worker that was asked to stop ended with {code}: {self.said()}"

    async def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)
        await self.ended()

    @property
    def is_frozen(self) -> bool:
        """True when SIGSTOP has stopped it."""
        try:
            return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False

    @property
    def has_ended(self) -> bool:
        """True once it is gone."""
        return self._process.exitcode is not None

    @property
    def times_opened(self) -> int:
        """How often METER has opened a partition: of the stages, it is the one that has much to do."""
        return sum('"stage": "meter"' in line and '"partition open"' in line for line in self.said().splitlines())

    @property
    def times_assigned(self) -> int:
        """How often the group has given METER its share."""
        return sum('"stage": "meter"' in line and '"assigned"' in line for line in self.said().splitlines())

    async def opened(self, partitions: int) -> None:
        """Returns when it takes records of so many partitions."""
        await until(self._has_opened(partitions), f"a worker opens {partitions} partitions", of=self)

    async def joins(self) -> bool:
        """Whether it has asked the group for partitions, or is about to."""
        return '"worker starts"' in self.said()

    async def froze(self) -> None:
        """Returns when it stands at its crash point."""

        async def frozen() -> bool:
            return self.is_frozen or self.has_ended

        await until(frozen, "a worker comes to its crash point", of=self)
        assert self.is_frozen, f"a worker ended before it came to its crash point: {self.said()}"

    async def ended(self, *, within_s: float | None = TIMEOUT_S) -> int:
        """Its exit code, once it has one."""
        await asyncio.to_thread(self._process.join, within_s)
        assert self._process.exitcode is not None, f"did not end within {within_s} s: {self.said()}"
        return self._process.exitcode

    def _has_opened(self, partitions: int) -> Callable[[], Awaitable[bool]]:
        async def opened() -> bool:
            return self.times_opened >= partitions or self.has_ended

        return opened


async def until(condition: Callable[[], Awaitable[bool]], what: str, *, of: Worker | None = None) -> None:
    """Returns as soon as the condition holds."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while not await condition():
        assert time.monotonic() < deadline_s, f"not within {TIMEOUT_S:.0f} s: {what}" + (f"\n{of.said()}" if of else "")
        await asyncio.sleep(0.05)


async def answered(ask: Callable[[], Awaitable[object]], what: str) -> None:
    """Asks until there is an answer: brokers that were just started refuse some requests for a moment."""

    refusals: list[str] = []

    async def is_answered() -> bool:
        try:
            await ask()
        except (KafkaError, UserError, AttributeError) as error:  # of the last kind: aiokafka, of a cluster without a controller
            refusals.append(str(error))
        else:
            refusals.clear()
        return not refusals

    try:
        await until(is_answered, what)
    except AssertionError as error:
        raise AssertionError(f"{error}: {refusals[-1]}") from None


@asynccontextmanager
async def started(client: Any) -> AsyncIterator[Any]:
    """A client of aiokafka from its start to its stop."""
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client."""
    client = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()
