"""Explains a message from files of events: the events of its phone number are rated once more, record by record, and watched.

Two readings: the first finds the phone number that the message belongs to, the second rates that number's events with all profiles. What a
message costs depends on nothing else, but for volume bands: where one is in question, everything is rated once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from rating.explain.facts import Explanation
from rating.explain.history import History
from rating.meter import ACCOUNTS, MESSAGES
from rating.stage import Record
from streams.accounts_file import read_profiles
from streams.errors import UserError
from streams.explain.run import Search, Watch, explainer_of
from streams.inputs import STDIN, blocks, open_input
from streams.settings import Settings
from streams.stages import meter_of

Report = Callable[[int, int], None]
"""Told which file is read (from 0) and how many of its bytes were."""

BLOCK_LINES: Final = 4096


def explain(
    settings: Settings, files: Sequence[str], accounts: str, message_id: str, phone_number_id: str | None, report: Report
) -> Explanation:
    """Why a message of these files costs what it costs; none of them may be standard input. Raises `UserError` for what cannot be read."""
    profiles = [raw for _, raw in read_profiles(accounts)]
    search = Search(settings, message_id, phone_number_id, _where(files, accounts))
    for record in records(files, report):
        search.take(record)
    found = search.found()
    read_from = Path(files[0]).name if len(files) == 1 else f"{len(files)} files"
    if found is None:
        return search.nothing(read_from)
    history = History(*found, _where(files, accounts))
    watch = Watch(meter_of(settings), history)
    for number, raw in enumerate(profiles, 1):
        watch.take(Record(ACCOUNTS, 0, number, None, raw, None))
    for record in records(files, report):
        if search.concerns(record, found[0]):
            watch.take(record)
    watch.end()
    explanation = explainer_of(settings).message(watch.state, history, read_from)
    if not any(delivery.volume for delivery in explanation.deliveries):
        return explanation
    from streams import volumes  # it reads files with the functions below

    watch.hear(volumes.bands_of_phone(volumes.of_files(settings, files, accounts, report), found[0]))
    return explainer_of(settings).message(watch.state, history, read_from)


def check(files: Sequence[str], *, twice: bool) -> None:
    """Says what cannot be read before anything is; standard input is read once. Raises `UserError`."""
    if twice and STDIN in files:
        raise UserError("standard input (-) can be read once, and the events are read twice; name a file")
    for name in files:
        if name != STDIN:
            open_input(name).close()


def records(files: Sequence[str], report: Report) -> Iterator[Record]:
    """Every line as a record: the file is its partition, the line its offset."""
    for index, name in enumerate(files):
        with open_input(name) as file:
            for block in blocks(file, name, lines=BLOCK_LINES, progress=partial(report, index)):
                for number, line in zip(block.numbers, block.lines, strict=True):
                    yield Record(MESSAGES, index, number, None, line, None)


def _where(files: Sequence[str], accounts: str) -> Callable[[Record], str]:
    def where(record: Record) -> str:
        if record.topic == ACCOUNTS:
            return f"{Path(accounts).name} profile {record.offset}"
        return f"{Path(files[record.partition]).name} line {record.offset}"

    return where
