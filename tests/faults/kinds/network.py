"""The network between workers and the broker is slow, cut, or silent."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.pipeline import Worker
from tests.faults.play import Play
from tests.faults.proxy import Proxy, proxy

SILENT_S = 9.0
"""Longer than the workers of these rounds wait for a commit."""


async def delayed(play: Play) -> None:
    """Every packet takes its time, either way."""
    async with _behind_a_proxy(play) as (network, worker):
        network.delay_s = play.rng.uniform(0.02, 0.15)
        worker.signal(signal.SIGCONT)
        await asyncio.sleep(2.0)


async def trickling(play: Play) -> None:
    """A few bytes at a time."""
    async with _behind_a_proxy(play) as (network, worker):
        network.chunk_bytes, network.delay_s = play.rng.randint(100, 1000), 0.002
        worker.signal(signal.SIGCONT)
        await asyncio.sleep(2.0)


async def cut(play: Play) -> None:
    """Every connection is reset amid a transaction, and a few times after."""
    async with _behind_a_proxy(play) as (network, worker):
        network.cut()
        worker.signal(signal.SIGCONT)
        for _ in range(play.rng.randint(1, 4)):
            await asyncio.sleep(play.rng.uniform(0, 0.4))
            network.cut()


async def silent(play: Play) -> None:
    """Connections stay, and nothing comes through for longer than a worker waits for a commit."""
    async with _behind_a_proxy(play) as (network, worker):
        network.flows.clear()
        worker.signal(signal.SIGCONT)
        await asyncio.sleep(SILENT_S if not play.is_short or play.rng.random() < 0.5 else 1.0)
        network.flows.set()


@asynccontextmanager
async def _behind_a_proxy(play: Play) -> AsyncIterator[tuple[Proxy, Worker]]:
    """A worker that stands in a transaction, and the network behind which it stands; both are as usual again at the end."""
    broker = play.stand.broker
    assert broker is not None
    await play.begin()
    async with proxy(broker.proxy_port, broker.proxied_port) as network:
        worker = await play.frozen(bootstrap=broker.proxied_bootstrap)
        publishing = play.publishing()
        yield network, worker
        network.chunk_bytes, network.delay_s = 64 * 1024, 0.0
        network.flows.set()
        await publishing
        await play.stop(worker)
