"""What is counted for volume bands: of a running system by its topic, of files by rating them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rating.meter import ACCOUNTS
from rating.stage import Record
from rating.tiers.naming import COUNTS, TallyName
from rating.tiers.wire import read_count
from streams import topic_reader
from streams.accounts_file import read_profiles
from streams.explain.files import records
from streams.offline import Counts, OfflineHost, batches
from streams.settings import Settings
from streams.stages import meter_of
from streams.topic_reader import TopicReader


def of_topics(settings: Settings) -> Mapping[bytes, bytes]:
    """The newest count of each tally of a running system, by record key. Raises `UserError`, and `UnreachableError`."""
    return topic_reader.run(settings, read)


async def read(reader: TopicReader) -> Mapping[bytes, bytes]:
    """The same with a reader that is connected already."""
    latest: dict[bytes, bytes] = {}
    async for record in reader.records(COUNTS):
        if record.key is not None and record.value is not None:
            latest[record.key] = record.value
    return latest


def of_files(settings: Settings, files: Sequence[str], accounts: str, report: Callable[[int, int], None]) -> Mapping[bytes, bytes]:
    """What these files come to. Raises `UserError` for what cannot be read."""
    host, counts = OfflineHost(meter_of(settings)), Counts()
    host.step([Record(ACCOUNTS, 0, number, None, raw, None) for number, (_, raw) in enumerate(read_profiles(accounts))])
    for batch in batches(records(files, report)):
        counts.take(host.step(batch))
    counts.take(host.end())
    return counts.latest


def messages(told: Mapping[bytes, bytes]) -> Iterator[tuple[TallyName, int]]:
    """Each tally with its messages."""
    for key, value in told.items():
        name, count = read_count(Record(COUNTS, 0, 0, key, value, None))
        yield name, count.messages


def bands_of_phone(told: Mapping[bytes, bytes], phone_number_id: str) -> dict[bytes, bytes | None]:
    """What TIER makes of the counts, as far as a phone number's totals are concerned, by record key."""
    counts = Counts()
    counts.add(told)
    own = {name.record_key for name, _ in messages(told) if name.phone_number_id == phone_number_id}
    return {key: value for key, value in counts.bands().items() if key in own}
