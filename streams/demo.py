"""The machinery of `wameter demo`: traffic into Kafka, workers as processes of their own, and their totals read back as they grow."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from rating.stage import Record
from streams import topic_reader
from streams.brokers.embedded import free_port
from streams.errors import UserError
from streams.kafka import clients
from streams.offline import run
from streams.results import RATED, REJECTED, TOTALS, UNRATED, Results
from streams.settings import Settings, flag_of
from streams.stages import meter_of
from streams.traffic import keyed_events, profiles

MESSAGES: Final = "whatsapp.messages"
ACCOUNTS: Final = "whatsapp.accounts"
OUTPUTS: Final = (RATED, TOTALS, UNRATED, REJECTED)

_LOOK_EVERY_S: Final = 0.25
_STOP_TIMEOUT_S: Final = 15.0
_LOG_TAIL_LINES: Final = 5


async def publish_profiles(settings: Settings, seed: int) -> None:
    """Publishes the profiles of the sample traffic."""
    async with clients.publisher(settings) as producer:
        for profile in profiles(seed):
            key = _account_of(profile)
            await producer.send_and_wait(settings.prefix + ACCOUNTS, profile, key=key)


async def publish_traffic(settings: Settings, seed: int, events: int, *, per_second: int | None, told: Callable[[int], None]) -> None:
    """Publishes sample traffic, all at once or at a pace; `told` is called with how many events were sent so far."""
    async with clients.publisher(settings) as producer:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        sent: list[asyncio.Future[Any]] = []
        for number, (key, event) in enumerate(traffic(seed, events), 1):
            sent.append(await producer.send(settings.prefix + MESSAGES, event, key=key))
            if number % 500 == 0 or number == events:
                told(number)
                if per_second is not None:
                    await asyncio.sleep(max(0.0, began_s + number / per_second - loop.time()))
        await asyncio.gather(*sent)  # a flush alone would not tell what failed


def traffic(seed: int, events: int) -> Iterable[tuple[bytes, bytes]]:
    """Keys and events of the sample traffic, a few damaged ones among them."""
    return keyed_events(seed, events, damaged=True)


def rated_offline(settings: Settings, seed: int, events: int) -> Results:
    """The same traffic, rated in this process without a broker: what the pipeline must agree with."""
    results = Results()

    def records() -> Iterable[Record]:
        for number, profile in enumerate(profiles(seed)):
            yield Record(ACCOUNTS, 0, number, _account_of(profile), profile, None)
        for number, (key, event) in enumerate(traffic(seed, events)):
            yield Record(MESSAGES, 0, number, key, event, None)

    for output in run(meter_of(settings), records()):
        results.apply(output.topic, output.key, output.value, output.headers)
    return results


class Workers:
    """Worker processes of the pipeline, supervised each; they end with this one."""

    def __init__(self, settings: Settings, count: int, directory: Path, *, clean: bool) -> None:
        """`clean`: the workers see none of the user's own settings, since the broker is not one of theirs."""
        self._settings = settings
        self._directory = directory
        self._environment = {name: value for name, value in os.environ.items() if not (clean and name.startswith("WAMETER_"))}
        self._names = [f"demo-{number}" for number in range(1, count + 1)]
        self._processes: list[subprocess.Popen[bytes]] = []
        self.ports = [free_port() for _ in self._names]

    def start(self, *, drain: bool) -> None:
        """Starts them; with `drain` each ends at the end of the input."""
        for name, port in zip(self._names, self.ports, strict=True):
            command = [sys.executable, "-m", "streams.cli.main", "worker", "--supervise", *(["--drain"] if drain else [])]
            for setting in ("bootstrap", "prefix", "app_id", "partitions", "replication"):
                command += [flag_of(setting), str(getattr(self._settings, setting))]
            command += ["--group-instance-id", name, "--web-port", str(port), "--log-format", "json"]
            with self._log(name).open("ab") as log:
                self._processes.append(
                    subprocess.Popen(  # noqa: S603 - our own command line
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        env=self._environment,
                        cwd=self._directory,
                        start_new_session=True,  # Ctrl-C reaches this process only, and it stops them in order
                    )
                )

    def all_done(self) -> bool:
        """True once they were started and every one ended well. Raises `UserError` when one ended for good with a failure."""
        codes = [process.poll() for process in self._processes]
        for name, code in zip(self._names, codes, strict=False):
            if code not in (None, 0):
                tail = self._log(name).read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
                raise UserError(f"worker {name} ended with code {code}; its last lines:", *tail)
        return bool(codes) and all(code == 0 for code in codes)

    def stop(self) -> None:
        """Stops those that run; returns when all are gone."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"


class Watch:
    """What can be seen of a running pipeline from outside, kept up to date by `follow`."""

    def __init__(self) -> None:
        self.results = Results()
        self.read = 0
        """Events that the pipeline has committed."""
        self.lag = 0


async def follow(settings: Settings, watch: Watch) -> None:
    """Reads the outputs and the lag of a pipeline, until it is cancelled."""
    async with AsyncExitStack() as stack:
        outputs = await stack.enter_async_context(topic_reader.connect(settings))
        offsets = await stack.enter_async_context(topic_reader.connect(settings))
        outputs.consumer.assign([tp for topic in OUTPUTS for tp in outputs.partitions_of(topic)])
        await outputs.consumer.seek_to_beginning()
        while True:
            await _take(outputs.consumer, settings, watch.results)
            lags = await offsets.lags(MESSAGES)
            watch.read = sum(lag.committed or 0 for lag in lags)
            watch.lag = sum(lag.records for lag in lags)


async def results_of(settings: Settings) -> Results:
    """What the output topics say at their end."""
    async with topic_reader.connect(settings) as reader:
        return await reader.results(*OUTPUTS)


async def _take(consumer: AIOKafkaConsumer, settings: Settings, results: Results) -> None:
    """Everything that came within a moment."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _LOOK_EVERY_S
    while (left_s := until_s - loop.time()) > 0:
        for tp, records in (await consumer.getmany(timeout_ms=int(left_s * 1000) + 1, max_records=5000)).items():
            topic = tp.topic.removeprefix(settings.prefix)
            for record in records:
                results.apply(topic, record.key, record.value, record.headers)


def _account_of(profile: bytes) -> bytes:
    import orjson

    account_id: str = orjson.loads(profile)["account_id"]
    return account_id.encode()


__all__: Sequence[str] = ("Watch", "Workers", "follow", "publish_profiles", "publish_traffic", "rated_offline", "results_of")
