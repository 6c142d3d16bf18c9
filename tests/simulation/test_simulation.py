"""Whatever a seed makes go wrong, every record has its effect once; and what is planted into the engine is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.guards import faults
from tests.simulation.hunt import hunt, told
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.worker import Seam

ROOT = Path(__file__).parents[2]
RUNS_FOR_A_MISTAKE = 400
"""Each planted mistake must be found within so many runs."""
METER_SHARE = 20
"""Of so many runs one more is made with METER itself, which takes five times as long."""
ENOUGH = 2000
"""Fewer runs than this can't be asked to have met everything."""
FEWEST = 10
KINDS_OF_TROUBLE = (
    "kill", "freeze", "rebalance", "compact", "fail", "stop", "start",
    "a transaction times out", "a fence aborts a transaction", "a fenced producer is turned away", "exit code 70", "exit code 71",
    "opening",
)  # fmt: skip


@pytest.mark.timeout(3600)
def test_every_record_has_its_effect_once_whatever_goes_wrong(
    seam: Seam, simulations: int, simulation_seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = hunt(seam, simulations, simulation_seed)
    if found.failed is not None:
        pytest.fail(told(seam, found), pytrace=False)
    with capsys.disabled():
        print(f"\n{found.summary()}")  # noqa: T201 - the line is what the run is asked for
    if simulations >= ENOUGH:
        met = found.reached + found.happened
        assert {what: met[what] for what in (*faults.POINTS, *KINDS_OF_TROUBLE) if met[what] < FEWEST} == {}


@pytest.mark.timeout(3600)
def test_meter_ends_as_the_oracle_says_whatever_goes_wrong(
    seam: Seam, simulations: int, simulation_seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = hunt(seam, max(1, simulations // METER_SHARE), simulation_seed, "meter")
    if found.failed is not None:
        pytest.fail(told(seam, found), pytrace=False)
    with capsys.disabled():
        print(f"\nMETER: {found.summary()}")  # noqa: T201 - likewise


@pytest.mark.parametrize("mutation", [pytest.param(mutation, id=mutation.mistake) for mutation in MUTATIONS])
def test_a_mistake_planted_into_the_engine_is_found(seam: Seam, mutation: Mutation) -> None:
    with mutation.plant(seam):
        found = hunt(seam, RUNS_FOR_A_MISTAKE, first_seed=1)
    assert found.failed is not None


def test_a_failing_run_is_told_with_its_seed_and_as_little_as_it_takes(seam: Seam) -> None:
    mutation = next(mutation for mutation in MUTATIONS if mutation.mistake == "no fence")
    with mutation.plant(seam):
        found = hunt(seam, RUNS_FOR_A_MISTAKE, first_seed=1)
        report = told(seam, found)
    assert found.failed is not None
    assert f"--simulation-seed {found.failed.seed} --simulations 1" in report
    assert report.count("Fault(") <= 2


def test_a_seed_is_one_run_in_every_process() -> None:
    traces = {_trace(hash_seed) for hash_seed in ("1", "2")}
    assert len(traces) == 1
    assert "commit of producer" in traces.pop()


def _trace(hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.simulation.hunt", "--simulations", "40", "--seed", "7", "--trace"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=True).stdout
