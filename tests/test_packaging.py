"""What a user installs is whole, and the arrows between the packages are guarded by a contract that can fail."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("schemas", "rating", "streams")


def copy_of_the_project(folder: Path) -> Path:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def test_the_wheel_holds_the_three_packages_their_types_and_the_catalog(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=project, check=True, capture_output=True)
    (wheel,) = (project / "dist").glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "rating/catalog/data").rglob("*.csv")}
    assert data
    assert data | {f"{name}/py.typed" for name in PACKAGES} <= packed
    assert {name.split("/")[0] for name in packed if ".dist-info/" not in name} == set(PACKAGES)


@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        ("schemas", "import rating.money"),
        ("rating", "import streams.settings"),
        ("rating", "import faust"),
        ("rating", "from time import time"),
        ("schemas", "import logging"),
        ("streams/engine", "import rating.money"),
        ("streams/takeover", "import schemas.fields"),
    ],
)
def test_an_import_against_the_arrows_breaks_the_contract(module: str, wrong: str, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    (project / module / "planted.py").write_text(f'"""Planted."""\n\n{wrong}\n', encoding="utf-8")
    check = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    found = subprocess.run([sys.executable, "-c", check], cwd=project, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert f"{module.replace('/', '.')}.planted" in found.stdout


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_names_every_package_by_version_and_hash_and_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry.splitlines()[0] for entry in entries if not re.match(r"[a-z0-9._-]+==\S+.*\\\n    --hash=sha256:", entry)] == []
    assert "://" not in text


def test_both_locks_agree_so_that_one_environment_serves_both_scripts() -> None:
    runtime, development = (pinned(lock) for lock in ("requirements.lock", "requirements-dev.lock"))
    assert runtime.items() <= development.items()


def test_what_the_project_asks_for_is_in_the_locks() -> None:
    groups = PROJECT["dependency-groups"]
    assert names(PROJECT["project"]["dependencies"]) | names(groups["build"]) <= set(pinned("requirements.lock"))
    assert names(item for item in groups["dev"] if isinstance(item, str)) <= set(pinned("requirements-dev.lock"))
    assert PROJECT["build-system"]["requires"] == groups["build"]


def pinned(lock: str) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
    return dict(found)


def names(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", item)[0].lower().replace("_", "-") for item in requirements}
