"""`wameter whatif`: what the same messages would have cost under other cards, another rulebook or another fee."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rating.rulebooks import RULEBOOKS
from streams.accounts_file import read_profiles
from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import CONNECTION, DECIDING, ExampleCommand, settings_flags, settings_from
from streams.cli.outputs import check_names, open_outputs
from streams.cli.progress import reading_progress
from streams.errors import UserError

if TYPE_CHECKING:
    from streams.results import Results
    from streams.whatif.changes import Changes


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter whatif september.jsonl.gz --accounts accounts.json --rulebook 2026-10-01",
        "wameter whatif 2026-*.jsonl --accounts accounts.json --cards new-prices --fee 15 --json difference.jsonl",
        "wameter whatif --from-topic --bootstrap kafka-1:9092 --fee 12.5",
    ),
)
@click.argument("files", nargs=-1, metavar="[FILE…]")
@click.option("--from-topic", is_flag=True, help="Read the events and profiles of a running system instead of files.")
@click.option("--accounts", metavar="FILE", help="Account profiles, with files: a JSON array, or one profile per line.")
@click.option("--cards", metavar="DIR", type=click.Path(path_type=Path), help="Lay this catalog over the shipped one.")
@click.option("--rulebook", type=click.Choice([each.id for each in RULEBOOKS]), help="Decide by this rulebook on all dates.", metavar="ID")
@click.option("--fee", metavar="PERCENT", help="Charge every account this fee.")
@click.option("--fee-decimals", type=click.IntRange(0, 9), metavar="N", help="Round that fee to so many decimals.  [default: 4]")
@click.option("--totals", metavar="FILE", help="Write the totals as they would be, as `wameter rate --totals` does.")
@click.option("--json", "json_file", metavar="FILE", help="Write the difference as JSON lines instead; - is standard output.")
@click.option("--jobs", type=click.IntRange(1, 128), default=1, show_default=True, metavar="N", help="Rate each side with N processes.")
@settings_flags(*CONNECTION, *DECIDING)
def command(files: tuple[str, ...], from_topic: bool, accounts: str | None, json_file: str | None, **options: Any) -> int:
    """Rate the same history again under other prices, and show the difference.

    By account, country and category; nothing is changed anywhere. Without --cards, --rulebook and --fee there is no difference.
    """
    from streams.whatif.changes import Changes

    settings = settings_from(options)
    if from_topic == bool(files) or bool(files) != (accounts is not None):
        raise UserError("name files and their --accounts, or give --from-topic alone to read a running system")
    changes = Changes(options["cards"], options["rulebook"], options["fee"], options["fee_decimals"])
    changes.check()
    outputs = {"--json": json_file, "--totals": options["totals"]}
    check_names(outputs, (*files, *([accounts] if accounts else [])))
    with ExitStack() as stack:
        before, after = _both(settings, changes, files, accounts, options["jobs"], stack)
        from streams.cli.whatif_table import show_difference
        from streams.whatif.difference import difference, records

        opened = open_outputs(stack, outputs)
        rows = difference(before, after)
        if "--totals" in opened:
            opened["--totals"].write_all(after.totals())
        if "--json" in opened:
            opened["--json"].write_all(records(rows))
    if not opened:
        show_difference(rows, before, after)
    if after.rejected_count or after.unrated_count:
        click.echo(f"{after.rejected_count} rejected, {after.unrated_count} unrated", err=True)
        return SOME_REJECTED_OR_UNRATED
    return DONE


def _both(
    settings: Any, changes: Changes, files: tuple[str, ...], accounts: str | None, jobs: int, stack: ExitStack
) -> tuple[Results, Results]:
    from streams.cli.rate import check_inputs
    from streams.kafka.collector import few_searches
    from streams.whatif.run import of_files, of_topics

    if accounts is None:
        return of_topics(settings, changes, jobs)
    check_inputs((*files, accounts))
    profiles = [raw for _, raw in read_profiles(accounts)]
    stack.enter_context(few_searches())
    report = stack.enter_context(reading_progress(files))
    return of_files(settings, changes, files, profiles, jobs, report)
