"""Legal events may be long, whatever is long in them: what METER makes of them fits into its topics, on the worker that ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from rating.keys import DELIVERY
from schemas.decode import MAX_EVENT_BYTES
from streams import topics
from streams.settings import Settings
from tests.engine.real_worker import records, work

PHONE = "106540352242922"
PROFILE = {"account_id": "a", "timezone": "UTC", "currency": "USD"}


def event(status: str, filled: str, *, length: int = MAX_EVENT_BYTES, **fields: Any) -> bytes:
    """An event of exactly `length` bytes: its field `filled` is as long as it takes."""
    plain = {
        "type": f"message.{status}",
        "id": status,
        "account_id": "a",
        "phone_number_id": PHONE,
        "user": "+33612345678",
        "message_id": "m",
        "time": "2026-01-05T12:00:00.000Z",
        **fields,
    }
    room = length - len(json.dumps(plain))
    value = json.dumps({**plain, filled: plain[filled] + "x" * room}).encode()
    assert len(value) == length
    return value


PHASES = ("sent", "delivered", "read", "failed")
LONG: dict[str, list[bytes]] = {
    "every event of a delivery has an id of a megabyte": [event(kind, "id", category="utility") for kind in PHASES],
    "every event of a delivery names another account": [event(kind, "account_id", category="utility") for kind in PHASES],
    "a message's id is a megabyte, and so is that of the message which opened its window": [
        event("received", "message_id"),
        event("sent", "message_id", time="2026-01-05T13:00:00.000Z", category="utility", kind="text"),
        event("delivered", "message_id", time="2026-01-05T13:00:00.000Z", category="utility"),
    ],
    "its category is a word of a megabyte": [event("sent", "category", category="u"), event("delivered", "id")],
    "no event at all: a megabyte and a byte": [event("sent", "id", length=MAX_EVENT_BYTES + 1, category="utility")],
    "no event at all: two megabytes": [event("sent", "id", length=2 * MAX_EVENT_BYTES, category="utility")],
    "a record that is rejected whole": [b"{" + b" " * (MAX_EVENT_BYTES - 1)],
}


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_whatever_is_long_in_an_event_the_stream_goes_on(broker: str, tmp_path: Path) -> None:
    name = f"t{uuid4().hex[:8]}"
    settings = Settings(
        bootstrap=broker,
        partitions=1,
        prefix=f"{name}.",
        app_id=name,
        group_instance_id="w",
        web_port=0,
        breaker_window=0,
        log_format="json",
    )
    await topics.create(settings)
    producer = AIOKafkaProducer(bootstrap_servers=broker, max_request_size=topics.MAX_MESSAGE_BYTES)
    await producer.start()
    try:
        await producer.send_and_wait(f"{settings.prefix}whatsapp.accounts", json.dumps(PROFILE).encode(), b"a")
        for events in LONG.values():
            for value in events:
                await producer.send_and_wait(f"{settings.prefix}whatsapp.messages", value, PHONE.encode())
    finally:
        await producer.stop()
    log = tmp_path / "worker.log"
    assert await work(settings, log) == 0, log.read_text()[-3000:]
    refused = [dict(record.headers)["reason"] for record in await records(settings, "usage.rejected", "read_committed")]
    assert refused == [b"too_large", b"too_large", b"invalid_json"]
    deliveries = [record for record in await records(settings, "wameter-meter-state", "read_committed") if record.key[:1] == DELIVERY]
    longest = max(len(record.value) for record in deliveries)
    assert longest > 4 * MAX_EVENT_BYTES - 4096, "the four events of one delivery lie in one record"
