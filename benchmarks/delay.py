"""`benchmarks/delay`: from the broker's append of an event to the visibility of its line, at a steady load.

A delivered message has its line when its `sent` event and the first of `delivered` and `read` have come: the later append of the two is
where its delay begins, by the broker's own clock. It ends when a read_committed consumer hands the line over. Broker, worker, publisher
and reader share the machine.

A log of ten weeks that is published in a few seconds would be no steady load: four days go by in each second, and at each midnight what
is older than the horizon is forgotten. So the events are the first of a log that is long enough for nothing to fall due meanwhile.
`--log 0` is that other load: then half of the seconds measured have as much to forget as to take in.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import broker, machine, processes
from benchmarks.contenders import ON_KAFKA, Place
from benchmarks.pacer import WARM_UP_S
from benchmarks.traffic import MESSAGES, Traffic, load_profiles
from streams import topics
from streams.brokers.embedded import end_with_parent
from streams.kafka.reading import committed_records
from streams.results import RATED
from streams.settings import Settings

METER = next(contender for contender in ON_KAFKA if contender.name == "meter")
_START_TIMEOUT_S = 60


@dataclass
class Delays:
    """One setting."""

    pacing_ms: int
    milliseconds: list[float]
    """Sorted."""
    worker_share: float
    broker_share: float
    """Of one core."""
    events_per_s: float

    def at(self, share: float) -> float:
        """A quantile."""
        return self.milliseconds[min(len(self.milliseconds) - 1, int(share * len(self.milliseconds)))]


async def measure(
    kafka: broker.Broker, traffic: Traffic, *, name: str, pacing_ms: int, rate: int, seconds: float, partitions: int
) -> Delays:
    """One run on topics of its own, that bear the name."""
    settings = Settings(
        bootstrap=kafka.bootstrap,
        prefix=f"delay-{name}.",
        app_id=f"delay-{name}",
        partitions=partitions,
        pacing_ms=pacing_ms,
        web_port=0,
        log_format="json",
    )
    place = Place(settings, traffic.directory)
    await broker.create(settings, topics.WORKER)
    await load_profiles(settings, traffic)
    running = METER.start(place)
    try:
        await _until_open(place.log, partitions)
        pacer = _pacer(settings, traffic, rate)
        running.append(pacer)
        seen = _Seen(settings)
        watching = asyncio.create_task(seen.follow())
        await asyncio.sleep(WARM_UP_S)
        began_s, before = time.time(), _cpu(running[0].pid, kafka.pid)
        await asyncio.sleep(seconds)
        spent = [after - earlier for after, earlier in zip(_cpu(running[0].pid, kafka.pid), before, strict=True)]
        ended_s = time.time()
        watching.cancel()
        await asyncio.wait({watching})
        if not watching.cancelled() and (error := watching.exception()):
            raise error
        for process in running:
            if (code := process.poll()) not in (None, 0):
                raise RuntimeError(f"a process ended with code {code}; {place.log.read_text(errors='replace')[-1000:]}")
    finally:
        processes.end(running)
    appended_ms, published = await _appended(settings, began_s * 1000, ended_s * 1000)
    found = sorted(seen_ms - at_ms for key, seen_ms in seen.lines() if (at_ms := appended_ms.get(key)) is not None)
    elapsed_s = ended_s - began_s
    return Delays(pacing_ms, found, spent[0] / elapsed_s, spent[1] / elapsed_s, published / elapsed_s)


class _Seen:
    """A reader of the rated lines that notes when each came; it decodes nothing before the end."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap, isolation_level="read_committed", fetch_max_wait_ms=100, auto_offset_reset="earliest"
        )
        self._partitions = [TopicPartition(settings.prefix + RATED, number) for number in range(settings.partitions)]
        self._batches: list[tuple[float, list[bytes]]] = []

    async def follow(self) -> None:
        """Until it is cancelled."""
        await self._consumer.start()
        try:
            self._consumer.assign(self._partitions)
            while True:
                got = await self._consumer.getmany(timeout_ms=1000)
                self._batches.append((time.time() * 1000, [record.value for records in got.values() for record in records]))
        finally:
            await self._consumer.stop()

    def lines(self) -> list[tuple[str, float]]:
        """Message id of each first charge, and when it was seen. A group's message has several: a line names no member."""
        decoded = ((orjson.loads(value), seen_ms) for seen_ms, values in self._batches for value in values)
        return [(line["message_id"], at_ms) for line, at_ms in decoded if line["revision"] == 1]


async def _appended(settings: Settings, from_ms: float, until_ms: float) -> tuple[dict[str, int], int]:
    """When the event that brought a message's line was appended, for lines due in a stretch of time; and the events of that stretch.

    Messages to groups are left out: each member has a line.
    """
    sent: dict[str, int] = {}
    came: dict[str, int] = {}
    published = 0
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        starts = {TopicPartition(settings.prefix + MESSAGES, number): 0 for number in range(settings.partitions)}
        async for _, records, _ in committed_records(consumer, starts):
            for record in records:
                published += from_ms <= record.timestamp < until_ms
                event = orjson.loads(record.value)
                if event["user"].startswith("g"):
                    continue
                if event["type"] == "message.sent":
                    sent.setdefault(event["message_id"], record.timestamp)
                elif event["type"] in ("message.delivered", "message.read"):
                    came.setdefault(event["message_id"], record.timestamp)
    finally:
        await consumer.stop()
    due = {message_id: max(sent[message_id], at_ms) for message_id, at_ms in came.items() if message_id in sent}
    # A line that is due shortly before the end may be seen after it.
    return {message_id: at_ms for message_id, at_ms in due.items() if from_ms <= at_ms < until_ms - 1000}, published


def _pacer(settings: Settings, traffic: Traffic, rate: int) -> subprocess.Popen[bytes]:
    arguments = [settings.bootstrap, settings.prefix, str(settings.partitions), str(traffic.file), str(rate)]
    return subprocess.Popen([sys.executable, "-m", "benchmarks.pacer", *arguments], start_new_session=True, preexec_fn=end_with_parent())


async def _until_open(log: Path, partitions: int) -> None:
    async with asyncio.timeout(_START_TIMEOUT_S):
        while log.read_text(errors="replace").count("partition open") < partitions:  # noqa: ASYNC110, ASYNC240 - another process writes it
            await asyncio.sleep(0.1)


def _cpu(*pids: int) -> list[float]:
    return [processes.cpu_s([pid]) for pid in pids]


def show(found: Sequence[Delays]) -> None:
    """Prints the table."""
    print(
        f"\n{'pacing_ms':>10} {'events/s':>9} {'lines':>8} {'p50 ms':>7} {'p99':>7} {'p99.9':>7} {'worker':>8} {'broker':>8}   (of a core)"
    )
    for delays in found:
        quantiles = " ".join(f"{delays.at(share):>7.1f}" for share in (0.5, 0.99, 0.999))
        shares = f"{delays.worker_share:>8.0%} {delays.broker_share:>8.0%}"
        print(f"{delays.pacing_ms:>10} {delays.events_per_s:>9,.0f} {len(delays.milliseconds):>8,} {quantiles} {shares}")


async def run(*, pacings: Sequence[int], rate: int, seconds: float, log_events: int, partitions: int, directory: Path) -> list[Delays]:
    """One after another on one broker."""
    traffic = Traffic(int(rate * (seconds + WARM_UP_S + 2)), directory, of=log_events)
    traffic.write()
    kafka = broker.Broker()
    try:
        kafka.start()
        found = []
        # A broker that has just started compiles its own code, with half of this machine for half a minute: the first run does not count.
        for number, pacing_ms in enumerate([pacings[0], *pacings]):
            name = str(number)
            delays = await measure(kafka, traffic, name=name, pacing_ms=pacing_ms, rate=rate, seconds=seconds, partitions=partitions)
            if number:
                found.append(delays)
                show(found[-1:])
        return found
    finally:
        kafka.remove()


def main() -> int:
    """The command line."""
    default = Settings().pacing_ms
    parser = argparse.ArgumentParser(prog="benchmarks/delay", description=__doc__)
    parser.add_argument("--rate", type=int, default=10_000, metavar="EVENTS", help="a second; default: 10,000")
    parser.add_argument("--seconds", type=float, default=12, help="measured, after a warm-up; default: 12")
    parser.add_argument("--log", type=int, default=20_000_000, metavar="EVENTS", help="of which these are the first; default: 20,000,000")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--pacing", type=int, nargs="+", default=sorted({0, 10, 20, 50, 100, default}), metavar="MS")
    chosen = parser.parse_args()
    processes.leave_in_order()
    print(*(f"{name}: {value}" for name, value in machine.described().items()), sep="\n")
    with tempfile.TemporaryDirectory(prefix="wameter-benchmark-") as directory:
        found = asyncio.run(
            run(
                pacings=chosen.pacing,
                rate=chosen.rate,
                seconds=chosen.seconds,
                log_events=chosen.log,
                partitions=chosen.partitions,
                directory=Path(directory),
            )
        )
    print(f"\nAll settings; the default is pacing_ms {default}.")
    show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
