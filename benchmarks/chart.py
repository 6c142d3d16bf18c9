"""A bar chart as SVG: events a second by contender, and beside it the CPU time that an event costs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.report import Row

_ROW_PX = 30
_LABEL_PX = 250
_SPEED_PX = 330
_CPU_PX = 220
_TOP_PX = 54
_OURS = "#128c7e"
_OTHERS = "#9aa5ab"
_BROKER = "#d5dadd"
_STYLE = "text{font:13px system-ui,sans-serif;fill:#222}.h{font-weight:600}.n{fill:#555}"


def write(path: Path, rows: Sequence[Row], caption: str) -> None:
    """Draws the rows that were measured, fastest first; ours are green."""
    done = sorted((row for row in rows if row.rounds), key=lambda row: -row.events_per_s)
    fastest = max((row.events_per_s for row in done), default=1)
    dearest = max((row.client_us + row.broker_us for row in done), default=1)
    width = _LABEL_PX + _SPEED_PX + _CPU_PX + 170
    height = _TOP_PX + _ROW_PX * len(done) + 34
    cpu_x = _LABEL_PX + _SPEED_PX + 90
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(_LABEL_PX, 28, "events per second", "h"),
        _text(cpu_x, 28, "CPU µs per event: contender, broker", "h"),
    ]
    for index, row in enumerate(done):
        y = _TOP_PX + _ROW_PX * index
        colour = _OURS if row.title.startswith("Wameter") else _OTHERS
        parts.append(_text(12, y + 14, row.title))
        speed = row.events_per_s / fastest * _SPEED_PX
        parts.append(_bar(_LABEL_PX, y, speed, colour))
        parts.append(_text(_LABEL_PX + speed + 6, y + 14, f"{row.events_per_s:,.0f}", "n"))
        client, broker = (cpu / dearest * _CPU_PX for cpu in (row.client_us, row.broker_us))
        parts.append(_bar(cpu_x, y, client, colour))
        parts.append(_bar(cpu_x + client, y, broker, _BROKER))
        parts.append(_text(cpu_x + client + broker + 6, y + 14, f"{row.client_us:.1f} + {row.broker_us:.1f}", "n"))
    parts += [_text(12, height - 12, caption, "n"), "</svg>"]
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _bar(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y}" width="{max(width, 1):.1f}" height="20" fill="{colour}"/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y}"{f" class={kind!r}" if kind else ""}>{escape(text)}</text>'
