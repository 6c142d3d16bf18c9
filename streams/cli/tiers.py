"""`wameter tiers`: how far the volume bands of a portfolio are filled, and what comes next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, DECIDING, ExampleCommand, settings_flags, settings_from
from streams.cli.outputs import check_names, open_outputs
from streams.cli.progress import reading_progress
from streams.cli.tables import plain_table, show
from streams.errors import UserError

if TYPE_CHECKING:
    from rating.tiers.progress import Progress


def _month(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
        raise click.BadParameter(f"{value!r} is no month; write 2026-10")
    return value


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter tiers --bootstrap kafka-1:9092",
        "wameter tiers --portfolio p-1 --month 2026-10 --json - | jq .",
        "wameter tiers events.jsonl.gz --accounts accounts.json",
    ),
)
@click.argument("files", nargs=-1, metavar="[FILE…]")
@click.option("--accounts", metavar="FILE", help="Account profiles, with files of events. Without both a running system is asked.")
@click.option("--portfolio", metavar="ID", help="Of this portfolio only.")
@click.option("--market", metavar="NAME", help="Of this market only.")
@click.option("--month", metavar="MONTH", callback=_month, help="Of this calendar month only: 2026-10.")
@click.option("--json", "json_file", metavar="FILE", help="Write it as JSON lines instead; - is standard output.")
@settings_flags(*CONNECTION, *DECIDING)
def command(files: tuple[str, ...], accounts: str | None, json_file: str | None, **flags: Any) -> int:
    """Show how far volume bands are filled: used, next bound and next rate, by portfolio, month, market and category.

    Used are the charged messages of all of the portfolio's accounts, whatever their currency; authentication and its international variant
    share them. Rates are Meta's, without fees. Rates with a single band are left out.
    """
    from rating.tiers.progress import progress
    from streams import volumes
    from streams.explain.files import check
    from streams.stages import catalog_of

    settings = settings_from(flags)
    check_names({"--json": json_file}, (*files, *([] if accounts is None else [accounts])))
    if bool(files) != (accounts is not None):
        raise UserError("files of events and --accounts, their profiles, belong together; give both, or neither to ask a running system")
    catalog = catalog_of(settings)
    if accounts is None:
        told = volumes.of_topics(settings)
    else:
        check(files, twice=False)
        with reading_progress(files) as report:
            told = volumes.of_files(settings, files, accounts, report)
    wanted = (("portfolio_id", flags["portfolio"]), ("market", flags["market"]), ("month", flags["month"]))
    found = [
        each for each in progress(volumes.messages(told), catalog) if all(value in (None, getattr(each, field)) for field, value in wanted)
    ]
    if json_file is not None:
        with ExitStack() as stack:
            open_outputs(stack, {"--json": json_file})["--json"].write_all(map(_record, found))
    elif found:
        _show(found)
    else:
        click.echo("nothing is counted for volume bands" + (" there" if any(value for _, value in wanted) else " yet"))
    return DONE


def _record(each: Progress) -> dict[str, object]:
    fields = each._asdict()
    rate, following = fields.pop("rate_nanos"), fields.pop("next_rate_nanos")
    return {"v": 1, **fields, "rate": _money(rate), "next_rate": None if following is None else _money(following)}


def _show(found: Sequence[Progress]) -> None:
    table = plain_table()
    for name in ("Portfolio", "Month", "Market", "Category"):
        table.add_column(name, no_wrap=True)
    for name in ("Used", "Band", "Rate", "Next from", "Next rate"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in found:
        low, _, high = each.tier.partition(":")
        table.add_row(
            each.portfolio_id,
            each.month,
            each.market,
            each.category,
            f"{each.used:,}",
            f"{int(low):,} to {int(high):,}" if high != "MAX" else f"from {int(low):,}",
            _money(each.rate_nanos),
            "—" if each.next_from is None else f"{each.next_from:,}",
            "—" if each.next_rate_nanos is None else _money(each.next_rate_nanos),
            each.currency,
        )
    show(table)


def _money(nanos: int) -> str:
    from rating.money import Nanos, format_nanos

    return format_nanos(Nanos(nanos))
