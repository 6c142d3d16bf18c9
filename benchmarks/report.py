"""What a run found, as a table for people and as JSON for everything else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.ruler import Measured

REFERENCE = "meter"
_DISTURBING_CORES = 0.3
"""The ruler itself takes up to a tenth."""


@dataclass
class Row:
    """All rounds of one contender."""

    name: str
    title: str
    guarantee: str
    rounds: list[Measured] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def events_per_s(self) -> float:
        """The median."""
        return median(measured.events_per_s for measured in self.rounds)

    @property
    def client_us(self) -> float:
        """The median."""
        return median(measured.client_us for measured in self.rounds)

    @property
    def broker_us(self) -> float:
        """The median."""
        return median(measured.broker_us for measured in self.rounds)


def show(rows: Sequence[Row]) -> None:
    """Prints the table: fastest first."""
    table = Table(box=None, pad_edge=False)
    for name in ("Contender", "Guarantee"):
        table.add_column(name)
    for name in ("Events", "Events/s", "least – most", "CPU µs/event", "broker µs", "others, cores", "METER / it"):
        table.add_column(name, justify="right")
    done = [row for row in rows if row.rounds]
    reference = next((row.events_per_s for row in done if row.name == REFERENCE), None)
    for row in sorted(done, key=lambda row: -row.events_per_s):
        speeds = [measured.events_per_s for measured in row.rounds]
        table.add_row(
            row.title,
            row.guarantee,
            f"{row.rounds[0].events:,}",
            f"{row.events_per_s:,.0f}",
            f"{min(speeds):,.0f} – {max(speeds):,.0f}",
            f"{row.client_us:.1f}",
            f"{row.broker_us:.1f}" if row.broker_us else "–",
            f"{max(measured.others_cores for measured in row.rounds):.1f}",
            f"{reference / row.events_per_s:.2f}" if reference else "–",
        )
    Console(width=160, highlight=False).print(table)
    if any(measured.others_cores > _DISTURBING_CORES for row in done for measured in row.rounds):
        print("Other processes kept the machine busy: compare CPU per event, not events per second.")


def write(path: Path, rows: Sequence[Row], machine: dict[str, str], settings: dict[str, object]) -> None:
    """Writes everything that was measured."""
    found = {
        "machine": machine,
        "settings": settings,
        "contenders": [
            {
                **asdict(row),
                "median": {"events_per_s": row.events_per_s, "client_us": row.client_us, "broker_us": row.broker_us}
                if row.rounds
                else None,
            }
            for row in rows
        ],
    }
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
