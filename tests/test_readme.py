"""What the README shows is what the product prints. `python -m tests.test_readme` brings it up to date."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"

SHOWN = re.compile(r"^\$ (?P<command>\.venv/bin/wameter .+)\n(?P<output>(?:(?!\$ |```).*\n)*)", re.MULTILINE)
"""A command of ours in a console block, and the output printed under it."""


def shown() -> list[tuple[str, str]]:
    return SHOWN.findall(README.read_text(encoding="utf-8"))


def printed(command: str) -> str:
    _, *arguments = shlex.split(command)
    run = [sys.executable, "-c", "from streams.cli.main import main; main()", *arguments]
    output = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return "\n".join(line.rstrip() for line in output.strip("\n").splitlines() if not line.isspace()) + "\n"


@pytest.mark.parametrize(("command", "output"), shown())
def test_a_command_of_the_readme_prints_what_the_readme_says(command: str, output: str) -> None:
    assert printed(command) == output


def test_the_readme_shows_a_rated_conversation_under_both_rulebooks() -> None:
    assert [re.findall(r"0\.1[14]59", output)[-1] for _, output in shown()] == ["0.1159", "0.1459"]


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(SHOWN.sub(lambda match: f"$ {match['command']}\n{printed(match['command'])}", text), encoding="utf-8")
