"""`wameter cards import`: Meta's own price lists, made cards of a catalog."""

from __future__ import annotations

from pathlib import Path

import click

from rating.catalog import CatalogProblems
from streams.cli.exit_codes import DONE
from streams.cli.options import ExampleCommand
from streams.cli.outputs import check_names
from streams.errors import UserError


def _renamed(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    if any(not printed or not name for printed, _, name in pairs):
        raise click.BadParameter("write the printed name, = and the market table's name: 'Türkiye=Turkey'")
    return {printed.strip(): name.strip() for printed, _, name in pairs}


@click.command(
    "import",
    cls=ExampleCommand,
    examples=(
        "wameter cards import usd.csv usd-volume-tiers.csv -o my-catalog",
        "wameter cards import brl.xlsx --effective-from 2026-10-01 -o brl-2026-10.csv",
        "wameter cards import eur.csv --market 'Türkiye=Turkey' -o - | less",
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="DIR|FILE",
    help="Catalog directory, whose cards/ gets a file for each card, or one file that ends in .csv; - is standard output.",
)
@click.option("--effective-from", metavar="DATE", help="First local date of the prices, where the list names none or several.")
@click.option(
    "--market",
    "renamed",
    multiple=True,
    callback=_renamed,
    metavar="PRINTED=NAME",
    help="Which market a printed name means; may be repeated.",
)
@click.option("--source", metavar="TEXT", help="Where the lists come from, for the source column.  [default: file and line]")
@click.option(
    "--catalog", type=click.Path(path_type=Path), metavar="DIR", help="Directory whose market table is laid over the shipped one."
)
@click.option("--replace", is_flag=True, help="Replace a card that is there already and says something else.")
def command(
    files: tuple[Path, ...],
    output: str,
    effective_from: str | None,
    renamed: dict[str, str],
    source: str | None,
    catalog: Path | None,
    replace: bool,
) -> int:
    """Make cards of the price lists that Meta publishes.

    Reads rate cards and volume-tier tables, CSV or Excel workbook, one currency each. n/a is no rate, -- no end of a band.
    Nothing is guessed: every unknown market, category, currency or figure is told at once, with file, line and column, and then nothing is
    written.
    """
    from rating.catalog.published import write_card
    from streams.cards.importing import STDOUT, destinations, import_files, write

    try:
        imported = import_files(files, effective_from=effective_from, renamed=renamed, source=source, catalog=catalog)
        if output == STDOUT and len(imported.cards) > 1:
            raise UserError(f"the lists make {len(imported.cards)} cards, and standard output takes one; name a directory with -o")
        places = {} if output == STDOUT else destinations(imported.cards, output, replace=replace)
        check_names({"-o": output if output in map(str, places.values()) else None}, map(str, files))
        write(places)
    except CatalogProblems as error:
        raise UserError(*error.problems) from None
    for remark in imported.remarks:
        click.echo(remark, err=True)
    if output == STDOUT:
        for card in imported.cards:
            click.echo(write_card(card), nl=False)
    for card, place in places.items():
        click.echo(f"{place}: {card.said}")
    return DONE
