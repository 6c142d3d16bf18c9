"""Workers die, freeze, come and go."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence

from aiokafka import TopicPartition

from streams.guards.fatal import Exit
from streams.results import RATED, TOTALS
from tests.faults import raw_log
from tests.faults.pipeline import STATE, Worker, until
from tests.faults.play import Play


async def killed_at_a_point(play: Play) -> None:
    """SIGKILL at a point of a transaction, and again at the same one: the new owner has as little luck."""
    await play.begin()
    await play.killed()
    await play.killed()
    await play.publish_rest()


async def killed_at_any_time(play: Play) -> None:
    """SIGKILL at random moments, with a backlog to work off and traffic coming."""
    await play.begin(share=0.9)
    publishing = play.publishing()
    for _ in range(3):
        worker = await play.pipeline.worker()
        await worker.opened(1)
        await asyncio.sleep(play.rng.uniform(0, 0.2))
        await worker.kill()
    await publishing


async def two_killed_at_once(play: Play) -> None:
    """Two workers, each in a transaction of its own, die together."""
    await play.begin(share=0.1)
    publishing = play.publishing()
    pair = [await play.pipeline.worker(name, fault=play.moment.freezes) for name in ("w1", "w2")]
    await until(lambda: _any_frozen(pair), "one of two workers comes to its crash point", of=pair[0])
    play.reached.append(play.moment.point)
    await asyncio.sleep(play.rng.uniform(0, 0.5))  # the other may come to its own, or be anywhere
    play.reached += [play.moment.point] * (sum(worker.is_frozen for worker in pair) - 1)
    for worker in pair:
        worker.signal(signal.SIGKILL)
    for worker in pair:
        await worker.ended()
    await publishing


async def _any_frozen(workers: Sequence[Worker]) -> bool:
    return any(worker.is_frozen for worker in workers)


async def zombie_replaced(play: Play) -> None:
    """The owner freezes, another of its name takes over and goes on to the end, the owner thaws: it must be fenced and end."""
    await play.begin()
    zombie = await play.frozen()
    await play.pipeline.drain()
    await _thaws(play, zombie)
    await play.publish_rest()


async def zombie_evicted(play: Play) -> None:
    """The owner freezes until the group gives its partitions to a worker with another name; thawed, it must be fenced and end."""
    await play.begin()
    zombie = await play.frozen(None)
    other = await play.pipeline.worker(None)
    await other.opened(2)
    await play.publish_rest()
    await _thaws(play, zombie)
    await other.stop()


async def _thaws(play: Play, zombie: Worker) -> None:
    """Fenced, it must end. One that froze before it had opened anything has nothing in hand: it may also begin anew, from the fence on."""
    had_opened = zombie.times_opened
    assigned = zombie.times_assigned
    zombie.signal(signal.SIGCONT)

    async def ended_or_began_anew() -> bool:
        return zombie.has_ended or zombie.times_assigned > assigned

    await until(ended_or_began_anew, "a zombie ends or begins anew", of=zombie)
    if had_opened == play.pipeline.settings.partitions:
        await play.dies(zombie)
        assert play.ends[-1] == Exit.FENCED, zombie.said()
    else:
        await play.stop(zombie)


async def paused_too_long(play: Play) -> None:
    """The owner pauses until the broker aborts its transaction, and nobody replaces it: back again, it must not go on with what it has."""
    await play.begin(step_timeout_ms=1500, transaction_timeout_ms=1500)
    paused = await play.frozen()
    settings = play.pipeline.settings

    async def aborted() -> bool:
        async with raw_log.connect(settings.bootstrap) as consumer:
            partitions = [TopicPartition(settings.prefix + name, number) for name in (STATE, RATED, TOTALS) for number in range(2)]
            log = await raw_log.transactions(consumer, partitions)
        return all(each.committed is not None for entries in log.values() for each in entries)

    await until(aborted, "the broker aborts the transaction of a worker that pauses")
    paused.signal(signal.SIGCONT)
    await play.dies(paused)
    await play.publish_rest()


async def scaled_out_and_in(play: Play) -> None:
    """A second worker comes while the first stands in a transaction; it gets a partition; the first leaves, the second has both."""
    await play.begin(share=0.4)
    publishing = play.publishing()
    first = await play.frozen(None)
    second = await play.pipeline.worker(None)
    await until(second.joins, "a second worker joins", of=second)
    first.signal(signal.SIGCONT)
    await second.opened(1)
    if play.rng.random() < 0.5:
        await first.stop()
        await second.opened(2)
        await publishing
        await second.stop()
    else:
        await second.stop()
        await publishing
        await first.stop()


async def restarted_one_by_one(play: Play) -> None:
    """Two workers with static names are stopped and started one after the other, one of them amid a transaction."""
    await play.begin(share=0.4)
    publishing = play.publishing()
    first = await play.frozen("w1")
    second = await play.pipeline.worker("w2")
    await until(second.joins, "a second worker joins", of=second)
    first.signal(signal.SIGTERM)
    first.signal(signal.SIGCONT)
    code = await first.ended()
    assert code == 0, first.said()
    first = await play.pipeline.worker("w1")
    await second.opened(1)
    await second.stop()
    second = await play.pipeline.worker("w2")
    await first.opened(1)
    await second.opened(1)
    await publishing
    for worker in (first, second):
        await worker.stop()
