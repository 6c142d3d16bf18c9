"""`wameter rate`: files of events in, rated usage and totals out, by the very code that a worker runs (contract §7)."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from streams.accounts_file import read_profiles
from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import DECIDING, ExampleCommand, as_known, settings_flags, settings_from
from streams.cli.outputs import check_names, open_outputs
from streams.cli.progress import reading_progress
from streams.errors import UserError
from streams.inputs import STDIN, Block, blocks, open_input
from streams.kafka.collector import few_searches
from streams.licences_file import read_licences
from streams.rate.job import Alone, Answer, Job, Refused, Wanted

if TYPE_CHECKING:
    from streams.rate.processes import Processes

LINES_OF_A_JOB: Final = 4096
"""How many lines a job takes at a time: enough for what is done once per step to cost little."""
MAX_JOBS: Final = 256

Report = Callable[[int, int], None]
"""Told which file is read (from 0) and how many of its bytes were."""


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter rate events.jsonl --accounts accounts.json",
        "wameter rate 2026-01-*.jsonl.gz --accounts accounts.json --totals totals.jsonl --unrated unrated.jsonl",
        "wameter rate events.jsonl --accounts accounts.json --licences licences.jsonl --compliance -",
        "wameter rate events.jsonl --accounts accounts.json --as-known 2026-10-03",
        "zcat webhooks.gz | wameter rate - --format meta-webhooks --accounts accounts.json --lines -",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--accounts", required=True, metavar="FILE", help="Account profiles: a JSON array, or one profile per line.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["events", "meta-webhooks"]),
    default="events",
    show_default=True,
    help="One event per line, or one of Meta's webhook bodies per line.",
)
@click.option(
    "--totals", metavar="FILE", help="Write the totals: one line per account, number, day, country, market, category, outcome, currency."
)
@click.option("--lines", metavar="FILE", help="Write every rated line, corrections included.")
@click.option("--unrated", metavar="FILE", help="Write what could not be priced, with the reason.")
@click.option("--rejected", metavar="FILE", help="Write what is no event, with the reason, its place and its bytes.")
@click.option("--licences", metavar="FILE", help="Who may send, as `wameter bill --licences` writes it.  [default: nobody is judged]")
@click.option("--compliance", metavar="FILE", help="Write what was sent without a licence, or free-form outside every window.")
@click.option(
    "--jobs",
    type=click.IntRange(1, MAX_JOBS),
    default=1,
    show_default=True,
    metavar="N",
    help="Rate with N processes. All messages of a business phone number are one process's work.",
)
@as_known
@settings_flags(*DECIDING)
def command(files: tuple[str, ...], accounts: str, form: str, licences: str | None, as_known: str | None, **options: Any) -> int:
    """Rate files of message events, without a broker.

    FILE is plain, gzip or zstd; - is standard input, and as an output it is standard output. Several files are one input. Without an
    output a table is shown. Exit code 1 says that some records were rejected or unrated.
    """
    settings = settings_from(options)
    outputs = {f"--{name}": options[name] for name in ("totals", "lines", "unrated", "rejected", "compliance")}
    inputs = (*files, accounts) if licences is None else (*files, accounts, licences)
    check_inputs(inputs)
    check_names(outputs, inputs)
    from streams.stages import meter_of  # the catalog takes a moment to load: not for a mistyped file name

    profiles = [raw for _, raw in read_profiles(accounts)]
    told = () if licences is None else read_licences(licences)
    stage = meter_of(settings, as_known=as_known)
    wanted = Wanted(form == "meta-webhooks", *(options[name] is not None for name in ("lines", "rejected", "compliance")))
    with ExitStack() as stack:
        stack.enter_context(few_searches())
        rater = _rater(lambda: Job(stage, profiles, wanted, told), wanted, options["jobs"])
        stack.enter_context(rater)
        opened = open_outputs(stack, outputs)
        report = stack.enter_context(reading_progress(files))
        rated_lines, rejected = opened.get("--lines"), opened.get("--rejected")
        for block, answer in _rated(rater, files, LINES_OF_A_JOB * options["jobs"], report):
            if rated_lines is not None:
                rated_lines.write_lines(answer.lines)
            if rejected is not None:
                rejected.write_all(_rejected(block, it) for it in answer.rejected)
        results = rater.results
        if "--totals" in opened:
            opened["--totals"].write_all(results.totals())
        if "--unrated" in opened:
            opened["--unrated"].write_all(results.unrated())
        if "--compliance" in opened:
            opened["--compliance"].write_all(results.compliance())
    if not opened:
        from streams.cli.tables import show_results

        show_results(results)
    if results.rejected_count or results.unrated_count:
        click.echo(f"{results.rejected_count} rejected, {results.unrated_count} unrated", err=True)
        return SOME_REJECTED_OR_UNRATED
    return DONE


def _rater(make: Callable[[], Job], wanted: Wanted, jobs: int) -> Alone | Processes:
    if jobs == 1:
        return Alone(make())
    from streams.rate.processes import Processes

    return Processes(make, wanted, jobs)


def _rated(rater: Alone | Processes, files: Sequence[str], lines: int, report: Report) -> Iterator[tuple[Block, Answer]]:
    for index, name in enumerate(files):
        with open_input(name) as file:
            for block in blocks(file, name, lines=lines, progress=partial(report, index)):
                yield from rater.rate(block)
    yield from rater.end()


def _rejected(block: Block, refused: Refused) -> dict[str, object]:
    """The record of a line that is no event, or has a part that is none."""
    return {
        "v": 1,
        "reason": refused.reason,
        "detail": refused.detail,
        "file": block.file,
        "line": block.numbers[refused.place],
        "raw_base64": base64.b64encode(block.lines[refused.place]).decode(),
    }


def check_inputs(names: tuple[str, ...]) -> None:
    """Says what cannot be read before anything is; every file at once. Raises `UserError`."""
    problems = [f"{name}: {what}" for name in names if (what := _unreadable(name))]
    if names.count(STDIN) > 1:
        problems.append("standard input (-) can be read once; name a file instead")
    if problems:
        raise UserError(*problems)


def _unreadable(name: str) -> str | None:
    path = Path(name)
    if name == STDIN:
        return None
    if not path.exists():
        return "no such file; check the name"
    if path.is_dir():
        return "is a directory; name the files in it"
    return None if os.access(path, os.R_OK) else "may not be read by this user; change its permissions"
