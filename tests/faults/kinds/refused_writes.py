"""The broker refuses what a worker writes, until somebody mends it."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams import topics
from streams.results import RATED, TOTALS
from streams.settings import Settings
from tests.faults import acls
from tests.faults.pipeline import STATE, admin
from tests.faults.play import Play

WRITTEN = (RATED, TOTALS, STATE)
LESS_THAN_A_STEP_BYTES = 300
"""More than the mark that ends a transaction needs, or the broker could not end it any more."""


async def record_too_large(play: Play) -> None:
    """Somebody has made a topic take less than the worker writes."""
    await play.begin()
    name = play.rng.choice(WRITTEN)
    worker = await play.frozen()
    await configure(play.pipeline.settings, name, {"max.message.bytes": str(LESS_THAN_A_STEP_BYTES)})
    worker.signal(signal.SIGCONT)
    await play.dies(worker)
    assert "MessageSizeTooLarge" in worker.said(), worker.said()
    await configure(play.pipeline.settings, name, {})
    await play.publish_rest()


async def authorisation_lost(play: Play) -> None:
    """Somebody has taken the right to write to a topic away."""
    await play.begin()
    settings = play.pipeline.settings
    name = settings.prefix + play.rng.choice(WRITTEN)
    worker = await play.frozen()
    await acls.forbid_writing(settings.bootstrap, name)
    worker.signal(signal.SIGCONT)
    await play.dies(worker)
    # Which of the requests in flight tells first is chance: the others say that their transaction is no more.
    assert "Authorization" in worker.said() or "InvalidTxnState" in worker.said(), worker.said()
    await acls.allow_again(settings.bootstrap, name)
    await play.publish_rest()


async def configure(settings: Settings, name: str, changed: Mapping[str, str]) -> None:
    """Sets a topic to what it should be, but for what is named here."""
    (topic,) = [topic for topic in topics.WORKER if topic.name == name]
    async with admin(settings) as client:
        configs = {**topic.config(settings.replication), **changed}
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.prefix + name, configs=configs)])
