"""How many runs, from which seed, and what they came to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.worker import Seam

SIMULATIONS = 2000
SEED = 1


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options; they are known when `tests/simulation` is named on the command line."""
    parser.addoption("--simulations", type=int, default=SIMULATIONS, help="how many runs of the engine are simulated")
    parser.addoption("--simulation-seed", type=int, default=SEED, help="the first run's seed; the others follow it")


@pytest.fixture
def simulations(request: pytest.FixtureRequest) -> int:
    """How many."""
    return int(request.config.getoption("--simulations", default=SIMULATIONS))


@pytest.fixture
def simulation_seed(request: pytest.FixtureRequest) -> int:
    """The first one's seed."""
    return int(request.config.getoption("--simulation-seed", default=SEED))


@pytest.fixture
def seam() -> Iterator[Seam]:
    """The engine's modules on the model, for one test."""
    with Seam().installed() as installed:
        yield installed
