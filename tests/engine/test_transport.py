"""What was fetched reaches its partition, whatever Faust does to its own queues."""

from __future__ import annotations

import faust

from streams.kafka.batches import RecordBatch
from streams.kafka.transport import BatchChannel


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
