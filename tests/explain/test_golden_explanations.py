"""The golden explanations: what a support agent reads to a customer, letter by letter.

Each folder's `expected.txt` holds commands as they are typed in it, and below each what it prints. `UPDATE_GOLDEN=1` writes them anew; then
read what changed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from streams.cli.main import run

HERE = Path(__file__).parent / "golden"
FOLDERS = sorted(path for path in HERE.iterdir() if path.is_dir())
COMMAND = re.compile(r"^\$ wameter (.*)\n", re.MULTILINE)


@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder.name) for folder in FOLDERS])
def test_an_explanation_is_the_printed_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = (folder / "expected.txt").read_text(encoding="utf-8")
    commands = COMMAND.findall(expected)
    where = _copied(folder, tmp_path)
    monkeypatch.chdir(where)
    capfd.readouterr()
    said = []
    for command in commands:
        run(shlex.split(command))
        out, err = capfd.readouterr()
        assert err == ""
        said.append(f"$ wameter {command}\n{out}")
    printed = "\n".join(said)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        (folder / "expected.txt").write_text(printed, encoding="utf-8")
    assert printed == expected
    assert not re.findall(r"\+\d{4,}", "".join(COMMAND.sub("", printed))), "somebody's number"


def test_the_golden_explanations_are_all_here() -> None:
    assert len(FOLDERS) == 15
    assert all((folder / "README.md").read_text(encoding="utf-8").startswith("# ") for folder in FOLDERS)


def _copied(folder: Path, to: Path) -> Path:
    """The goldens as they lie in the repository, with the month that is too long to be kept there."""
    shutil.copytree(HERE.parents[1] / "golden", to / "golden", ignore=shutil.ignore_patterns("*.py"))
    shutil.copytree(HERE, to / "explain" / "golden")
    where = to / "explain" / "golden" / folder.name
    (where / "thousand.jsonl").write_text("".join(f"{json.dumps(_service(number))}\n" for number in range(1, 1001)), encoding="utf-8")
    return where


def _service(number: int) -> dict[str, str]:
    """Number n of 1,000 service messages to one customer, a second apart from noon of 1 October 2026 on."""
    minute, second = divmod(number - 1, 60)
    return {
        "type": "message.delivered",
        "id": f"thousand-{number}",
        "account_id": "boulangerie",
        "phone_number_id": "paris-shop",
        "user": "+33698765432",
        "message_id": f"wamid.number-{number}",
        "time": f"2026-10-01T12:{minute:02d}:{second:02d}.000Z",
        "category": "service",
    }
