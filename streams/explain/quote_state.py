"""The state that a quote is asked of: the profiles and, of one business phone number, everything that happened."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rating.meter import ACCOUNTS
from rating.stage import Record, State, Tick
from streams import topic_reader
from streams.accounts_file import read_profiles
from streams.explain import topics as explain_topics
from streams.explain.files import Report, records
from streams.offline import OfflineHost, batches
from streams.settings import Settings
from streams.stages import meter_of
from streams.topic_reader import TopicReader


def from_files(settings: Settings, files: Sequence[str], accounts: str, phone_number_id: str | None, report: Report) -> State:
    """What a meter knows after these files. Raises `UserError` for what cannot be read."""
    profiles = (Record(ACCOUNTS, 0, number, None, raw, None) for number, (_, raw) in enumerate(read_profiles(accounts)))
    host = OfflineHost(meter_of(settings))
    for batch in batches(profiles):
        host.step(batch)
    if phone_number_id is not None:
        for batch in batches(_of(phone_number_id, records(files, report))):
            host.step(batch)
    host.end()
    return host.state


def from_topics(settings: Settings, phone_number_id: str | None) -> tuple[State, list[str]]:
    """What a worker of a running system knows by now, and what the topics hold no longer. Raises `UserError`, `UnreachableError`."""
    return topic_reader.run(settings, lambda reader: _from_topics(reader, settings, phone_number_id))


async def _from_topics(reader: TopicReader, settings: Settings, phone_number_id: str | None) -> tuple[State, list[str]]:
    host = OfflineHost(meter_of(settings))
    batch: list[Record] = []

    def flush(limit: int) -> None:
        if len(batch) > limit:
            host.step(batch)
            batch.clear()

    own = [] if phone_number_id is None else explain_topics.partitions_for(reader, phone_number_id)
    for partitions in (reader.partitions_of(ACCOUNTS), own):
        async for record in explain_topics.records(reader, settings, partitions):
            if record.topic == ACCOUNTS or (phone_number_id is not None and _is_of(phone_number_id, record)):
                batch.append(record)
                flush(limit=999)
        flush(limit=0)
    host.step([Tick(int(time.time() * 1000))])
    return host.state, await explain_topics.forgotten(reader, own)


def _of(phone_number_id: str, all_records: Iterator[Record]) -> Iterator[Record]:
    return (record for record in all_records if _is_of(phone_number_id, record))


def _is_of(phone_number_id: str, record: Record) -> bool:
    """Whether a record may be of a phone number; of one that writes its texts with escapes that is not looked at."""
    value = record.value or b""
    return phone_number_id.encode() in value or b"\\" in value
