"""Brokers for tests: one embedded, one Apache Kafka, each started once per run and only if a test asks for it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import hypothesis
import pytest

from streams.brokers import embedded
from streams.brokers.embedded import EmbeddedBroker
from tests.brokers import apache_kafka
from tests.brokers.apache_kafka import ApacheKafka, KafkaCluster

_LEFT_OUT = "Apache Kafka cannot be started: "

_LONG = ("faults", "rebuild", "laws", "engine", "brokers", "cli", "billing", "simulation")
"""Folders whose tests take long; where processes share the work, what comes last should be short."""


def pytest_configure(config: pytest.Config) -> None:
    """Clients of the embedded broker in this process must not spin either, and no law is broken because a machine was busy."""
    embedded.be_gentle()
    hypothesis.settings.register_profile("wameter", deadline=None)
    hypothesis.settings.load_profile("wameter")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long ones first, if this process shares the work with others."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _LONG.index(folder) if (folder := item.path.parent.name) in _LONG else len(_LONG))


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command that a test runs in this process sends the log to the stream of that test: the next one's would find it closed."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[str]:
    """Where an embedded broker listens."""
    with EmbeddedBroker() as broker:
        yield broker.bootstrap


Started = TypeVar("Started", ApacheKafka, KafkaCluster)


def started_kafka(properties: Mapping[str, str] | None = None) -> Iterator[ApacheKafka]:
    """An Apache Kafka with these properties beside the usual ones."""
    yield from started(lambda: ApacheKafka(properties))


def started(make: Callable[[], Started]) -> Iterator[Started]:
    """An Apache Kafka, or a cluster. Without Java and Maven its tests are left out, said in one line; under CI they fail."""
    missing = apache_kafka.what_is_missing()
    if missing:
        if os.environ.get("CI") == "true":
            pytest.fail(_LEFT_OUT + missing)
        pytest.skip(_LEFT_OUT + missing)
    broker = make()
    try:
        yield broker.start()
    finally:
        broker.remove()


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Where an Apache Kafka listens."""
    for broker in started_kafka():
        yield broker.bootstrap


@pytest.fixture
def own_kafka() -> Iterator[ApacheKafka]:
    """An Apache Kafka that the test may stop and kill."""
    yield from started_kafka()


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> str:
    """Where a broker listens: every test that takes it runs on both."""
    bootstrap: str = request.getfixturevalue("embedded_broker" if request.param == "embedded" else "kafka")
    return bootstrap


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says once what was left out, and why."""
    reasons = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    left_out = [reason for reason in reasons if _LEFT_OUT in reason]
    if left_out:
        missing = left_out[0].partition(_LEFT_OUT)[2]
        terminalreporter.write_line(f"left out: {len(left_out)} tests on Apache Kafka, because there is {missing}", yellow=True)
