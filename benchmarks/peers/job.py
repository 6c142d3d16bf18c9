"""The job that every peer does, so that they differ in nothing but the framework. Needs msgspec alone.

Of each conversation (a business phone number and a user) it follows when the user last wrote and whether the customer
service window is open, and it answers every event with one record. It is the smallest part of what METER does.
"""

from __future__ import annotations

import os
from datetime import datetime

import msgspec

LENGTH_MS = 24 * 60 * 60 * 1000

BOOTSTRAP = os.environ.get("BENCH_BOOTSTRAP", "")
INPUT = os.environ.get("BENCH_INPUT", "")
OUTPUT = os.environ.get("BENCH_OUTPUT", "")
CHANGELOG = os.environ.get("BENCH_CHANGELOG", "")
GROUP = os.environ.get("BENCH_GROUP", "")
PARTITIONS = int(os.environ.get("BENCH_PARTITIONS", "0"))
STATE_DIR = os.environ.get("BENCH_STATE_DIR", "")
"""What the ruler tells a peer: where the brokers and its topics are."""


class Event(msgspec.Struct, gc=False, frozen=True):
    """What the job needs of a message event; unknown fields are skipped."""

    type: str
    id: str
    phone_number_id: str
    user: str
    time: datetime


class Window(msgspec.Struct, gc=False):
    """The state of one conversation."""

    n: int = 0
    """Events so far."""
    last_inbound_ms: int = 0
    open: bool = False
    """Whether the window was open at the latest event."""


class Answer(msgspec.Struct, gc=False):
    """The output for one event."""

    id: str
    phone_number_id: str
    user: str
    n: int
    last_inbound_ms: int
    open: bool


decode_event = msgspec.json.Decoder(Event).decode
decode_window = msgspec.json.Decoder(Window).decode
encode = msgspec.json.Encoder().encode


def follow(window: Window, event: Event) -> bytes:
    """Brings the conversation's state up to date and returns the encoded answer."""
    at_ms = round(event.time.timestamp() * 1000)
    if event.type == "message.received" and at_ms > window.last_inbound_ms:
        window.last_inbound_ms = at_ms
    window.n += 1
    window.open = window.last_inbound_ms <= at_ms < window.last_inbound_ms + LENGTH_MS
    return encode(Answer(event.id, event.phone_number_id, event.user, window.n, window.last_inbound_ms, window.open))
