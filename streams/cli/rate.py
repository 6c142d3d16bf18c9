"""`wameter rate`: files of events in, rated usage and totals out, by the very code that a worker runs (contract §7)."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import orjson

from rating.stage import Output, Record, Stage
from streams.accounts_file import read_profiles
from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import DECIDING, ExampleCommand, settings_flags, settings_from
from streams.cli.outputs import JsonLines, check_names, open_outputs
from streams.cli.progress import reading_progress
from streams.errors import UserError
from streams.inputs import STDIN, lines, open_input
from streams.offline import OfflineHost, batches
from streams.results import RATED, REJECTED, Results

MESSAGES: Final = "whatsapp.messages"
ACCOUNTS: Final = "whatsapp.accounts"

Report = Callable[[int, int], None]
"""Told which file is read (from 0) and how many of its bytes were."""


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter rate events.jsonl --accounts accounts.json",
        "wameter rate 2026-01-*.jsonl.gz --accounts accounts.json --totals totals.jsonl --unrated unrated.jsonl",
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
@settings_flags(*DECIDING)
def command(files: tuple[str, ...], accounts: str, form: str, **options: Any) -> int:
    """Rate files of message events, without a broker.

    FILE is plain, gzip or zstd; - is standard input, and as an output it is standard output. Several files are one input. Without an
    output a table is shown. Exit code 1 says that some records were rejected or unrated.
    """
    settings = settings_from(options)
    outputs = {f"--{name}": options[name] for name in ("totals", "lines", "unrated", "rejected")}
    _check_inputs(files, accounts)
    check_names(outputs, (*files, accounts))
    from streams.stages import meter_of  # the catalog takes a moment to load: not for a mistyped file name

    profiles = [raw for _, raw in read_profiles(accounts)]
    stage = meter_of(settings)
    with ExitStack() as stack:
        opened = open_outputs(stack, outputs)
        report = stack.enter_context(reading_progress(files))
        rating = _Rating(stage, files, opened.get("--lines"), opened.get("--rejected"))
        rating.run(profiles, form, report)
        results = rating.results
        if "--totals" in opened:
            opened["--totals"].write_all(results.totals())
        if "--unrated" in opened:
            opened["--unrated"].write_all(results.unrated())
    if not opened:
        from streams.cli.tables import show_results

        show_results(results)
    if results.rejected_count or results.unrated_count:
        click.echo(f"{results.rejected_count} rejected, {results.unrated_count} unrated", err=True)
        return SOME_REJECTED_OR_UNRATED
    return DONE


class _Rating:
    """One run: the stage, what its outputs add up to, and where lines and rejected records are written as they come."""

    def __init__(self, stage: Stage, files: tuple[str, ...], rated_lines: JsonLines | None, rejected: JsonLines | None) -> None:
        self._host = OfflineHost(stage)
        self._files = files
        self._lines = rated_lines
        self._rejected = rejected
        self._originals: dict[tuple[int, int], bytes] = {}
        """The lines of the batch in work by file and number: what a rejected record gives back."""
        self.results = Results()

    def run(self, profiles: Iterable[bytes], form: str, report: Report) -> None:
        for batch in batches(Record(ACCOUNTS, 0, number, None, profile, None) for number, profile in enumerate(profiles)):
            self._take(self._host.step(batch))
        records = self._events(report) if form == "events" else self._webhooks(report)
        for batch in batches(records):
            self._take(self._host.step(batch))
            self._originals.clear()
        self._take(self._host.end())

    def _events(self, report: Report) -> Iterator[Record]:
        originals = self._originals
        for file, number, line in self._read(report):
            originals[file, number] = line
            yield Record(MESSAGES, file, number, None, line, None)

    def _webhooks(self, report: Report) -> Iterator[Record]:
        from schemas.webhooks import events_of

        for file, number, line in self._read(report):
            self._originals[file, number] = line
            for event in events_of(line):
                if isinstance(event, bytes):
                    yield Record(MESSAGES, file, number, None, event, None)
                else:
                    self._reject(file, number, event.reason, event.detail)

    def _read(self, report: Report) -> Iterator[tuple[int, int, bytes]]:
        for index, name in enumerate(self._files):
            with open_input(name) as file:
                for number, line in lines(file, name, partial(report, index)):
                    yield index, number, line

    def _take(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            self.results.apply(output.topic, output.key, output.value, output.headers)
            if output.topic == RATED and self._lines is not None and output.value is not None:
                self._lines.write(output.value)
            elif output.topic == REJECTED and self._rejected is not None:
                headers = dict(output.headers)
                place = int(headers["partition"]), int(headers["offset"])
                self._write_rejected(*place, headers["reason"].decode(), headers["detail"].decode())

    def _reject(self, file: int, number: int, reason: str, detail: str) -> None:
        """A part of a webhook that is no event: the converter's verdict, of which the stage never hears."""
        self.results.apply(REJECTED, None, None, (("reason", reason.encode()),))
        self._write_rejected(file, number, reason, detail)

    def _write_rejected(self, file: int, number: int, reason: str, detail: str) -> None:
        if self._rejected is not None:
            raw = base64.b64encode(self._originals[file, number]).decode()
            record = {"v": 1, "reason": reason, "detail": detail, "file": self._files[file], "line": number, "raw_base64": raw}
            self._rejected.write(orjson.dumps(record))


def _check_inputs(files: tuple[str, ...], accounts: str) -> None:
    """Says what cannot be read before anything is; every file at once. Raises `UserError`."""
    problems = [f"{name}: {what}" for name in (*files, accounts) if (what := _unreadable(name))]
    if [*files, accounts].count(STDIN) > 1:
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
