"""What was fetched reaches its partition, whatever Faust does to its own queues and whenever partitions change hands."""

from __future__ import annotations

import asyncio
from functools import partial
from types import SimpleNamespace
from typing import Any

import faust
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.types import TP

from streams.kafka.batches import RecordBatch
from streams.kafka.channel import BatchChannel
from streams.kafka.transport import BatchConsumer


async def test_a_rebalance_empties_no_channel_of_batches() -> None:
    app = faust.App("channel")
    channel = BatchChannel(app, maxsize=1)
    subscriber = channel.clone(is_iterator=True)
    batch = RecordBatch("toy.in", 0, 1, 0, [], 5)
    await channel.put(batch)  # type: ignore[arg-type] # Faust hands through what is no event of its own
    app.flow_control.suspend()
    app.flow_control.clear()
    app.flow_control.resume()
    assert subscriber.queue.get_nowait() == batch


LEASED, NOT_YET, ELSEWHERE = TP("toy.in", 0), TP("toy.in", 1), TP("toy.in", 2)


class Rebalancing:
    """A consumer that is told during a request that two of its partitions are another's, and keeps the first."""

    def __init__(self) -> None:
        self._subscription = SubscriptionState()
        self._subscription.assign_from_user({LEASED, NOT_YET, ELSEWHERE})

    async def end_offsets(self, partitions: set[TP]) -> dict[TP, int]:
        self._subscription.assign_from_user({LEASED, NOT_YET})
        self._subscription.seek(LEASED, 5)
        return dict.fromkeys(partitions, 5)


async def test_a_rebalance_while_the_ends_are_asked_for_neither_fails_nor_waits() -> None:
    consumer = Rebalancing()
    reader: Any = SimpleNamespace(_thread=SimpleNamespace(_ensure_consumer=lambda: consumer))
    reader.position = partial(BatchConsumer.position, reader)
    async with asyncio.timeout(5):
        assert await BatchConsumer._ended(reader, {LEASED, NOT_YET, ELSEWHERE}) == [(LEASED, 5)]
