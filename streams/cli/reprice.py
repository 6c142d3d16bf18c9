"""`wameter reprice`: corrects what was rated by the catalog in force, and says first what that comes to."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, DECIDING, ExampleCommand, local_date, settings_flags, settings_from
from streams.cli.outputs import check_names, open_outputs
from streams.cli.tables import money, plain_table, show
from streams.errors import UserError

if TYPE_CHECKING:
    from streams.reprice import Impact


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter reprice --catalog my-catalog",
        "wameter reprice --from 2026-09-01 --to 2026-09-30 --account 102290129340398 --json impact.jsonl",
        'wameter reprice --reason "Meta\'s correction of 3 October" --apply',
    ),
)
@click.option("--account", metavar="ID", help="Only deliveries of this account.")
@click.option("--phone-number", metavar="ID", help="Only deliveries of this business phone number, by Meta's id.")
@click.option("--from", "date_from", metavar="DATE", callback=local_date, help="From this local date on.")
@click.option("--to", "date_to", metavar="DATE", callback=local_date, help="Up to this local date, inclusive.")
@click.option("--reason", metavar="TEXT", help="Why; it stands on each line.")
@click.option("--json", "json_file", metavar="FILE", help="Write the impact as JSON lines instead; - is standard output.")
@click.option("--apply", is_flag=True, help="Do it. Without this flag nothing is changed.")
@click.option("--id", "command_id", metavar="ID", help="The command's id: METER executes it once.  [default: a new one]")
@settings_flags(*CONNECTION, *DECIDING)
def command(
    account: str | None, phone_number: str | None, date_from: str | None, date_to: str | None, reason: str | None, json_file: str | None,
    apply: bool, command_id: str | None, **flags: Any,
) -> int:  # fmt: skip
    """Correct the past: rate what was rated already by the catalog in force and the profiles known now.

    Shows the impact first, by account, month and category. With --apply METER reverses and replaces each line that changes, with the cause
    on it; a second run finds nothing left. The catalog and the settings must be those of the workers.
    """
    from streams import topic_reader
    from streams.commands import publish
    from streams.reprice import Scope, impact
    from streams.stages import meter_of

    settings = settings_from(flags)
    check_names({"--json": json_file}, ())
    if reason is not None and not 0 < len(reason) <= 200:
        raise UserError("--reason: must be a text of 1 to 200 characters")
    meter = meter_of(settings)
    scope = Scope(account, phone_number, date_from, date_to)
    found = topic_reader.run(settings, lambda reader: impact(reader, settings, meter, scope))
    if json_file is not None:
        with ExitStack() as stack:
            open_outputs(stack, {"--json": json_file})["--json"].write_all(found.as_json())
    else:
        _show(found)
    said_to_stderr = json_file == "-"
    if not apply or found.active is None or not found.phone_numbers:
        click.echo("nothing was changed" + ("; --apply does it" if found.phone_numbers else ""), err=said_to_stderr)
        return DONE
    name = command_id or uuid4().hex
    count = publish(settings, [scope.command(phone, found.active, name, reason) for phone in found.phone_numbers])
    click.echo(f"{count:,} commands published, id {name}", err=said_to_stderr)
    return DONE


def _show(found: Impact) -> None:
    if found.active is not None:
        from rating.activation import told

        click.echo(f"in force: catalog {told(found.active)}")
    if found.rows:
        table = plain_table()
        for name in ("Account", "Month", "Category"):
            table.add_column(name, no_wrap=True)
        for name in ("Lines", "Old", "New", "Difference"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for (account, month, category, currency), row in sorted(found.rows.items()):
            figures = [len(row.deliveries), row.old_nanos, row.new_nanos]
            sums[currency] = [before + more for before, more in zip(sums[currency], figures, strict=True)]
            table.add_row(account, month, category, *_figures(*figures), currency)
        table.add_section()
        for currency, (lines, old, new) in sorted(sums.items()):
            table.add_row("all", "", "", *_figures(lines, old, new), currency, style="bold")
        show(table)
    else:
        click.echo("no line changes")
    if found.mended or found.unrated:
        click.echo(f"{found.mended:,} deliveries get a price, {found.unrated:,} lose theirs")


def _figures(lines: int, old: int, new: int) -> tuple[str, str, str, str]:
    return f"{lines:,}", money(old), money(new), money(new - old)
