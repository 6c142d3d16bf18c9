"""Stock Faust: a table and one output per event, at least once. Its exactly_once leaves outputs outside of the transaction."""

from __future__ import annotations

import faust
from job import BOOTSTRAP, GROUP, INPUT, OUTPUT, PARTITIONS, Window, decode_event, decode_window, encode, follow

app = faust.App(
    GROUP,
    broker=f"aiokafka://{BOOTSTRAP}",
    store="memory://",
    topic_partitions=PARTITIONS,
    topic_disable_leader=True,
    table_standby_replicas=0,
    web_enabled=False,
    value_serializer="raw",
    key_serializer="raw",
    producer_linger=0.02,
    producer_max_batch_size=256 * 1024,
    consumer_max_fetch_size=4 * 1024 * 1024,
    cython_optimizations=True,
)
events = app.topic(INPUT, key_type=bytes, value_type=bytes)
answers = app.topic(OUTPUT, key_type=bytes, value_type=bytes)
windows = app.Table("windows", partitions=PARTITIONS, key_type=bytes, value_type=bytes)


@app.agent(events)
async def follow_windows(stream):
    """One event at a time, as Faust's own documents show it."""
    async for message in stream.events():
        event = decode_event(message.value)
        key = f"{event.phone_number_id}|{event.user}".encode()
        known = windows.get(key)
        window = decode_window(known) if known else Window()
        answer = follow(window, event)
        windows[key] = encode(window)
        await answers.send(key=message.key, value=answer, partition=message.message.partition)
