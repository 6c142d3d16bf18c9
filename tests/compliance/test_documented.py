"""What docs/compliance.md shows is what the commands print. `python -m tests.compliance.test_documented` brings it up to date."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compliance.md"

SHOWN = re.compile(r"^\$ (?P<command>wameter .+)\n(?P<output>(?:(?!\$ |```).*\n)*)", re.MULTILINE)
"""A command in a console block, and what it prints under it."""
TOLD = re.compile(r"^\| `(?P<message>wamid\.\d)` .*\| (?:in order|`(?P<kind>\w+)`)[^|]*\|$", re.MULTILINE)
"""A row of the table of messages."""


def printed(folder: Path) -> str:
    """The page with what its commands print, run one after the other in a folder that has the examples."""
    (folder / "examples").symlink_to(ROOT / "examples")

    def run(match: re.Match[str]) -> str:
        _, *arguments = shlex.split(match["command"])
        program = [sys.executable, "-c", "from streams.cli.main import main; main()", *arguments]
        ran = subprocess.run(
            program, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
        )
        return f"$ {match['command']}\n{ran.stdout}"

    return SHOWN.sub(run, PAGE.read_text(encoding="utf-8"))


def test_the_page_on_who_may_send_shows_what_the_commands_print(tmp_path: Path) -> None:
    assert printed(tmp_path) == PAGE.read_text(encoding="utf-8")


def test_its_table_says_of_each_message_what_the_records_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    _, (_, output) = SHOWN.findall(page)
    said = {record["message_id"]: record["kind"] for record in map(json.loads, output.splitlines())}
    table = {match["message"]: match["kind"] for match in TOLD.finditer(page)}
    assert {message: kind for message, kind in table.items() if kind} == said
    assert len(table) == 7


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        text = printed(Path(scratch))
    PAGE.write_text(text, encoding="utf-8")
