"""`wameter cards`: the commands about price lists, and the one that shows the rates in force."""

from __future__ import annotations

from pathlib import Path

import click

from rating.catalog import CatalogProblems
from streams.cli import cards_activate, cards_check, cards_diff, cards_import
from streams.cli.exit_codes import DONE
from streams.cli.options import ExampleGroup, as_known
from streams.cli.tables import plain_table, show
from streams.errors import UserError


@click.group(cls=ExampleGroup)
def command() -> None:
    """Import, check, compare, show and activate rate cards."""


command.add_command(cards_activate.command)
command.add_command(cards_check.command)
command.add_command(cards_diff.command)
command.add_command(cards_import.command)


@command.command(
    "show",
    examples=(
        "wameter cards show --currency USD --market France",
        "wameter cards show --date 2026-10-01 --category service --catalog my-catalog",
    ),
)
@click.option("--currency", metavar="CODE", help="Of this currency only: USD.")
@click.option("--market", metavar="NAME", help="Of this market only: 'Rest of Africa'.")
@click.option("--category", metavar="NAME", help="Of this category only: utility.")
@click.option("--date", metavar="DATE", help="In force on this local date only: 2026-10-01.")
@click.option(
    "--catalog", type=click.Path(path_type=Path), metavar="DIR", help="Directory of cards and markets, laid over the shipped ones."
)
@as_known
def show_rates(
    currency: str | None, market: str | None, category: str | None, date: str | None, catalog: Path | None, as_known: str | None
) -> int:
    """Show rates, the shipped ones or with a directory laid over them."""
    from streams.cards.catalog_files import load_directory
    from streams.cards.report import show as matching

    try:
        loaded = load_directory(catalog)
        rates = matching(
            loaded if as_known is None else loaded.as_known(as_known), currency=currency, market=market, category=category, date=date
        )
    except CatalogProblems as error:
        raise UserError(*error.problems) from None
    if not rates:
        click.echo("no rate matches")
        return DONE
    table = plain_table()
    for name in ("Currency", "Market", "Category", "Tier"):
        table.add_column(name, no_wrap=name != "Market")
    table.add_column("Rate", justify="right", no_wrap=True)
    for name in ("From", "To", "Card"):
        table.add_column(name, no_wrap=True)
    for rate in rates:
        table.add_row(
            rate.currency, rate.market, rate.category, rate.tier, rate.rate or "no rate", rate.effective_from, rate.effective_to, rate.card
        )
    show(table)
    return DONE
