"""Reading a golden stream's folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Row = dict[str, str]


@dataclass(frozen=True)
class Golden:
    """What is in a folder. Tables are rows of column name to text, as they are printed."""

    name: str
    events: tuple[bytes, ...]
    accounts: tuple[dict[str, Any], ...]
    expected: dict[str, list[Row]]
    """By section: `lines`, `totals`, `unrated`, `sum`, `history`."""


def goldens() -> list[Golden]:
    """All of them, by name."""
    return [_read(folder) for folder in sorted(HERE.iterdir()) if (folder / "events.jsonl").exists()]


def shipped_catalog() -> dict[str, str]:
    """The texts of the catalog that comes with the product, by relative name."""
    data = HERE.parents[1] / "rating" / "catalog" / "data"
    return {str(path.relative_to(data)): path.read_text(encoding="utf-8") for path in sorted(data.rglob("*.csv"))}


def _read(folder: Path) -> Golden:
    return Golden(
        name=folder.name,
        events=tuple((folder / "events.jsonl").read_bytes().splitlines()),
        accounts=tuple(json.loads((folder / "accounts.json").read_text(encoding="utf-8"))),
        expected=_tables((folder / "expected.txt").read_text(encoding="utf-8")),
    )


def _tables(text: str) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = {}
    for block in text.strip().split("\n\n"):
        title, header, *rows = block.splitlines()
        columns = header.split()
        tables[title.strip("[]")] = [dict(zip(columns, row.split(), strict=True)) for row in rows]
    return tables
