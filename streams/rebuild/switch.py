"""A rebuilt state on its way into force: written beside the changelog, read back, and then, in one transaction, in its place.

Opening the producer of a partition fences its worker, as the next worker's would. So whoever comes later wins: a worker that starts
meanwhile fences us, and then nothing more of this partition is written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import InvalidTransactionTimeout

from streams import topics
from streams.engine.transaction import TransactionLog, of_partition
from streams.errors import UserError
from streams.settings import Settings
from streams.state.store import Store
from streams.takeover.restore import restore, until_settled
from streams.topic_reader import TopicReader

STAGE = "meter"
REBUILT = replace(topics.state_topic(STAGE), name=f"wameter-{STAGE}-state-rebuilt")
"""The changelog of the rebuilt state."""

SWITCH_TIMEOUT_MS = 900_000
"""How long the transaction that switches a partition may take: as long as brokers allow by default (`transaction.max.timeout.ms`)."""
RECORDS_PER_TRANSACTION = 20_000
"""Of those that write the rebuilt state."""


class Image(NamedTuple):
    """Tells two states apart."""

    keys: int
    sum: int


def image(items: Iterable[tuple[bytes, bytes]]) -> Image:
    """The image of a state's keys and values, in any order."""
    count = total = 0
    for key, value in items:
        name = blake2b(len(key).to_bytes(4, "big") + key + value, digest_size=16).digest()
        count, total = count + 1, (total + int.from_bytes(name, "big")) % (1 << 128)
    return Image(count, total)


async def no_members(settings: Settings, told: Callable[[str, int, int], None], *, patient: bool) -> None:
    """Raises `UserError` while workers are members of the group. If `patient`, those that have died are given the time to be noticed."""
    until_s = time.monotonic() + (settings.session_timeout_ms / 1000 + _NOTICED_AFTER_S if patient else 0)
    async with topics.admin_client(settings) as admin:
        while members := await _members(admin, settings):
            if time.monotonic() > until_s:
                raise UserError(f"group {settings.app_id} has {members} members: stop all workers, and run it again")
            told(f"waiting for {members} members of group {settings.app_id} to leave", 0, 0)
            await asyncio.sleep(_ASKED_EVERY_S)


async def _members(admin: AIOKafkaAdminClient, settings: Settings) -> int:
    responses = await admin.describe_consumer_groups([settings.app_id])
    return sum(len(group[_MEMBERS]) for response in responses for group in response.groups)


_NOTICED_AFTER_S = 2
_ASKED_EVERY_S = 0.2
_MEMBERS = 5
"""Where the members stand in the description of a group."""


@asynccontextmanager
async def fenced(settings: Settings, numbers: Sequence[int]) -> AsyncIterator[list[TransactionLog]]:
    """The producers of partitions, opened: no worker of before can commit any more. Raises `UserError` where brokers refuse them."""
    patient = settings.model_copy(update={"transaction_timeout_ms": max(SWITCH_TIMEOUT_MS, settings.transaction_timeout_ms)})
    async with AsyncExitStack() as stack:
        logs = [of_partition(patient, STAGE, number) for number in numbers]
        for log in logs:
            stack.push_async_callback(log.close)
            try:
                await log.open()
            except InvalidTransactionTimeout:
                raise UserError(
                    f"brokers allow no transaction of {SWITCH_TIMEOUT_MS} ms; set transaction.max.timeout.ms to its default, which is that"
                ) from None
        yield logs


async def settled(settings: Settings, reader: TopicReader, log: TransactionLog, outputs: Iterable[str]) -> None:
    """Waits until nothing in a fenced changelog is open, as a worker does. Raises `UserError` where that does not come."""
    try:
        async with asyncio.timeout(settings.restore_timeout_ms / 1000):
            await until_settled(settings, reader.consumer, log, outputs)
    except TimeoutError:
        raise UserError(
            f"{log.changelog.topic} partition {log.changelog.partition}: a transaction is open that nobody ends; end it with "
            "kafka-transactions.sh (find-hanging, abort), and run it again"
        ) from None


async def make_topic(settings: Settings) -> None:
    """Makes the topic for rebuilt states, empty: what an earlier rebuild left is thrown away."""
    await drop_topic(settings)
    await topics.create(settings, [REBUILT])


async def drop_topic(settings: Settings) -> None:
    """Deletes the topic for rebuilt states, where there is one."""
    name = settings.prefix + REBUILT.name
    async with topics.admin_client(settings) as admin:
        if name in await admin.list_topics():
            await admin.delete_topics([name])
            await topics.until(admin, lambda names: name not in names)


async def write(settings: Settings, number: int, store: Store) -> Image:
    """Writes a state to the topic of rebuilt states; returns its image."""
    beside = TransactionLog(
        settings, transactional_id=f"{settings.prefix}{settings.app_id}-{STAGE}-rebuild-{number}", changelog=_rebuilt(settings, number)
    )
    try:
        await beside.open()
        items = store.items()
        while some := dict(islice(items, RECORDS_PER_TRANSACTION)):
            await beside.commit(number, (), some, {})
    finally:
        await beside.close()
    return image(store.items())


async def switch(settings: Settings, reader: TopicReader, log: TransactionLog, written: Image) -> int:
    """Puts the rebuilt state of a partition in the place of the one in force, in one transaction; returns how many keys that changes.

    Raises `UserError` if it can't be read back as it was written, or a worker has started meanwhile.
    """
    number = log.changelog.partition
    former, rebuilt = Store(), Store()
    await restore(rebuilt, reader.consumer, _rebuilt(settings, number), 0)
    if image(rebuilt.items()) != written:
        raise UserError(f"{REBUILT.name} partition {number} does not hold what was written to it; run wameter rebuild again")
    await restore(former, reader.consumer, log.changelog, 0)
    changes: dict[bytes, bytes | None] = {key: None for key, _ in former.items() if rebuilt.get(key) is None}
    changes |= {key: value for key, value in rebuilt.items() if former.get(key) != value}
    if changes:
        await log.commit(number, (), changes, {})
    return len(changes)


def _rebuilt(settings: Settings, number: int) -> TopicPartition:
    return TopicPartition(settings.prefix + REBUILT.name, number)
