"""Tables for people: what was rated, by country and category, with totals per currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.results import Results, nanos

_PIPE_COLUMNS: Final = 120
_NANOS: Final = 1_000_000_000


@dataclass(slots=True)
class _Sum:
    charged: int = 0
    free: int = 0
    cost: int = 0
    amount: int = 0

    def add(self, total: Mapping[str, Any]) -> None:
        if total["outcome"] == "charged":
            self.charged += total["messages"]
        else:
            self.free += total["messages"]
        self.cost += nanos(total["cost"])
        self.amount += nanos(total["amount"])


def console() -> Console:
    """Standard output; in a pipe without colours and as wide as a table needs."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=_PIPE_COLUMNS, no_color=True, highlight=False)


def show_results(results: Results) -> None:
    """The whole of an offline run: totals, then what could not be rated, then what was rejected; parts that are empty are left out."""
    out = console()
    totals = results.totals()
    if totals:
        out.print(by_country_and_category(totals))
    else:
        out.print("Nothing was delivered, so nothing is due.")
    if results.unrated_count:
        out.print(_reasons("Unrated", "deliveries", _count(record["reason"] for record in results.unrated())))
    if results.rejected_count:
        out.print(_reasons("Rejected", "records", results.rejected))


def by_country_and_category(totals: Sequence[Mapping[str, Any]], title: str | None = None, by: Sequence[str] = ()) -> Table:
    """A table of totals by country, market and category, and one row per currency under it.

    `by` names further fields of a total to break them down by: `date`.
    """
    sums: defaultdict[tuple[str, ...], _Sum] = defaultdict(_Sum)
    per_currency: defaultdict[str, _Sum] = defaultdict(_Sum)
    fields = (*by, "country", "market", "category", "currency")
    for total in totals:
        sums[tuple(total[field] or "—" for field in fields)].add(total)
        per_currency[total["currency"]].add(total)
    table = _table(title)
    for field in by:
        table.add_column(field.capitalize(), no_wrap=True)
    table.add_column("Country", no_wrap=True)
    table.add_column("Market")
    table.add_column("Category")
    for name in ("Charged", "Free", "Meta's cost", "Amount"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    rows = sorted(sums.items())
    for index, (key, found) in enumerate(rows):
        *names, currency = key
        previous = rows[index - 1][0] if index else None
        table.add_row(*_without_repeats(names, previous), *_figures(found), currency)
    table.add_section()
    for currency, found in sorted(per_currency.items()):
        table.add_row(Text("Total", style="bold"), *[""] * (len(by) + 2), *(Text(text, style="bold") for text in _figures(found)), currency)
    return table


def _table(title: str | None) -> Table:
    from rich import box

    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)


def _figures(found: _Sum) -> tuple[str, str, str, str]:
    return f"{found.charged:,}", f"{found.free:,}", money(found.cost), money(found.amount)


def _without_repeats(names: Sequence[str], previous: Sequence[str] | None) -> list[str]:
    """Leaves out what the row above says already, but for the category."""
    if previous is None or list(previous[: len(names) - 1]) != list(names[:-1]):
        return list(names)
    return ["" for _ in names[:-1]] + [names[-1]]


def money(amount: int) -> str:
    """Nanos for a reader: thousands grouped, and every decimal that is not zero, at least four."""
    units, rest = divmod(abs(amount), _NANOS)
    decimals = f"{rest:09d}".rstrip("0").ljust(4, "0")
    return f"{'-' if amount < 0 else ''}{units:,}.{decimals}"


def _reasons(title: str, unit: str, counts: Mapping[str, int]) -> Table:
    table = _table(None)
    table.add_column(title)
    table.add_column(unit, justify="right")
    for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(reason, f"{count:,}")
    return table


def _count(reasons: Iterable[str]) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for reason in reasons:
        counts[reason] += 1
    return counts
