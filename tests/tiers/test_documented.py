"""What docs/volume-tiers.md shows is what the commands print. `python -m tests.tiers.test_documented` brings it up to date."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "volume-tiers.md"

SHOWN = re.compile(r"^\$ (?P<command>.+)\n(?P<output>(?:(?!\$ |```).*\n)*)", re.MULTILINE)
"""A command in a console block, and what it prints under it."""


def printed(folder: Path) -> str:
    """The page with what its commands print, run one after the other in a folder that has the examples."""
    (folder / "examples").symlink_to(ROOT / "examples")

    def run(match: re.Match[str]) -> str:
        name, *arguments = shlex.split(match["command"])
        program = ["grep", *arguments]
        if name == "wameter":
            program = [sys.executable, "-c", "from streams.cli.main import main; main()", *arguments]
        ran = subprocess.run(
            program, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
        )
        lines = [line.rstrip() for line in ran.stdout.strip("\n").splitlines()]
        return "\n".join([f"$ {match['command']}", *lines]) + "\n"

    return SHOWN.sub(run, PAGE.read_text(encoding="utf-8"))


def test_the_page_on_volume_tiers_shows_what_the_commands_print(tmp_path: Path) -> None:
    assert printed(tmp_path) == PAGE.read_text(encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        text = printed(Path(scratch))
    PAGE.write_text(text, encoding="utf-8")
