"""A publisher that keeps a steady rate, as a process of its own: `python -m benchmarks.pacer BOOTSTRAP PREFIX PARTITIONS FILE RATE`."""

from __future__ import annotations

import asyncio
import sys
from itertools import islice
from pathlib import Path

from aiokafka import AIOKafkaProducer

from benchmarks.traffic import MESSAGES, Traffic
from streams.kafka.partitioner import partition_of

WARM_UP_S = 5.0
"""What comes first is not measured: code, caches and the broker warm up."""
_TURN_S = 0.005
"""Events go out in small bursts, as from many publishers; one never waits longer than this for the next."""


async def publish(bootstrap: str, prefix: str, partitions: int, file: Path, rate: int) -> None:
    """Appends the file's events at a rate, to its end. A late turn is caught up with."""
    topic = prefix + MESSAGES
    keyed = [(partition_of(key, partitions), key, event) for key, event in Traffic(0, file.parent).keyed()]
    source = iter(keyed)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=0, acks="all")
    await producer.start()
    try:
        loop = asyncio.get_running_loop()
        began_s, sent = loop.time(), 0
        while burst := list(islice(source, max(1, int((loop.time() - began_s) * rate) - sent))):
            sent += len(burst)
            for partition in range(partitions):
                batch = producer.create_batch()
                for to, key, event in burst:
                    if to == partition:
                        batch.append(timestamp=None, key=key, value=event)
                if batch.record_count():
                    await producer.send_batch(batch, topic, partition=partition)
            await asyncio.sleep(_TURN_S)
        await producer.flush()
    finally:
        await producer.stop()


if __name__ == "__main__":
    _, address, head, count, name, per_second = sys.argv
    asyncio.run(publish(address, head, int(count), Path(name), int(per_second)))
