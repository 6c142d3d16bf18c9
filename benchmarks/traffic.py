"""The events of a run: made once by the shipped generator, written to a file for the offline rater, and laid into Kafka's log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from streams.kafka.partitioner import partition_of
from streams.settings import Settings
from streams.traffic import keyed_events, profiles

MESSAGES = "whatsapp.messages"
ACCOUNTS = "whatsapp.accounts"
SEED = 2026
_BATCH_BYTES = 256 * 1024


@dataclass(frozen=True)
class Traffic:
    """`events` events of a seed, in files; the order in the file is the order of arrival."""

    events: int
    directory: Path
    seed: int = SEED
    of: int = 0
    """How many events the log would have of which these are the first; 0: no more. Its ten weeks are the same, so the more there are, the
    closer they lie."""

    @property
    def file(self) -> Path:
        """One event a line."""
        return self.directory / "events.jsonl"

    @property
    def accounts(self) -> Path:
        """One profile a line."""
        return self.directory / "accounts.json"

    def write(self) -> None:
        """Makes the files."""
        with self.file.open("wb") as file:
            file.writelines(event + b"\n" for _, event in islice(keyed_events(self.seed, max(self.of, self.events)), self.events))
        self.accounts.write_bytes(b"\n".join(profiles(self.seed)))

    def keyed(self) -> Iterator[tuple[bytes, bytes]]:
        """Record key, the phone number, and event."""
        with self.file.open("rb") as file:
            for line in file:
                begin = line.index(b'"phone_number_id":"') + 19
                yield line[begin : line.index(b'"', begin)], line[:-1]


async def load(settings: Settings, traffic: Traffic) -> list[int]:
    """Appends profiles and events to their topics; returns how many events each partition got."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, max_batch_size=_BATCH_BYTES, enable_idempotence=True)
    await producer.start()
    try:
        await _load_profiles(producer, settings, traffic)
        return await _load_events(producer, settings, traffic)
    finally:
        await producer.stop()


async def load_profiles(settings: Settings, traffic: Traffic) -> None:
    """Appends the profiles alone."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        await _load_profiles(producer, settings, traffic)
    finally:
        await producer.stop()


async def _load_profiles(producer: AIOKafkaProducer, settings: Settings, traffic: Traffic) -> None:
    for profile in profiles(traffic.seed):
        await producer.send_and_wait(settings.prefix + ACCOUNTS, profile, key=orjson.loads(profile)["account_id"].encode())


async def _load_events(producer: AIOKafkaProducer, settings: Settings, traffic: Traffic) -> list[int]:
    """In whole batches, each partition's in order."""
    topic = settings.prefix + MESSAGES
    counts = [0] * settings.partitions
    batches: list[Any] = [producer.create_batch() for _ in counts]
    sent: list[asyncio.Future[Any]] = []
    for key, event in traffic.keyed():
        partition = partition_of(key, settings.partitions)
        counts[partition] += 1
        if batches[partition].append(timestamp=None, key=key, value=event) is None:
            sent.append(await producer.send_batch(batches[partition], topic, partition=partition))
            batches[partition] = producer.create_batch()
            batches[partition].append(timestamp=None, key=key, value=event)
    for partition, batch in enumerate(batches):
        if batch.record_count():
            sent.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)
    return counts
