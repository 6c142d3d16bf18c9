"""What docs/volume-tiers.md shows is what the commands print. `python -m tests.tiers.test_documented` brings it up to date."""

from __future__ import annotations

from pathlib import Path

from tests import pages

PAGE = pages.ROOT / "docs" / "volume-tiers.md"


def test_the_page_on_volume_tiers_shows_what_the_commands_print(tmp_path: Path) -> None:
    assert pages.printed(PAGE, tmp_path) == pages.text_of(PAGE)


if __name__ == "__main__":
    pages.bring_up_to_date(PAGE)
