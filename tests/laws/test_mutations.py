"""The laws find mistakes: each one planted here is found within a few hundred streams."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.laws.mutations import MUTATIONS, UNCHANGED

ROOT = Path(__file__).parents[2]
Hunt = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def hunt() -> Hunt:
    """What became of every mutation, by its mistake."""
    done = subprocess.run([sys.executable, "-m", "tests.laws.hunt"], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return {each["mistake"]: each for each in map(json.loads, done.stdout.splitlines())}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mistake", [pytest.param(mutation.mistake, id=mutation.mistake) for mutation in MUTATIONS])
def test_a_planted_mistake_is_found(hunt: Hunt, mistake: str) -> None:
    assert hunt[mistake]["problem"] is None


@pytest.mark.timeout(900)
def test_the_code_as_it_is_breaks_no_law_on_the_same_streams(hunt: Hunt) -> None:
    assert hunt[UNCHANGED.mistake]["found_by"] is None


def test_there_are_at_least_25_mistakes_all_different() -> None:
    assert len({mutation.mistake for mutation in MUTATIONS}) == len(MUTATIONS) >= 25
