"""Quix Streams: a stateful dataframe, exactly once or at least once (BENCH_GUARANTEE)."""

from __future__ import annotations

import os

from job import BOOTSTRAP, GROUP, INPUT, OUTPUT, STATE_DIR, Window, decode_event, follow
from quixstreams import Application

app = Application(
    broker_address=BOOTSTRAP,
    consumer_group=GROUP,
    auto_offset_reset="earliest",
    processing_guarantee=os.environ["BENCH_GUARANTEE"],
    state_dir=STATE_DIR,
    loglevel="WARNING",
    producer_extra_config={"linger.ms": 20, "batch.size": 256 * 1024},
    # librdkafka's own default (a second of pause when its queue is full) would stall so fast a reader.
    consumer_extra_config={"queued.min.messages": 100_000, "fetch.queue.backoff.ms": 1},
)


def follow_window(value, state):
    """State is kept under the record's key, the phone number; within it under the user."""
    event = decode_event(value)
    known = state.get(event.user)
    window = Window(**known) if known else Window()
    answer = follow(window, event)
    state.set(event.user, {"n": window.n, "last_inbound_ms": window.last_inbound_ms, "open": window.open})
    return answer


events = app.topic(INPUT, key_deserializer="bytes", value_deserializer="bytes")
answers = app.topic(OUTPUT, key_serializer="bytes", value_serializer="bytes")
app.dataframe(events).apply(follow_window, stateful=True).to_topic(answers)
app.run()
