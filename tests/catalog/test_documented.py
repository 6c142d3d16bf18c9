"""What docs/price-lists.md shows is what the commands print. `python -m tests.catalog.test_documented` brings it up to date."""

from __future__ import annotations

from pathlib import Path

from tests import pages

PAGE = pages.ROOT / "docs" / "price-lists.md"


def test_the_page_on_price_lists_shows_what_the_commands_print(tmp_path: Path) -> None:
    assert pages.printed(PAGE, tmp_path) == pages.text_of(PAGE)


def test_every_command_about_price_lists_is_shown() -> None:
    commands = {" ".join(match["command"].split()[:3]) for match in pages.SHOWN.finditer(pages.text_of(PAGE))}
    assert commands == {"wameter cards import", "wameter cards diff", "wameter cards check"}


if __name__ == "__main__":
    pages.bring_up_to_date(PAGE)
