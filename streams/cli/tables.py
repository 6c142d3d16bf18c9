"""Tables for people: what was rated, by country and category, with totals per currency."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import click
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table

from streams.results import Results, Sum

_PIPE_COLUMNS: Final = 140
_NANOS: Final = 1_000_000_000
_NO_COUNTRY: Final = "—"


def show(*renderables: RenderableType) -> None:
    """Prints to standard output; in a pipe without colours, and as wide as tables need to be."""
    console = Console() if sys.stdout.isatty() else Console(width=_PIPE_COLUMNS, no_color=True, highlight=False)
    with console.capture() as captured:
        for renderable in renderables:
            console.print(renderable)
    lines = [line.rstrip() for line in captured.get().rstrip().splitlines()]
    click.echo("\n".join(line for before, line in pairwise(["", *lines]) if line or before), color=True)


def show_results(results: Results) -> None:
    """The whole of an offline run: totals, then what could not be rated, then what was rejected; parts that are empty are left out."""
    totals = results.totals()
    parts: list[RenderableType] = [by_country_and_category(totals) if totals else _nothing_due(results)]
    if results.unrated_count:
        parts.append(reasons("Unrated", "Deliveries", Counter(record["reason"] for record in results.unrated())))
    if results.rejected_count:
        parts.append(reasons("Rejected", "Records", results.rejected))
    show(*parts)


def _nothing_due(results: Results) -> str:
    unrated = results.unrated_count
    if unrated:
        return (
            f"No delivery could be priced: {unrated:,} {'is' if unrated == 1 else 'are'} unrated, for the reasons below. "
            "`wameter rate --unrated FILE` names each one, docs/reference/reasons.md says what mends it."
        )
    among = " in the records that could be read" if results.rejected_count else ""
    return f"Nothing was delivered{among}, so nothing is due."


def by_country_and_category(totals: Iterable[Mapping[str, Any]], by: Sequence[str] = ()) -> Table:
    """Totals by country, market and category: a section per currency, with its sum.

    `by` names further fields of a total to break them down by first: `date`.
    """
    names = (*by, "country", "market", "category")
    rows: defaultdict[str, defaultdict[tuple[str, ...], Sum]] = defaultdict(lambda: defaultdict(Sum))
    for total in totals:
        rows[total["currency"]][tuple(total[name] or _NO_COUNTRY for name in names)].add(total)
    table = plain_table()
    for name in names:
        table.add_column(name.capitalize(), no_wrap=name != "market")
    for name in ("Charged", "Free", "Cost", "Amount"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for currency, found in sorted(rows.items()):
        whole = Sum()
        previous: tuple[str, ...] = ()
        decimals = max(_decimals(figure) for row in found.values() for figure in (row.cost, row.amount))
        for key, row in sorted(found.items()):
            table.add_row(*_without_repeats(key, previous), *_figures(row, decimals), currency)
            previous = key
            whole = Sum(whole.charged + row.charged, whole.free + row.free, whole.cost + row.cost, whole.amount + row.amount)
        table.add_section()
        table.add_row("Total", *[""] * (len(names) - 1), *_figures(whole, decimals), currency, style="bold")
        table.add_section()
    return table


def per_currency(totals: Iterable[Mapping[str, Any]]) -> Table:
    """Totals by category and currency: short enough to watch."""
    rows: defaultdict[tuple[str, str], Sum] = defaultdict(Sum)
    for total in totals:
        rows[total["currency"], total["category"]].add(total)
    table = plain_table()
    table.add_column("Category", no_wrap=True, min_width=28)
    for name in ("Charged", "Free", "Cost", "Amount"):
        table.add_column(name, justify="right", no_wrap=True, min_width=12)
    table.add_column("", no_wrap=True)
    previous = None
    for (currency, category), row in sorted(rows.items()):
        if previous not in (None, currency):
            table.add_section()
        table.add_row(category, *_figures(row, 4), currency)
        previous = currency
    return table


def reasons(title: str, unit: str, counts: Mapping[str, int]) -> Table:
    """How often each reason came up, the most frequent first."""
    table = plain_table()
    table.add_column(title)
    table.add_column(unit, justify="right")
    for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(reason, f"{count:,}")
    return table


def plain_table() -> Table:
    """An empty table in the one style of all commands."""
    return Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)


def money(amount: int, decimals: int = 4) -> str:
    """Nanos for a reader: thousands grouped, exact, with at least so many decimals; zero as a dash."""
    if amount == 0:
        return "–"
    units, rest = divmod(abs(amount), _NANOS)
    shown = max(decimals, _decimals(amount))
    return f"{'-' if amount < 0 else ''}{units:,}.{f'{rest:09d}'[:shown]}"


def _decimals(amount: int) -> int:
    """How many decimals an amount needs, at least four."""
    return max(4, len(f"{abs(amount) % _NANOS:09d}".rstrip("0")))


def _figures(row: Sum, decimals: int) -> tuple[str, str, str, str]:
    return _count(row.charged), _count(row.free), money(row.cost, decimals), money(row.amount, decimals)


def _count(number: int) -> str:
    return f"{number:,}" if number else "–"


def _without_repeats(key: tuple[str, ...], previous: tuple[str, ...]) -> tuple[str, ...]:
    """A row's names, without those that the row above says already; the category is always said."""
    same = 0
    while same < len(key) - 1 and key[: same + 1] == previous[: same + 1]:
        same += 1
    return ("",) * same + key[same:]
