"""Explains a message from files of events: the events of its phone number are rated once more, record by record, and watched.

Two readings: the first finds the phone number that the message belongs to, the second rates that number's events with all profiles. What a
message costs depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rating.explain_facts import Explanation
from rating.explain_history import History
from rating.meter import ACCOUNTS, MESSAGES
from rating.stage import Record
from streams.accounts_file import read_profiles
from streams.explain_run import Search, Watch, explainer_of, read_once
from streams.inputs import lines, open_input
from streams.settings import Settings
from streams.stages import meter_of


def explain(settings: Settings, files: Sequence[str], accounts: str, message_id: str, phone_number_id: str | None) -> Explanation:
    """Why a message of these files costs what it costs. Raises `UserError` for what cannot be read."""
    read_once(files)
    profiles = [raw for _, raw in read_profiles(accounts)]
    search = Search(message_id, phone_number_id, _where(files, accounts))
    for record in records(files):
        search.take(record)
    found = search.phone_number_id()
    read_from = Path(files[0]).name if len(files) == 1 else f"{len(files)} files"
    if found is None:
        return search.nothing(read_from)
    history = History(found, message_id, _where(files, accounts))
    watch = Watch(meter_of(settings), history)
    for number, raw in enumerate(profiles, 1):
        watch.take(Record(ACCOUNTS, 0, number, None, raw, None))
    for record in records(files):
        if search.concerns(record, found):
            watch.take(record)
    watch.end()
    return explainer_of(settings).message(watch.state, history, read_from)


def records(files: Sequence[str]) -> Iterator[Record]:
    """Every line as a record: the file is its partition, the line its offset."""
    for index, name in enumerate(files):
        with open_input(name) as file:
            for number, line in lines(file, name):
                yield Record(MESSAGES, index, number, None, line, None)


def _where(files: Sequence[str], accounts: str) -> Callable[[Record], str]:
    def where(record: Record) -> str:
        if record.topic == ACCOUNTS:
            return f"{Path(accounts).name} profile {record.offset}"
        return f"{Path(files[record.partition]).name} line {record.offset}"

    return where
