"""A fresh pipeline for each test: on both brokers where the broker matters, else on the embedded one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.harness import Pipeline


@pytest.fixture
async def pipeline(broker: str, tmp_path: Path) -> AsyncIterator[Pipeline]:
    """The toy stage, on each broker in turn."""
    fresh = Pipeline(broker, tmp_path)
    await fresh.create_topics()
    yield fresh
    await fresh.close()


@pytest.fixture
async def embedded_pipeline(embedded_broker: str, tmp_path: Path) -> AsyncIterator[Pipeline]:
    """The toy stage, on the embedded broker."""
    fresh = Pipeline(embedded_broker, tmp_path)
    await fresh.create_topics()
    yield fresh
    await fresh.close()


@pytest.fixture
async def kafka_pipeline(kafka: str, tmp_path: Path) -> AsyncIterator[Pipeline]:
    """The toy stage, on Apache Kafka: for what the embedded broker does otherwise."""
    fresh = Pipeline(kafka, tmp_path)
    await fresh.create_topics()
    yield fresh
    await fresh.close()
