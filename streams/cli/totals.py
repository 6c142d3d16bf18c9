"""`wameter totals`: what a running system has counted, by date, country and category."""

from __future__ import annotations

import re
from typing import Any

import click

from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, ExampleCommand, settings_flags, settings_from
from streams.cli.outputs import check_names, open_outputs
from streams.cli.tables import by_country_and_category, show
from streams.results import TOTALS

_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")


def _date(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _DATE.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no date; write 2026-10-01, or 2026-10 for the month")
    return value


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter totals",
        "wameter totals --from 2026-10 --account 102290129340398 --by-date",
        "wameter totals --json - | jq .",
    ),
)
@click.option("--account", metavar="ID", help="Of this account only.")
@click.option("--from", "first", metavar="DATE", callback=_date, help="From this local date on; a month is its first day.")
@click.option("--to", "last", metavar="DATE", callback=_date, help="Up to this local date, inclusive; a month is its last day.")
@click.option("--by-date", is_flag=True, help="A row per day.")
@click.option("--json", "json_file", metavar="FILE", help="Write the totals as JSON lines instead; - is standard output.")
@settings_flags(*CONNECTION)
def command(account: str | None, first: str | None, last: str | None, by_date: bool, json_file: str | None, **flags: Any) -> int:
    """Show a running system's consumption by country and category."""
    from contextlib import ExitStack

    from streams import topic_reader

    settings = settings_from(flags)
    check_names({"--json": json_file}, ())
    results = topic_reader.run(settings, lambda reader: reader.results(TOTALS))
    totals = [
        total
        for total in results.totals()
        if account in (None, total["account_id"])
        and (first is None or total["date"] >= first)
        and (last is None or total["date"] <= last + "~")  # `~` sorts after every day of a month
    ]
    if json_file is not None:
        with ExitStack() as stack:
            open_outputs(stack, {"--json": json_file})["--json"].write_all(totals)
    elif totals:
        show(by_country_and_category(totals, by=("date",) if by_date else ()))
    else:
        click.echo("no totals yet" if not (account or first or last) else "no totals match")
    return DONE
