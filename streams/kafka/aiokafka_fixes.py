"""What must be mended in aiokafka 0.14, each with its reason. Applied once per process, before any client starts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.fetcher import Fetcher, PartitionRecords
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance, GroupCoordinator
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.producer.sender import Sender

from streams.guards.fatal import die

_find_coordinator = Sender._find_coordinator
_close_fetcher = Fetcher.close
_NO_HEADERS: list[tuple[str, bytes]] = []
_close_connection = AIOKafkaConnection.close
_coordinate = GroupCoordinator._coordination_routine
_sync_group = CoordinatorGroupRebalance._send_sync_group_request


def apply() -> None:
    """Applies all of them; a second call changes nothing."""
    Sender._find_coordinator = find_coordinator_again
    PartitionRecords._consumer_record = record_as_it_is
    Fetcher.close = close_for_sure
    AIOKafkaConnection.close = close_without_goodbye
    AIOKafkaConnection.connected = connected_or_closed
    BatchBuilder.append = append_as_it_is
    CoordinatorGroupRebalance._send_sync_group_request = sync_until_assigned
    GroupCoordinator._coordination_routine = coordinate_or_end


async def find_coordinator_again(self: Any, kind: Any, key: str) -> Any:
    """A connection that drops while the coordinator is looked up ends a producer for good; every clean stop of a broker does that.

    So it is looked up again, as it is for every other retriable error.
    """
    while True:
        try:
            return await _find_coordinator(self, kind, key)
        except KafkaError as error:
            if not isinstance(error.__cause__, KafkaConnectionError):
                raise
            await asyncio.sleep(self._retry_backoff)
            await self.client.force_metadata_update()


def record_as_it_is(self: Any, topic_partition: Any, record: Any) -> Any:
    """Every record is copied into a dataclass of eleven fields, 15 % of a worker's time. Ours reads six, straight from the parser's record.

    No client of this process may use a deserialiser, or ask a record for its topic: it knows the partition it reads.
    """
    return record


async def close_for_sure(self: Any) -> None:
    """A consumer that is stopped right after its assignment changed may wait for ever for its fetching task.

    That task is cancelled while it awaits a request which takes the cancellation for its own, and goes on fetching. So it is
    cancelled until it ends.
    """
    while not self._fetch_task.done():
        self._fetch_task.cancel()
        await asyncio.wait({self._fetch_task}, timeout=0.1)
    await _close_fetcher(self)


def close_without_goodbye(self: Any, reason: Any = None, exc: Any = None) -> Any:
    """Under TLS and uvloop a closed connection waits half a minute for the broker's goodbye, and whoever closes a client waits with it.

    Nothing is lost without one: what was sent was answered before.
    """
    writer = self._writer
    closed = _close_connection(self, reason, exc)
    if writer is not None and self._security_protocol.endswith("SSL"):
        writer.transport.abort()
    return closed


def connected_or_closed(self: Any) -> bool:
    """A client that looks for a connection drops one that has ended. Where it looks before the connection itself has noticed, as when two
    to one broker end at a time, the requests on it would wait until their time is up, for an answer that nobody can give.
    """
    if self._reader is None:
        return False
    ended: bool = self._reader.at_eof()
    if ended and self._requests and not self._loop.is_closed():
        self.close(reason=CloseReason.CONNECTION_BROKEN)
    return not ended


async def sync_until_assigned(self: Any, request: Any) -> bytes | None:
    """Members that join at one moment may be answered by nothing at all, not even by an empty list of partitions; the embedded broker does
    so now and then. aiokafka would fail to read that, and coordinate no more. It joins again instead.
    """
    assignment: bytes | None = await _sync_group(self, request)
    if assignment == b"":
        self._coordinator.request_rejoin()
        return None
    return assignment


async def coordinate_or_end(self: Any) -> None:
    """A member whose coordination has failed would never own a partition again, and keep its group from those it owns: its process ends."""
    try:
        await _coordinate(self)
    except KafkaError as error:
        die(error, group=self.group_id)


def append_as_it_is(self: Any, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Sequence[Any] = ()) -> Any:
    """A batch takes a record without asking for serialisers, which no producer of this process may have. `timestamp` is in milliseconds.

    Returns None when the batch is full.
    """
    if self._closed:
        return None
    metadata = self._builder.append(self._relative_offset, timestamp, key, value, list(headers) if headers else _NO_HEADERS)
    if metadata is None:
        self._closed = True
    else:
        self._relative_offset += 1
    return metadata
