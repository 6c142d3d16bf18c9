"""`wameter cards diff`: what changes from one price list to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack

import click
from rich.table import Table

from rating.catalog import CatalogProblems
from rating.catalog.cells import CURRENCIES
from rating.catalog.diff import GONE, LOWERED, NEW, RAISED, SAME, Change, Difference
from streams.cards.diff import Side, diff, difference_text, percent_text, record
from streams.cards.report import printed_rate
from streams.cli.exit_codes import DONE
from streams.cli.options import ExampleCommand
from streams.cli.outputs import check_names, open_outputs
from streams.cli.tables import plain_table, show
from streams.errors import UserError


@click.command(
    "diff",
    cls=ExampleCommand,
    examples=(
        "wameter cards diff 2026-09-30 2026-10-01 --currency USD",
        "wameter cards diff 2026-10-01 my-catalog",
        "wameter cards diff usd-2026-07.csv usd-2026-10.csv --json - | jq .",
    ),
)
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option(
    "--date",
    metavar="DATE",
    help="Local date on which catalog directories are compared.  [default: the other side's, or the latest of their cards]",
)
@click.option("--currency", metavar="CODE", type=click.Choice(CURRENCIES, case_sensitive=False), help="Of this currency only: USD.")
@click.option("--all", "everything", is_flag=True, help="Show the rates that stay the same, too.")
@click.option(
    "--json", "json_file", metavar="[FILE]", is_flag=False, flag_value="-", help="Write JSON lines instead, to FILE or to standard output."
)
def command(old: str, new: str, date: str | None, currency: str | None, everything: bool, json_file: str | None) -> int:
    """Show what changes from A to B, by market and category.

    A and B are cards, catalog directories (laid over the shipped catalog, as --catalog does), or dates: the shipped catalog on that day.
    Only currencies that both have are compared, and no rate is ever converted.
    """
    check_names({"--json": json_file}, (old, new))
    try:
        first, second, difference = diff(old, new, date=date)
    except CatalogProblems as error:
        raise UserError(*error.problems) from None
    if currency is not None:
        difference = _only(difference, currency)
    shown = [change for change in difference.changes if everything or change.kind != SAME]
    if json_file is not None:
        with ExitStack() as stack:
            open_outputs(stack, {"--json": json_file})["--json"].write_all(map(record, shown))
        return DONE
    click.echo(f"A: {first.named}\nB: {second.named}\n")
    if shown:
        show(_table(shown))
        click.echo("")
    for line in _summary(difference, first, second):
        click.echo(line)
    return DONE


def _only(difference: Difference, currency: str) -> Difference:
    changes = tuple(change for change in difference.changes if change.key.currency == currency)
    return Difference(changes, *(tuple(one for one in side if one == currency) for side in difference[1:]))


def _table(changes: Iterable[Change]) -> Table:
    table = plain_table()
    for name in ("Currency", "Market", "Category", "Tier"):
        table.add_column(name, no_wrap=name != "Market")
    for name in ("A", "B", "Change", "%"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    previous: tuple[str, str] | None = None
    for change in changes:
        key = change.key
        place = key.currency, key.market
        if previous is not None and previous[0] != key.currency:
            table.add_section()
        names = ("", "") if place == previous else ("" if previous and previous[0] == key.currency else key.currency, key.market)
        moved = change.difference_nanos
        table.add_row(
            *names,
            key.category,
            "" if change.tier == "1:MAX" else change.tier,
            "–" if change.old is None else printed_rate(change.old),
            "–" if change.new is None else printed_rate(change.new),
            difference_text(change) if moved else "",
            percent_text(change.percent_hundredths) if moved and change.percent_hundredths is not None else "",
            change.kind,
        )
        previous = place
    return table


def _summary(difference: Difference, first: Side, second: Side) -> Iterable[str]:
    """A line of counts for each currency, and one for those that only one side has."""
    counts: dict[str, Counter[str]] = {}
    for change in difference.changes:
        counts.setdefault(change.key.currency, Counter())[change.kind] += 1
    for currency, kinds in counts.items():
        told = [f"{kinds[kind]} {kind}" for kind in (RAISED, LOWERED, NEW, GONE) if kinds[kind]]
        yield f"{currency}: {', '.join(told) or 'nothing changes'}, {kinds[SAME]} the same"
    if not counts:
        yield "nothing to compare: the two have no currency in common"
    for side, only in ((first, difference.only_old), (second, difference.only_new)):
        if only:
            yield f"only in {side.named}, and not compared: {', '.join(only)}"
