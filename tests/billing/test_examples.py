"""The documents' figures, as a customer would see them: each folder of examples/billing is a story and the invoices it ends in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Wameter, wameter

__all__ = ["wameter"]

STORIES = sorted((Path(__file__).parents[2] / "examples" / "billing").iterdir())


@pytest.mark.parametrize("story", [pytest.param(story, id=story.name) for story in STORIES if story.is_dir()])
def test_the_invoices_are_letter_by_letter_those_of_the_story(story: Path, wameter: Wameter) -> None:
    totals = story / "totals.jsonl"
    ran = wameter("bill", story / "commands.jsonl", *(("--totals", totals) if totals.exists() else ()))
    assert ran.code == 0
    assert ran.out == (story / "expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("story", "printed"),
    [
        ("s000-provisioned-add-on", "WhatsApp in Aircall  1 × 15.00 × 0.97 (29/30)  2025-06-11 … 2025-07-09  14.50"),
        ("s000-provisioned-add-on", "WhatsApp in Aircall  1 × 15.00 × 1  2025-07-10 … 2025-08-09   15.00"),
        ("s002-annual", "Additional numbers  2 × 6.00 × 11.74 (364/31)   2024-08-08 … 2025-07-30   140.90"),
        ("s002-annual", "Additional users  1 × 50.00 × 10.43 (313/30)  2024-09-17 … 2025-07-30  521.67"),
        ("s004-thirty-days", "Extra member  1 × 10.00 × 0.50 (1/2)  2025-05-15 … 2025-05-30  5.00"),
        ("s004-thirty-days", "Extra member  1 × 10.00 × 1  2025-05-31 … 2025-06-29  10.00"),
        ("shared-whatsapp-account", "FR · utility     80 messages    2025-06-25 … 2025-07-24   2.40"),
        ("shared-whatsapp-account", "FR · utility     5 messages     2025-06-10 … 2025-07-09    0.15"),
    ],
)
def test_the_figures_are_those_of_the_documents(story: str, printed: str) -> None:
    (folder,) = [each for each in STORIES if each.name == story]
    assert printed in (folder / "expected.txt").read_text(encoding="utf-8")


def test_every_document_has_a_story() -> None:
    assert [story.name for story in STORIES if story.is_dir()] == [
        "s000-annual",
        "s000-provisioned-add-on",
        "s001-self-service",
        "s002-annual",
        "s002-monthly",
        "s003-licences",
        "s004-thirty-days",
        "shared-whatsapp-account",
    ]
