"""`benchmarks/restore`: state records a second when partitions are taken over, for conversations of one and of ten deliveries.

The state is made by the production stage, written to a changelog on Apache Kafka as compaction would leave it, in transactions, and read
back by the engine's own restore, in a fresh process: first every partition in turn, then all at once, as a worker does that takes over
all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence

from aiokafka import AIOKafkaProducer, TopicPartition

from benchmarks import broker, machine, processes
from benchmarks.growth import Host, delivered, opened
from streams.kafka import clients
from streams.kafka.collector import spare_what_stays
from streams.metrics import Metrics
from streams.settings import Settings
from streams.state.store import Store
from streams.takeover.restore import restore
from streams.topics import state_topic

CONVERSATIONS = 1_000_000
DELIVERIES = (1, 10)
TRANSACTION_RECORDS = 5000
_BATCH_BYTES = 900_000


def states(conversations_count: int, deliveries: int, partitions: int) -> Iterator[list[tuple[bytes, bytes]]]:
    """State of each partition in turn: its share of the conversations, each with an inbound message and so many deliveries."""
    for partition in range(partitions):
        first, last = (conversations_count * number // partitions for number in (partition, partition + 1))
        host = Host()
        host.take(opened(first, last))
        for turn in range(1, deliveries + 1):
            host.take(delivered(range(first, last), turn))
        yield list(host.store.items())


async def write(settings: Settings, topic: str, deliveries: int, conversations_count: int) -> int:
    """Writes the changelog; returns how many records it has."""
    records = 0
    for partition, entries in enumerate(states(conversations_count, deliveries, settings.partitions)):
        producer = AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap, transactional_id=f"{topic}-{partition}", max_batch_size=_BATCH_BYTES, linger_ms=0
        )
        await producer.start()
        try:
            for begin in range(0, len(entries), TRANSACTION_RECORDS):
                async with producer.transaction():
                    await _append(producer, topic, partition, entries[begin : begin + TRANSACTION_RECORDS])
        finally:
            await producer.stop()
        records += len(entries)
    return records


async def _append(producer: AIOKafkaProducer, topic: str, partition: int, entries: Iterable[tuple[bytes, bytes]]) -> None:
    batch = producer.create_batch()
    for key, value in entries:
        if batch.append(timestamp=None, key=key, value=value) is None:
            await producer.send_batch(batch, topic, partition=partition)
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value)
    await producer.send_batch(batch, topic, partition=partition)


async def read(settings: Settings, topic: str, *, at_once: bool) -> str:
    """Restores every partition; one line of figures."""
    spare_what_stays()
    rss, cpu_s, began_s = processes.rss_bytes([os.getpid()]), time.process_time(), time.monotonic()
    stores = [Store() for _ in range(settings.partitions)]
    if at_once:
        await asyncio.gather(*(_restore(settings, topic, number, store) for number, store in enumerate(stores)))
    else:
        for number, store in enumerate(stores):
            await _restore(settings, topic, number, store)
    wall_s, spent_s = time.monotonic() - began_s, time.process_time() - cpu_s
    records = sum(map(len, stores))
    grown = processes.rss_bytes([os.getpid()]) - rss
    speed = f"{records / wall_s:>12,.0f} {spent_s / records * 1e6:>14.2f} {grown / records:>10,.0f} {grown / 2**20:>8,.0f}"
    return f"{'all at once' if at_once else 'in turn':>12} {records:>12,} {wall_s:>8.1f} {speed}"


async def _restore(settings: Settings, topic: str, partition: int, store: Store) -> None:
    consumer = clients.reader(settings)
    await consumer.start()
    try:
        await restore(store, consumer, TopicPartition(topic, partition), 0, Metrics())
    finally:
        await consumer.stop()


async def run(*, scale: float, deliveries: Sequence[int], partitions: int) -> None:
    """Writes and reads back one changelog after the other."""
    kafka = broker.Broker()
    try:
        kafka.start()
        for each in deliveries:
            count = int(CONVERSATIONS * scale)
            settings = Settings(bootstrap=kafka.bootstrap, prefix=f"restore-{each}.", partitions=partitions)
            await broker.create(settings, [state_topic("meter")])
            topic = settings.prefix + state_topic("meter").name
            began_s = time.monotonic()
            records = await write(settings, topic, each, count)
            print(f"\n{count:,} conversations of {each} deliveries: {records:,} state records (made in {time.monotonic() - began_s:.0f} s)")
            print(
                f"{'partitions':>12} {'records':>12} {'s':>8} {'records/s':>12} {'CPU µs/record':>14} {'B/record':>10} {'MiB':>8}",
                flush=True,
            )
            for how in ("in-turn", "at-once"):
                arguments = ["--read", settings.bootstrap, topic, str(partitions), how]
                await asyncio.to_thread(subprocess.run, [sys.executable, "-m", "benchmarks.restore_speed", *arguments], check=True)
            await broker.drop(kafka.bootstrap, [topic])
    finally:
        kafka.remove()


def main() -> int:
    """The command line."""
    if sys.argv[1:2] == ["--read"]:
        _, _, bootstrap, topic, partitions, how = sys.argv
        print(asyncio.run(read(Settings(bootstrap=bootstrap, partitions=int(partitions)), topic, at_once=how == "at-once")), flush=True)
        return 0
    parser = argparse.ArgumentParser(prog="benchmarks/restore", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of 1,000,000 conversations; 0.1 is quick")
    parser.add_argument("--deliveries", type=int, nargs="+", default=list(DELIVERIES), metavar="N", help="per conversation")
    parser.add_argument("--partitions", type=int, default=4)
    chosen = parser.parse_args()
    processes.leave_in_order()
    print(*(f"{name}: {value}" for name, value in machine.described().items()), sep="\n")
    asyncio.run(run(scale=chosen.scale, deliveries=chosen.deliveries, partitions=chosen.partitions))
    return 0


if __name__ == "__main__":
    sys.exit(main())
