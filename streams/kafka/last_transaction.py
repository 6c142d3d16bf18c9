"""How the last transaction of a transactional id ended, as its coordinator knows it.

A coordinator writes a mark of that end to each partition of the transaction. Brokers that die may lose one, although the coordinator takes
it for written; then the partition holds a transaction that nobody ends: readers of committed records stop before it, and the next one of
the same id would be made one with it. Who knows how it ended can write the mark again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

RETRY_S = 0.1
_NOT_NOW = frozenset({14, 15, 16})
"""Errors of a coordinator that is not there yet, or no longer."""
_COMMITTED = frozenset({"PrepareCommit", "CompleteCommit"})
_ABORTED = frozenset({"PrepareAbort", "CompleteAbort"})


class Ended(NamedTuple):
    """A transactional id, as its coordinator describes it."""

    state: str
    producer_id: int
    epoch: int


def is_committed(last: Ended | None, producer_id: int, epoch: int) -> bool | None:
    """Whether the last transaction before a fence was committed; None: nobody can tell, or there was none.

    `producer_id` and `epoch` are those that the fence gave. Each end and each fence raises the epoch in a known way, so a transaction that
    another owner made between the question and the fence shows.
    """
    if last is None or last.producer_id != producer_id:
        return None
    if last.state in _COMMITTED and epoch == last.epoch + 1:
        return True
    if (last.state in _ABORTED and epoch == last.epoch + 1) or (last.state == "Ongoing" and epoch == last.epoch + 2):
        return False
    return None


async def fence(producer: AIOKafkaProducer, transactional_id: str) -> bool | None:
    """Starts a producer, which fences whoever had its id before; returns whether the last transaction of the id was committed.

    None: nobody can tell, or there was none.
    """
    await producer.client.bootstrap()
    last = await last_transaction(producer.client, transactional_id)
    await producer.start()
    own = producer._txn_manager
    return is_committed(last, own.producer_id, own.producer_epoch)


async def end_again(producer: AIOKafkaProducer, partitions: Iterable[TopicPartition], *, commit: bool) -> None:
    """Writes to these partitions how the last transaction of a producer's id ended. One that has it already is not changed by it."""
    await producer.begin_transaction()
    for partition in partitions:
        producer._txn_manager.maybe_add_partition_to_txn(partition)
    await (producer.commit_transaction() if commit else producer.abort_transaction())


async def last_transaction(client: AIOKafkaClient, transactional_id: str) -> Ended | None:
    """Asks the coordinator, until there is one. None where it does not know the id, or cannot be asked."""
    while True:
        try:
            node = await client.coordinator_lookup(CoordinationType.TRANSACTION, transactional_id)
            answer = await client.send(node, _Describe(transactional_id))
        except (IncompatibleBrokerVersion, NotImplementedError):  # what aiokafka raises where a broker does not know the request, as ours
            return None
        except KafkaError as error:
            if not error.retriable:
                return None
        else:
            error_code, _, state, _, _, producer_id, epoch, *_ = answer.transaction_states[0]
            if error_code not in _NOT_NOW:
                return None if error_code else Ended(state, producer_id, epoch)
        await asyncio.sleep(RETRY_S)
        await client.force_metadata_update()


class _DescribeTransactionsResponse(Response):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 65
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "transaction_states",
            CompactArray(
                ("error_code", Int16),
                ("transactional_id", CompactString("utf-8")),
                ("state", CompactString("utf-8")),
                ("timeout_ms", Int32),
                ("start_time_ms", Int64),
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                (
                    "topics",
                    CompactArray(("topic", CompactString("utf-8")), ("partitions", CompactArray(Int32)), ("tags", TaggedFields)),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _DescribeTransactionsRequest(RequestStruct):  # type: ignore[misc] # likewise
    FLEXIBLE_VERSION = True
    API_KEY = 65
    API_VERSION = 0
    RESPONSE_TYPE = _DescribeTransactionsResponse
    SCHEMA = Schema(("transactional_ids", CompactArray(CompactString("utf-8"))), ("tags", TaggedFields))


class _Describe(Request[_DescribeTransactionsRequest]):  # type: ignore[misc] # likewise
    API_KEY = 65

    def __init__(self, transactional_id: str) -> None:
        self._transactional_id = transactional_id

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([self._transactional_id], {})
