"""A pipeline of the product that has rated a first share of its traffic."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.play import Moment, Play, Stand


@pytest.fixture
async def play(kafka: str, tmp_path: Path) -> AsyncIterator[Play]:
    """On Apache Kafka; the rest of the traffic is not yet published."""
    play = Play(Stand(kafka), tmp_path, Random(7), Moment("before_commit", 3), 600)
    await play.begin(share=0.5)
    await play.pipeline.drain()
    yield play
    await play.pipeline.close()
