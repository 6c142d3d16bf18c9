"""One Kafka transaction per step: outputs and state changes, all or nothing. The consumed position is part of the state.

The order of the requests is a measured fact. While one request of a transactional id is being verified, Kafka answers
another of the same id with a retriable error that costs 100 ms. So outputs and changelog go out together and are
acknowledged, then the offsets, then the commit: one kind of request at a time.

The group's offsets are only for people and their tools, who look at lag. They cost two of a transaction's five round trips, so
they go along once a second. They can never be ahead of the state.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition

from rating.stage import Output
from streams.guards import faults
from streams.guards.clock import skew_ms
from streams.kafka import clients
from streams.kafka.last_transaction import end_again, fence
from streams.kafka.partitioner import partition_of
from streams.settings import Settings

OFFSETS_EVERY_S = 1.0


def of_partition(settings: Settings, stage_name: str, number: int) -> TransactionLog:
    """The producer of a partition of a stage, and where its state lies."""
    return TransactionLog(
        settings,
        transactional_id=f"{settings.prefix}{settings.app_id}-{stage_name}-{number}",
        changelog=TopicPartition(f"{settings.prefix}wameter-{stage_name}-state", number),
    )


class TransactionLog:
    """The transactional producer of one (stage, partition). Its id is derived from them, so opening it fences whoever had it before.

    After any error the producer is of no use: end the process. Nothing here is retried.
    """

    def __init__(self, settings: Settings, *, transactional_id: str, changelog: TopicPartition) -> None:
        self._settings = settings
        self.changelog_offset = 0
        """From here on the changelog holds nothing, or what the last transaction wrote. The owner sets it after a restore."""
        self.changelog = changelog
        self.clock_skew_ms: int | None = None
        """By how much the broker's clock was ahead of ours at the last transaction, at least; None before one."""
        self._transactional_id = transactional_id
        self._producer = clients.transactional_producer(settings, transactional_id)
        self._was_committed: bool | None = None
        """How the last owner's last transaction ended; None: nobody can tell, or there was none."""
        self._untold: dict[TopicPartition, int] = {}
        """Offsets of committed steps, or of the one under way, that the group does not know yet."""
        self._told_s = -OFFSETS_EVERY_S

    async def open(self) -> None:
        """Fences the previous owner: what it had not committed is aborted now, and it can commit nothing more."""
        self._was_committed = await fence(self._producer, self._transactional_id)

    async def end_again(self, partitions: Iterable[TopicPartition]) -> bool:
        """Writes to these partitions once more how the last owner's last transaction ended, in case the brokers have lost that.

        Nothing of it happens where nobody can tell; then it returns False. A partition that has it already is not changed by it.
        """
        if self._was_committed is None:
            return False
        await end_again(self._producer, partitions, commit=self._was_committed)
        return True

    async def close(self) -> None:
        """Gives up the connection; an open transaction is left to be aborted by the next owner."""
        await self._producer.stop()

    async def commit(
        self, partition: int, outputs: Iterable[Output], changes: Mapping[bytes, bytes | None], offsets: Mapping[TopicPartition, int]
    ) -> None:
        """Commits a step. `partition` is where outputs without any key go. Returns when readers can see it; raises if they may not.

        `offsets` are those to tell the group, now or soon.
        """
        faults.reach("before_begin")
        producer = self._producer
        sent_ms = int(time.time() * 1000)
        await producer.begin_transaction()
        state = [Output("", key, value) for key, value in changes.items()]
        *written, state_written = await asyncio.gather(
            *(self._write(target, records) for target, records in self._by_target(partition, outputs)),
            self._write(self.changelog, state),
        )
        await asyncio.gather(*(acknowledgement for batches in written for acknowledgement in batches))
        faults.reach("after_outputs")
        acknowledged = await asyncio.gather(*state_written)
        if acknowledged:
            self.changelog_offset = acknowledged[-1].offset
            self.clock_skew_ms = skew_ms(sent_ms, acknowledged[-1].timestamp, int(time.time() * 1000))
        faults.reach("after_state")
        self._untold.update(offsets)
        if self.until_told_s() <= 0:
            await self._tell()
        faults.reach("after_offsets")
        faults.reach("before_commit")
        await producer.commit_transaction()
        faults.reach("after_commit")

    def until_told_s(self) -> float:
        """In how many seconds the group should be told its offsets; infinite if it knows them."""
        return self._told_s + OFFSETS_EVERY_S - time.monotonic() if self._untold else math.inf

    def tell_later(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Has the group told these offsets of committed steps, with the next step or by `tell_group`."""
        self._untold.update(offsets)

    async def tell_group(self) -> None:
        """Commits the group's offsets where no step does it."""
        if self._untold:
            await self._producer.begin_transaction()
            await self._tell()
            await self._producer.commit_transaction()

    async def _tell(self) -> None:
        await self._producer.send_offsets_to_transaction(self._untold, self._settings.app_id)
        self._untold = {}
        self._told_s = time.monotonic()

    def _by_target(self, partition: int, outputs: Iterable[Output]) -> Iterable[tuple[TopicPartition, list[Output]]]:
        partitions = self._settings.partitions
        by_topic: defaultdict[str, defaultdict[int, list[Output]]] = defaultdict(lambda: defaultdict(list))
        for output in outputs:
            hashed = output.partition_key
            if hashed is None:
                hashed = output.key
            by_topic[output.topic][partition if hashed is None else partition_of(hashed, partitions)].append(output)
        for topic, by_partition in by_topic.items():
            for number, records in by_partition.items():
                yield TopicPartition(self._settings.prefix + topic, number), records

    async def _write(self, target: TopicPartition, records: Iterable[Output]) -> list[asyncio.Future[Any]]:
        """Hands records to the sender, batch by batch; returns the acknowledgements to wait for."""
        producer = self._producer
        now_ms = int(time.time() * 1000)
        sent: list[asyncio.Future[Any]] = []
        batch = producer.create_batch()
        append = batch.append
        for record in records:
            if append(timestamp=now_ms, key=record.key, value=record.value, headers=record.headers) is None:
                sent.append(await producer.send_batch(batch, target.topic, partition=target.partition))
                batch = producer.create_batch()
                append = batch.append
                append(timestamp=now_ms, key=record.key, value=record.value, headers=record.headers)
        if batch.record_count():
            sent.append(await producer.send_batch(batch, target.topic, partition=target.partition))
        return sent
