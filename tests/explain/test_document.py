"""What docs/explain.md shows is what the commands print. `python -m tests.explain.test_document` brings it up to date."""

from __future__ import annotations

import pytest

from tests.test_readme import ROOT, SHOWN, printed

PAGE = ROOT / "docs" / "explain.md"


def shown() -> list[tuple[str, str]]:
    return SHOWN.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("command", "output"), shown())
def test_a_command_of_the_page_prints_what_the_page_says(command: str, output: str) -> None:
    assert printed(command) == output


def test_the_page_shows_an_explanation_and_two_quotes() -> None:
    assert [command.split()[1] for command, _ in shown()] == ["explain", "quote", "quote"]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(SHOWN.sub(lambda match: f"$ {match['command']}\n{printed(match['command'])}", text), encoding="utf-8")
