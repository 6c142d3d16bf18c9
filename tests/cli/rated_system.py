"""Sample traffic on a broker, rated to its end by a real worker: what the commands that look at a running system look at."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from streams import topics
from streams.demo import Workers, publish_profiles, publish_traffic
from streams.settings import Settings


def publish(settings: Settings, seed: int, events: int) -> None:
    """Makes the topics and fills those of the input."""
    asyncio.run(_publish(settings, seed, events))


def rate(settings: Settings, logs: Path) -> None:
    """Runs one worker to the end of the input; its log lies in `logs`."""
    workers = Workers(settings, 1, logs, clean=True)
    workers.start(drain=True)
    try:
        while not workers.all_done():
            time.sleep(0.05)  # the end of a process, which tells nobody
    finally:
        workers.stop()


async def _publish(settings: Settings, seed: int, events: int) -> None:
    await topics.create(settings)
    await publish_profiles(settings, seed)
    await publish_traffic(settings, seed, events, per_second=None, told=lambda _: None)
