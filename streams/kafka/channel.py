"""The channel between transport and agent, which no rebalance empties."""

from __future__ import annotations

from typing import Any

from faust.channels import Channel
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from streams.kafka.batches import RecordBatch


class BatchChannel(Channel[RecordBatch]):
    """Faust empties an agent's queue when partitions change hands, whatever lies in it.

    This one is never emptied: what became void in it is known by its lease.
    """

    @property
    def queue(self) -> ThrowableQueue[Any]:
        """The queue of one subscriber."""
        if self._queue is None:
            self._queue = ThrowableQueue(self.maxsize or 1, flow_control=FlowControlEvent(initially_suspended=False))
        return self._queue
