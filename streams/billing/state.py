"""What INVOICE knows, read from its changelog: all accounts, or everything of one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable

from aiokafka import TopicPartition

from rating.billing.book import ACCOUNT
from rating.billing.memory import Memory
from rating.billing.plans import Plans
from rating.billing.records import Account, decode_account
from rating.ids import digest
from rating.stage import PREFIX_BYTES, State
from streams.errors import UserError
from streams.guards.identity import KEY, SHOWN
from streams.kafka.partitioner import partition_of
from streams.kafka.reading import committed_records
from streams.topic_reader import TopicReader
from streams.topics import state_topic

CHANGELOG = state_topic("invoice").name


async def all_accounts(reader: TopicReader, plans: Plans) -> list[Account]:
    """Every account that ever had a subscription, by id. Raises `UserError` where another plans file made the state."""
    changes = _changes(reader, reader.partitions_of(CHANGELOG), plans)
    known = {key: value async for key, value in changes if key[:1] == ACCOUNT}
    accounts = [decode_account(value) for value in known.values() if value is not None]
    return sorted((account for account in accounts if account.contracts), key=lambda account: account.account_id)


async def state_of(reader: TopicReader, plans: Plans, account_id: str) -> State:
    """Everything that is known of one account, in a state of its own. Raises `UserError`, also where nothing is known of it."""
    partitions = reader.partitions_of(CHANGELOG)
    own = partitions[partition_of(account_id.encode(), len(partitions))]
    owner = digest(account_id)
    state = Memory()
    async for key, value in _changes(reader, [own], plans):
        if key[1:PREFIX_BYTES] != owner:
            continue
        if value is None:
            state.delete(key)
        else:
            state.put(key, value)
    if state.get(ACCOUNT + owner) is None:
        raise UserError(f"account {account_id} has no subscription here; check the id, and --prefix")
    return state


async def _changes(reader: TopicReader, partitions: Iterable[TopicPartition], plans: Plans) -> AsyncIterator[tuple[bytes, bytes | None]]:
    """Keys and values of the changelog, in order."""
    async for _, records, _ in committed_records(reader.consumer, dict.fromkeys(partitions, 0)):
        for record in records:
            if record.key == KEY:
                _check_plans(json.loads(record.value), plans)
            yield record.key, record.value


def _check_plans(identity: dict[str, str], plans: Plans) -> None:
    made_by = identity.get("plans", "")
    if made_by != plans.fingerprint:
        raise UserError(
            f"the workers bill by the plans file with hash {made_by[:SHOWN]}, but this one has {plans.fingerprint[:SHOWN]}; "
            "name the same file with --plans"
        )
