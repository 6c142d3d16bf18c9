"""The broker stops, dies, stays away, finds its disk full. Each at a moment when a worker stands in a transaction."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from tests.brokers.apache_kafka import ApacheKafka
from tests.faults.play import Play

SHORT_S = 4.0
LONG_S = 30.0


async def stopped(play: Play) -> None:
    """A clean stop and a start."""
    await _outage(play, _broker(play).stop, 0.0)


async def killed(play: Play) -> None:
    """SIGKILL and a start."""
    await _outage(play, _broker(play).kill, play.rng.uniform(0, 2))


async def away(play: Play) -> None:
    """SIGKILL, and nobody there for longer than a worker waits for a commit."""
    await _outage(play, _broker(play).kill, SHORT_S if play.is_short else play.rng.choice((SHORT_S, 10.0, LONG_S)))


async def disk_full(play: Play) -> None:
    """No file of the broker can grow any more: it ends by itself, and is started again once there is room."""
    broker = _broker(play)

    def fill() -> None:
        broker.fill_disk()
        broker.wait_until_gone()

    await _outage(play, fill, 0.0)


async def _outage(play: Play, end: Callable[[], None], away_s: float) -> None:
    """The worker thaws before the broker is back, or after: it finds nobody, or somebody who has forgotten its connections."""
    await play.begin()
    worker = await play.frozen()
    publishing = play.publishing()
    await asyncio.to_thread(end)
    thaws_first = play.rng.random() < 0.7
    if thaws_first:
        worker.signal(signal.SIGCONT)
    await asyncio.sleep(away_s)
    await play.start(_broker(play))
    if not thaws_first:
        worker.signal(signal.SIGCONT)
    await publishing
    await play.stop(worker)


def _broker(play: Play) -> ApacheKafka:
    assert play.stand.broker is not None
    return play.stand.broker
