"""Account profiles come late, in a new version, or go and come back, while a worker stands in a transaction."""

from __future__ import annotations

import signal
from typing import Any

from streams.traffic.cast import PROFILES
from tests.faults.play import Play
from tests.faults.traffic import Profile, as_bytes

BUSY = str(PROFILES[0]["account_id"])
"""An account with almost half of the traffic."""
NEXT_VERSION: dict[str, Any] = {**PROFILES[0], "fee": {"percent": "7.25", "decimals": 5}, "effective_from": "2026-11-05"}
"""Of that account, from a day that the traffic comes to in its last share."""


async def late(play: Play) -> None:
    """What was delivered before its account was known is rated when it is."""
    everything = [Profile(str(profile["account_id"]), as_bytes(profile)) for profile in PROFILES]
    await play.begin(profiles=[profile for profile in everything if profile.account_id != BUSY])
    worker = await play.frozen()
    await play.pipeline.publish_profiles([profile for profile in everything if profile.account_id == BUSY])
    await _goes_on_or_dies(play, worker)
    await play.publish_rest()


async def new_version(play: Play) -> None:
    """A version with another fee comes before the day from which it is in force."""
    await play.begin()
    worker = await play.frozen()
    version = Profile(BUSY, as_bytes(NEXT_VERSION))
    play.pipeline.traffic.profiles.append(version)
    await play.pipeline.publish_profiles([version])
    await worker.kill()  # the next one reads all profiles before it goes on
    await play.publish_rest()


async def deleted(play: Play) -> None:
    """A tombstone: what is delivered after it waits, until the profile is back."""
    await play.begin()
    worker = await play.frozen()
    gone = Profile(BUSY, None)
    await play.pipeline.publish_profiles([gone])
    await _goes_on_or_dies(play, worker)
    await play.publish_rest()
    await play.pipeline.drain()
    await play.pipeline.publish_profiles([profile for profile in play.pipeline.traffic.profiles if profile.account_id == BUSY])


async def _goes_on_or_dies(play: Play, worker: Any) -> None:
    """It gets to know the profile while it works, or its successor does before it begins."""
    if play.rng.random() < 0.5:
        await worker.kill()
        return
    worker.signal(signal.SIGCONT)
    await worker.opened(2)
    await play.stop(worker)
