"""The table of `wameter whatif`: a row where something differs, the rest in one line, a sum per account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.table import Table

from streams.cli.tables import money, plain_table, show
from streams.results import Results
from streams.whatif.difference import Figures, Key, Row


def show_difference(rows: Sequence[tuple[Key, Row]], before: Results, after: Results) -> None:
    """Prints what differs, and how many deliveries would be unrated on either side."""
    parts: list[RenderableType] = []
    if any(row.differs for _, row in rows):
        parts.append(_table(rows))
    else:
        parts.append("Nothing would be different." if rows else "Nothing was delivered, so nothing is due either way.")
    if before.unrated_count != after.unrated_count:
        parts.append(f"{before.unrated_count:,} deliveries are unrated as it is, {after.unrated_count:,} would be.")
    show(*parts)


def _table(rows: Sequence[tuple[Key, Row]]) -> Table:
    table = plain_table()
    for name in ("Account", "Country", "Category"):
        table.add_column(name, no_wrap=True)
    for name in ("Charged", "would be", "Amount", "would be", "Difference"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for (account_id, currency), group in groupby(rows, key=lambda item: item[0][:2]):
        found = list(group)
        name, same = account_id, []
        for key, row in found:
            if not row.differs:
                same.append(row)
                continue
            table.add_row(name, key.country or "—", key.category, *_figures(row), currency)
            name = ""
        if same:
            table.add_row(name, "", f"{len(same)} more that stay" if len(same) > 1 else "one more that stays", *_figures(_sum(same)))
        table.add_section()
        table.add_row("Total", "", "", *_figures(_sum(row for _, row in found)), currency, style="bold")
        table.add_section()
    return table


def _figures(row: Row) -> tuple[str, ...]:
    before, after = row.before, row.after
    change = after.amount - before.amount
    sign = "+" if change > 0 else ""
    return f"{before.charged:,}", f"{after.charged:,}", money(before.amount), money(after.amount), f"{sign}{money(change)}"


def _sum(rows: Iterable[Row]) -> Row:
    whole = Row()
    for row in rows:
        for side, figures in ((whole.before, row.before), (whole.after, row.after)):
            _add(side, figures)
    return whole


def _add(side: Figures, figures: Figures) -> None:
    side.charged += figures.charged
    side.free += figures.free
    side.cost += figures.cost
    side.amount += figures.amount
