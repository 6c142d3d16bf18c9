"""What must hold after every round, whatever happened in it. Every check reads what lies on the broker; none takes the worker's word.

- The totals, the lines in force, the unrated and the rejected are the oracle's, computed from what was published.
- At every commit the lines add up to the totals, no line id comes twice, revisions grow by one, and a reversal takes back the line
  in force.
- What the worker held in memory is what the changelog restores, and that is what the input's log gives when it is read again from its
  beginning.
- No transaction is left open, nothing is left unread.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import TopicPartition

from rating.ids import delivery_id
from rating.stage import Output, Record
from streams import topic_reader
from streams.cards.catalog_files import read_shipped
from streams.demo import ACCOUNTS, MESSAGES
from streams.results import RATED, REJECTED, TOTALS, UNRATED
from streams.settings import Settings
from streams.state import positions
from streams.state.store import Store
from tests.faults import raw_log
from tests.faults.pipeline import STATE, Pipeline, Worker
from tests.faults.raw_log import Transaction
from tests.faults.states import as_far_as_told, replayed
from tests.faults.traffic import Sent
from tests.faults.worker_process import MEMORY, digest
from tests.laws.driver import decided_by_oracle, difference, in_any_band, unrated_by_oracle, unrated_published
from tests.laws.watch import Watch, decided, must
from tests.oracle import Total, TotalKey, rate_all


@dataclass
class Checked:
    """What a round's log showed beside being right."""

    commits: int = 0
    aborted: int = 0
    """Records that no reader of committed records sees."""
    lines: int = 0
    totals: int = 0


@dataclass
class Expected:
    """The oracle's result of everything that was published."""

    lines: dict[str, Any] = field(default_factory=dict)
    bands: dict[str, frozenset[Any]] = field(default_factory=dict)
    """By delivery, the prices of the volume bands that its total's messages lie in."""
    unrated: dict[str, Any] = field(default_factory=dict)
    totals: dict[TotalKey, Total] = field(default_factory=dict)
    rejected: int = 0


async def check(pipeline: Pipeline, drained: Worker | None = None, *, same_history: bool = True) -> Checked:
    """Raises `AssertionError` with what does not hold. `drained` is the worker that came to the end.

    `same_history` is False where profiles came while events were rated: then the state may remember another way to the same end.
    """
    settings = pipeline.settings
    names = (RATED, TOTALS, STATE)
    async with raw_log.connect(settings.bootstrap) as consumer:
        partitions = [TopicPartition(settings.prefix + name, number) for name in names for number in range(settings.partitions)]
        log = await raw_log.transactions(consumer, partitions)
    async with topic_reader.connect(settings) as reader:
        records = {name: [record async for record in reader.records(name)] for name in (MESSAGES, ACCOUNTS, STATE, UNRATED, REJECTED)}
    published = Counter((record.key, record.value) for record in records[MESSAGES])
    must(published == Counter((sent.key, sent.value) for sent in pipeline.sent), "the input's log holds what was published")
    _nothing_is_open(log)

    expected = expect(pipeline.sent, pipeline.traffic.versions)
    watches = at_every_commit(settings, log)
    _compare(expected, watches, records[UNRATED], records[REJECTED])
    for number in range(settings.partitions):
        _same_state(settings, number, records, drained, same_history=same_history)
    return Checked(
        commits=sum(each.committed is True for entries in log.values() for each in entries),
        aborted=sum(len(each.records) for entries in log.values() for each in entries if each.committed is False),
        lines=sum(len(watch.line_ids) for watch in watches),
        totals=len(expected.totals),
    )


def expect(sent: Sequence[Sent], versions: Sequence[Mapping[str, Any]]) -> Expected:
    """The oracle's result. Phone numbers share only volume bands, which this traffic is too small to fill: each is rated by itself."""
    by_key: defaultdict[bytes | None, list[bytes]] = defaultdict(list)
    expected = Expected()
    for record in sent:
        if record.value is None or not record.value.strip():
            expected.rejected += 1  # to the oracle, which reads files, a blank line is none
        else:
            by_key[record.key].append(record.value)
    catalog = read_shipped()
    for values in by_key.values():
        result = rate_all(values, versions, catalog)
        expected.lines |= {delivery_id(*key): decided_by_oracle(line) for key, line in result.lines.items()}
        expected.bands |= {delivery_id(*key): line.bands for key, line in result.lines.items()}
        expected.unrated |= {delivery_id(*key): unrated_by_oracle(each) for key, each in result.unrated.items()}
        expected.totals |= result.totals
        expected.rejected += len(result.rejected)
    return expected


def at_every_commit(settings: Settings, log: Mapping[TopicPartition, Sequence[Transaction]]) -> list[Watch]:
    """Watches what each partition of METER published, commit by commit.

    Lines and totals of an account lie in the same partition number of their topics, and a step that publishes one publishes the other: so
    their transactions correspond one by one.
    """

    def of(topic: str, number: int, producers: set[int]) -> list[Transaction]:
        entries = log[TopicPartition(settings.prefix + topic, number)]
        return [each for each in entries if each.committed and each.producer_id in producers]

    watches = []
    for meter in range(settings.partitions):
        producers = {each.producer_id for each in log[TopicPartition(settings.prefix + STATE, meter)]}
        for number in range(settings.partitions):
            lines, totals = of(RATED, number, producers), of(TOTALS, number, producers)
            must(len(lines) == len(totals), "lines and totals are committed together", meter, number, len(lines), len(totals))
            watches.append(Watch())
            for line, total in zip(lines, totals, strict=True):
                watches[-1].step(list(_outputs(RATED, line)) + list(_outputs(TOTALS, total)), of_one_record=False)
    return watches


def _outputs(topic: str, transaction: Transaction) -> Iterator[Output]:
    return (Output(topic, record.key, record.value, headers=record.headers) for record in transaction.records)


def _nothing_is_open(log: Mapping[TopicPartition, Sequence[Transaction]]) -> None:
    left = [partition for partition, entries in log.items() for each in entries if each.committed is None]
    must(not left, "no transaction is left open", left)


def _compare(expected: Expected, watches: Sequence[Watch], unrated: Sequence[Record], rejected: Sequence[Record]) -> None:
    lines: dict[str, Any] = {}
    totals: dict[TotalKey, Total] = {}
    seen: set[str] = set()
    for watch in watches:
        must(seen.isdisjoint(watch.line_ids), "no line id comes twice", seen & watch.line_ids)
        seen |= watch.line_ids
        lines |= {each: in_any_band(decided(line), expected.bands.get(each, frozenset())) for each, line in watch.live.items()}
        must(totals.keys().isdisjoint(watch.totals), "a total has one writer", totals.keys() & watch.totals.keys())
        totals |= watch.totals_with_messages()
    must(totals == expected.totals, "the totals are the oracle's", *difference(totals, expected.totals))
    must(lines == expected.lines, "the lines in force are the oracle's", *difference(lines, expected.lines))
    latest: dict[str, Any] = {}
    for record in unrated:
        latest[(record.key or b"").decode()] = None if record.value is None else unrated_published(orjson.loads(record.value))
    found = {key: value for key, value in latest.items() if value is not None}
    must(found == expected.unrated, "the unrated are the oracle's", *difference(found, expected.unrated))
    places = Counter((headers["partition"], headers["offset"]) for headers in (dict(record.headers) for record in rejected))
    must(set(places.values()) <= {1}, "a record is rejected once", places.most_common(1))
    must(len(places) == expected.rejected, "the rejected are the oracle's", len(places), expected.rejected)


def _same_state(
    settings: Settings, number: int, records: Mapping[str, Sequence[Record]], drained: Worker | None, *, same_history: bool
) -> None:
    """Memory = changelog = replayed from the log."""
    changelog = Store()
    changelog.restore((record.key or b"", record.value) for record in records[STATE] if record.partition == number)
    if drained is not None:
        told = [line.split()[-1] for line in drained.said().splitlines() if line.startswith(f"{MEMORY} {number} ")]
        must(bool(told), "a worker that drained had opened every partition", number)
        must(told[-1] == digest(changelog.items()), "what the worker remembers is what the changelog holds", number)
    messages = [record for record in records[MESSAGES] if record.partition == number]
    read = positions.position(changelog, MESSAGES, number) or 0
    must(read >= (messages[-1].offset + 1 if messages else 0), "everything is read", number, read)
    again = replayed(settings, records[ACCOUNTS], messages)
    found, expected = (as_far_as_told(store, same_history=same_history) for store in (changelog, again))
    must(found == expected, "the state is what the log gives when it is read again", *difference(found, expected))
