"""Bytewax: a stateful map between Kafka's connectors. No recovery store and no changelog: its state is lost with the process."""

from __future__ import annotations

import time

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main
from confluent_kafka import OFFSET_BEGINNING
from job import BOOTSTRAP, INPUT, OUTPUT, Window, decode_event, follow

_began = False


def keyed(message):
    """It joins no group that could be watched, so it says when its first record came."""
    global _began
    if not _began:
        _began = True
        print(f"began {time.time():.6f}", flush=True)
    event = decode_event(message.value)
    return f"{event.phone_number_id}|{event.user}", (message.key, event)


def follow_window(window, item):
    key, event = item
    window = window or Window()
    return window, KafkaSinkMessage(key, follow(window, event))


flow = Dataflow("windows")
messages = op.input("events", flow, KafkaSource([BOOTSTRAP], [INPUT], starting_offset=OFFSET_BEGINNING, tail=True, batch_size=1000))
answered = op.stateful_map("follow", op.map("key", messages, keyed), follow_window)
without_key = op.map("answer", answered, lambda pair: pair[1])
sink = KafkaSink([BOOTSTRAP], OUTPUT, add_config={"linger.ms": "20", "batch.size": "262144", "partitioner": "murmur2_random"})
op.output("answers", without_key, sink)
run_main(flow)
