"""`wameter rebuild`: METER's state from the topics, compared with what is published before it is put in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import CONNECTION, DECIDING, ExampleCommand, settings_flags, settings_from
from streams.cli.progress import working
from streams.cli.tables import plain_table, show

if TYPE_CHECKING:
    from streams.rebuild.run import Partition


@click.command(cls=ExampleCommand, examples=("wameter rebuild --dry-run", "wameter rebuild --bootstrap kafka-1:9092 --catalog my-catalog"))
@click.option("--dry-run", is_flag=True, help="Compare only; nothing is put in force.")
@settings_flags(*CONNECTION, "partitions", "replication", *DECIDING, "horizon_days", "session_timeout_ms")
def command(dry_run: bool, **flags: Any) -> int:
    """Make METER's state again from the topics, and put it in the place of the one in force.

    For a state that is suspected wrong, that this version cannot read, or that was lost. Stop all workers first. The log is played again up
    to where it had been read; what would come of it is compared with what is published. If anything differs, nothing is changed, and the
    exit code is 1. The catalog and the settings must be those of the workers.
    """
    from streams.rebuild.run import run

    settings = settings_from(flags)
    with working() as told:
        found = run(settings, told, dry_run=dry_run)
    return print_report(found, dry_run=dry_run)


def print_report(found: Sequence[Partition], *, dry_run: bool) -> int:
    """Prints what came of each partition; returns the exit code."""
    table = plain_table()
    for name in ("Partition", "Records", "Keys", "as before", "otherwise", "gone", "new", "Differences"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found:
        beside = each.beside
        before = ("–",) * 4 if beside is None else (beside.equal, beside.different, beside.only_before, beside.only_rebuilt)
        figures = (each.records, each.keys, *before, each.differences)
        table.add_row(str(each.number), *(figure if isinstance(figure, str) else f"{figure:,}" for figure in figures))
    show(table)
    for each in found:
        if each.is_lost:
            click.echo(f"partition {each.number}: its state did not say how far it had come; that was found by what is published")
    differences = sum(each.differences for each in found)
    if differences:
        _show_differences(found, differences)
        return SOME_REJECTED_OR_UNRATED
    said = "what a replay would publish is what is published"
    if dry_run:
        click.echo(f"{said}; nothing was changed")
    else:
        click.echo(f"{said}; the rebuilt state is in force: {sum(each.changed or 0 for each in found):,} keys were changed")
    return DONE


def _show_differences(found: Sequence[Partition], differences: int) -> None:
    table = plain_table()
    for name in ("", "Of", "Published", "Rebuilt"):
        table.add_column(name, overflow="fold")
    for each in [example for partition in found for example in partition.examples][:10]:
        table.add_row(each.what, each.name, each.published, each.rebuilt)
    show(table)
    click.echo(
        f"{differences:,} differences between what is published and what a replay would publish: nothing was changed; "
        "the rebuilt state lies in wameter-meter-state-rebuilt"
    )
