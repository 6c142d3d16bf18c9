"""A bare aiokafka loop: read, follow, one transaction per poll. No framework, no restore, no fencing per partition: a lower bound."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from job import BOOTSTRAP, CHANGELOG, GROUP, INPUT, OUTPUT, Window, decode_event, encode, follow

RECORDS_PER_TRANSACTION = 2000


async def send(producer, topic, partition, entries):
    """Hands records over in whole batches; returns their acknowledgements."""
    sent = []
    batch = producer.create_batch()
    for key, value in entries:
        if batch.append(key=key, value=value, timestamp=None) is None:
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    sent.append(await producer.send_batch(batch, topic, partition=partition))
    return sent


async def main():
    consumer = AIOKafkaConsumer(
        INPUT,
        bootstrap_servers=BOOTSTRAP,
        group_id=GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=GROUP, linger_ms=0, max_batch_size=256 * 1024)
    await producer.start()
    await consumer.start()
    windows = defaultdict(Window)
    while True:
        polled = await consumer.getmany(timeout_ms=1000, max_records=RECORDS_PER_TRANSACTION)
        if not polled:
            continue
        await producer.begin_transaction()
        writes = []
        for partition, records in polled.items():
            answers, changed = [], {}
            for record in records:
                event = decode_event(record.value)
                key = f"{event.phone_number_id}|{event.user}".encode()
                window = changed[key] = windows[key]
                answers.append((record.key, follow(window, event)))
            writes.append(send(producer, OUTPUT, partition.partition, answers))
            writes.append(send(producer, CHANGELOG, partition.partition, [(key, encode(window)) for key, window in changed.items()]))
        await asyncio.gather(*(sent for batches in await asyncio.gather(*writes) for sent in batches))
        await producer.send_offsets_to_transaction({partition: records[-1].offset + 1 for partition, records in polled.items()}, GROUP)
        await producer.commit_transaction()


uvloop.run(main())
