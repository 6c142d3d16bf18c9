"""What docs/compliance.md shows is what the commands print. `python -m tests.compliance.test_documented` brings it up to date."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests import pages

PAGE = pages.ROOT / "docs" / "compliance.md"

TOLD = re.compile(r"^\| `(?P<message>wamid\.\d)` .*\| (?:in order|`(?P<kind>\w+)`)[^|]*\|$", re.MULTILINE)
"""A row of the table of messages."""


def test_the_page_on_who_may_send_shows_what_the_commands_print(tmp_path: Path) -> None:
    assert pages.printed(PAGE, tmp_path) == pages.text_of(PAGE)


def test_its_table_says_of_each_message_what_the_records_say() -> None:
    _, (_, output) = pages.SHOWN.findall(pages.text_of(PAGE))
    said = {record["message_id"]: record["kind"] for record in map(json.loads, output.splitlines())}
    table = {match["message"]: match["kind"] for match in TOLD.finditer(pages.text_of(PAGE))}
    assert {message: kind for message, kind in table.items() if kind} == said
    assert len(table) == 7


if __name__ == "__main__":
    pages.bring_up_to_date(PAGE)
