"""The changelog is compacted, or ends in what was aborted, before the next worker restores from it."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from aiokafka import TopicPartition

from tests.faults import raw_log
from tests.faults.kinds.refused_writes import configure
from tests.faults.pipeline import STATE, until
from tests.faults.play import Play


async def ends_in_aborted_transactions(play: Play) -> None:
    """Workers die one after the other before any of them commits: all that the changelog got from them is aborted."""
    await play.begin()
    await play.killed()
    for _ in range(play.rng.randint(1, 3)):
        await play.killed()
    log = await _log(play)
    assert any(entries and not entries[-1].committed for entries in log.values()), "no partition of the changelog ends in an aborted record"
    await play.publish_rest()


async def compacted(play: Play) -> None:
    """Kafka compacts the changelog for good: only the latest record of each key is left to restore from."""
    await play.begin()
    worker = await play.frozen()
    settings = play.pipeline.settings
    await configure(settings, STATE, {"segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "100"})
    publishing = play.publishing()
    worker.signal(signal.SIGCONT)
    await publishing
    await play.pipeline.read_up()
    await worker.kill()

    async def is_compacted() -> bool:
        return any(_has_gaps(each) for entries in (await _log(play)).values() for each in entries)

    await until(is_compacted, "Kafka compacts the changelog")
    await configure(settings, STATE, {})


def _has_gaps(transaction: raw_log.Transaction) -> bool:
    """Whether records are gone from within a transaction, which had them one behind the other."""
    offsets = [record.offset for record in transaction.records]
    return bool(offsets) and offsets[-1] - offsets[0] >= len(offsets)


async def _log(play: Play) -> Mapping[TopicPartition, list[raw_log.Transaction]]:
    settings = play.pipeline.settings
    async with raw_log.connect(settings.bootstrap) as consumer:
        return await raw_log.transactions(
            consumer, [TopicPartition(settings.prefix + STATE, number) for number in range(settings.partitions)]
        )
