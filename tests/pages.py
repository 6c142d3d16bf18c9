"""Pages of docs/ that show what commands print: the commands are run again, and what they print is compared or written anew."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

SHOWN = re.compile(r"^\$ (?P<command>(?:wameter|grep) .+)\n(?P<output>(?:(?!\$ |```).*\n)*)", re.MULTILINE)
"""A command in a console block, and what it prints under it."""


def text_of(page: Path) -> str:
    """What the page says."""
    return page.read_text(encoding="utf-8")


def printed(page: Path, folder: Path) -> str:
    """The page with what its commands print, run one after the other in a folder that has the examples."""
    (folder / "examples").symlink_to(ROOT / "examples")

    def run(match: re.Match[str]) -> str:
        name, *arguments = shlex.split(match["command"])
        program = [name] if name != "wameter" else [sys.executable, "-c", "from streams.cli.main import main; main()"]
        ran = subprocess.run(
            [*program, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        lines = [line.rstrip() for line in ran.stdout.strip("\n").splitlines() if not line.isspace()]
        return "\n".join([f"$ {match['command']}", *lines]) + "\n"

    return SHOWN.sub(run, text_of(page))


def bring_up_to_date(page: Path) -> None:
    """Writes what the commands print now into the page."""
    with tempfile.TemporaryDirectory() as scratch:
        text = printed(page, Path(scratch))
    page.write_text(text, encoding="utf-8")
