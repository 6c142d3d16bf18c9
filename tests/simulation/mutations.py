"""Mistakes about exactly once, planted into the engine: each must be found by the laws within a bounded number of runs.

A mutation changes what the engine does at one of its seams: the commit of a step, the fence, the reader, the end after an error. So it
survives a rewriting of what lies between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any, NamedTuple
from unittest.mock import patch

from aiokafka.errors import KafkaError, ProducerFenced

from streams.engine.transaction import TransactionLog
from streams.kafka import clients
from streams.settings import Settings
from tests.simulation.clients import Consumer
from tests.simulation.worker import Seam

Commit = Callable[..., Any]
_commit: Commit = TransactionLog.commit


class Mutation(NamedTuple):
    """One mistake."""

    mistake: str
    plant: Callable[[Seam], AbstractContextManager[object]]
    """Plants it, while the context lasts; the seam is installed already."""


def _instead(commit: Commit) -> Callable[[Seam], AbstractContextManager[object]]:
    return lambda seam: patch.object(TransactionLog, "commit", commit)


async def commit_before_outputs(log: TransactionLog, partition: int, outputs: Any, changes: Mapping[Any, Any], offsets: Any) -> None:
    """State and offsets are safe before the outputs are: a crash in between loses lines."""
    await _commit(log, partition, [], changes, offsets)
    if outputs:
        await _commit(log, partition, outputs, {}, {})


async def offset_without_state(log: TransactionLog, partition: int, outputs: Any, changes: Mapping[Any, Any], offsets: Any) -> None:
    """Offsets are committed before the state that they belong to."""
    if offsets:
        await _commit(log, partition, [], {}, offsets)
    await _commit(log, partition, outputs, changes, {})


async def state_kept_after_abort(log: TransactionLog, partition: int, outputs: Any, changes: Mapping[Any, Any], offsets: Any) -> None:
    """A failed transaction is aborted, and the worker goes on with the state it has."""
    try:
        await _commit(log, partition, outputs, changes, offsets)
    except ProducerFenced:
        raise
    except KafkaError:
        await log._producer.abort_transaction()


@contextmanager
def no_fence(seam: Seam) -> Iterator[None]:
    """Every worker has a transactional id of its own, so nobody is fenced."""
    numbers = count()
    make = clients.transactional_producer

    def unfenced(settings: Settings, transactional_id: str) -> Any:
        return make(settings, f"{transactional_id}-{next(numbers)}")

    with patch.object(clients, "transactional_producer", unfenced):
        yield


@contextmanager
def restore_past_the_stable_offset(seam: Seam) -> Iterator[None]:
    """The state is restored from whatever the changelog holds, committed or not."""

    def reader(settings: Settings, group_id: str | None = None) -> Consumer:
        run = seam.current
        return Consumer(run.kafka, run.network, "read_uncommitted", fetch_records=run.plan.fetch_records)

    with patch.object(clients, "reader", reader):
        yield


MUTATIONS = (
    Mutation("commit before outputs", _instead(commit_before_outputs)),
    Mutation("no fence", no_fence),
    Mutation("restore past the stable offset", restore_past_the_stable_offset),
    Mutation("state kept after abort", _instead(state_kept_after_abort)),
    Mutation("offset without state", _instead(offset_without_state)),
)
