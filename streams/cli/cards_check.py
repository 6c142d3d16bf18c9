"""`wameter cards check`: whether cards are right, and where a catalog has no price."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click
from rich.table import Table

from rating.catalog import CatalogProblems
from streams.cards.report import GapReport, check_files, report_gaps
from streams.cli.exit_codes import DONE
from streams.cli.options import ExampleCommand
from streams.cli.outputs import check_names, open_outputs
from streams.cli.tables import plain_table, show
from streams.errors import UserError

LINES_MAX = 60
"""Of a table of gaps; the shipped catalog needs a third of it."""


@click.command(
    "check",
    cls=ExampleCommand,
    short_help="Check cards, or tell where the catalog has no price.",
    examples=(
        "wameter cards check",
        "wameter cards check --date 2026-10-01 --currency EUR --catalog my-catalog",
        "wameter cards check my-catalog/cards/*.csv my-catalog/markets.csv",
    ),
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE…]")
@click.option("--catalog", type=click.Path(path_type=Path), metavar="DIR", help="Without files: a directory laid over the shipped catalog.")
@click.option("--currency", metavar="CODE", help="Without files: gaps of this currency only.")
@click.option("--date", metavar="DATE", help="Without files: gaps of this local date only.")
@click.option(
    "--json",
    "json_file",
    metavar="[FILE]",
    is_flag=False,
    flag_value="-",
    help="Without files: write every gap as JSON lines instead, to FILE or to standard output.",
)
def command(files: tuple[Path, ...], catalog: Path | None, currency: str | None, date: str | None, json_file: str | None) -> int:
    """Check cards and market tables as if they were laid over the shipped catalog; without files, tell where the catalog has no price.

    A file named markets.csv is a market table, any other a card. Every mistake is told at once, with file, line, column and the mend.
    """
    if files:
        flags = {"--catalog": catalog, "--currency": currency, "--date": date, "--json": json_file}
        if given := [flag for flag, value in flags.items() if value is not None]:
            raise UserError(f"{', '.join(given)} and files exclude each other; leave one of them out")
        return _check(files)
    check_names({"--json": json_file}, ())
    try:
        report = report_gaps(catalog, currency=currency, date=date)
    except CatalogProblems as error:
        raise UserError(*error.problems) from None
    if json_file is not None:
        with ExitStack() as stack:
            open_outputs(stack, {"--json": json_file})["--json"].write_all(gap._asdict() for gap in report.gaps)
    else:
        _show(report)
    return DONE


def _check(files: tuple[Path, ...]) -> int:
    report = check_files(files)
    if report.problems:
        raise UserError(*report.problems)
    for line in report.lines():
        click.echo(line)
    return DONE


def _show(report: GapReport) -> None:
    if report.summary:
        click.echo("Messages that can be charged have no rate here; they go unrated, with no_rate.\n")
        show(_table(report))
        click.echo("")
    if (more := len(report.summary) - LINES_MAX) > 0:
        click.echo(f"and {more} more lines; --currency and --date show a part, --json every gap")
    if report.without_cards:
        click.echo(f"no card at all: {', '.join(report.without_cards)}")
    if not report.summary and not report.without_cards:
        click.echo("no gap: every message that can be charged has a rate")


def _table(report: GapReport) -> Table:
    table = plain_table()
    for name in ("Currency", "Days", "No rate for"):
        table.add_column(name, no_wrap=True)
    table.add_column("In")
    previous = ""
    for gap in report.summary[:LINES_MAX]:
        if previous not in ("", gap.currency):
            table.add_section()
        table.add_row("" if gap.currency == previous else gap.currency, gap.days, gap.categories, gap.markets)
        previous = gap.currency
    return table
