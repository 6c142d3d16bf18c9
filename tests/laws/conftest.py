"""How many streams the laws are tried on, and from which seed."""

from __future__ import annotations

import pytest

STREAMS = 2000
SEED = 20_260_105


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options; they are known when `tests/laws` is named on the command line."""
    parser.addoption("--streams", type=int, default=STREAMS, help="how many generated streams the laws are tried on")
    parser.addoption("--seed", type=int, default=SEED, help="the first stream's seed; the others follow it")


@pytest.fixture
def streams(request: pytest.FixtureRequest) -> int:
    """How many."""
    return int(request.config.getoption("--streams", default=STREAMS))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The first one's seed."""
    return int(request.config.getoption("--seed", default=SEED))
