"""The audit accounts for every event and every delivery, and finds each planted fault."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from rating.stage import Output, Record
from streams.audit import MESSAGES, Audit
from streams.demo import ACCOUNTS
from streams.offline import run
from streams.results import RATED, REJECTED, TOTALS, UNRATED
from streams.settings import Settings
from streams.stages import meter_of
from streams.traffic import keyed_events, profiles

Topics = dict[str, list[Record]]


@pytest.fixture(scope="module")
def rated() -> Topics:
    """The topics after 6,000 events of sample traffic, damaged ones among them."""
    topics: defaultdict[str, list[Record]] = defaultdict(list)
    for offset, (key, value) in enumerate(keyed_events(11, 6000, damaged=True)):
        topics[MESSAGES].append(Record(MESSAGES, 0, offset, key, value, None))
    topics[MESSAGES].append(Record(MESSAGES, 0, 6000, b"7", b"{", None))
    accounts = [Record(ACCOUNTS, 0, offset, None, profile, None) for offset, profile in enumerate(profiles())]
    output: Output
    for output in run(meter_of(Settings()), [*accounts, *topics[MESSAGES]]):
        records = topics[output.topic]
        records.append(Record(output.topic, 0, len(records), output.key, output.value, None, output.headers))
    return dict(topics)


@pytest.fixture
def topics(rated: Topics) -> Topics:
    return {name: list(records) for name, records in rated.items()}


def audited(topics: Topics) -> Audit:
    audit = Audit()
    takes = {REJECTED: audit.rejected, RATED: audit.line, TOTALS: audit.total, UNRATED: audit.unrated, MESSAGES: audit.message}
    for topic, take in takes.items():
        for record in topics[topic]:
            take(record)
    return audit


def laws_broken(topics: Topics) -> set[str]:
    audit = audited(topics)
    audit.deliveries()
    return {finding.law for finding in audit.findings()}


def changed(record: Record, **fields: Any) -> Record:
    return replace(record, value=json.dumps({**json.loads(record.value or b""), **fields}).encode())


def first(records: list[Record], **fields: Any) -> int:
    """The place of the first record with these fields."""
    return next(at for at, record in enumerate(records) if fields.items() <= json.loads(record.value or b"{}").items())


def test_every_event_is_on_exactly_one_side(topics: Topics) -> None:
    audit = audited(topics)
    assert audit.read == len(topics[MESSAGES]) == 6001
    assert all(audit.events[side] > 0 for side in ("applied", "duplicate", "superseded", "informational", "rejected"))


def test_every_delivery_is_charged_free_or_unrated_once_all_waits_have_ended(topics: Topics) -> None:
    deliveries = audited(topics).deliveries()
    assert deliveries["pending"] == 0
    assert all(deliveries[side] > 0 for side in ("charged", "free", "unrated"))


def test_nothing_is_found_where_nothing_is_wrong(topics: Topics) -> None:
    assert laws_broken(topics) == set()


def lose_a_line(topics: Topics) -> None:
    del topics[RATED][first(topics[RATED], outcome="charged")]


def repeat_a_line(topics: Topics) -> None:
    topics[RATED].append(topics[RATED][0])


def change_a_total(topics: Topics) -> None:
    topics[TOTALS][-1] = changed(topics[TOTALS][-1], messages=999)


def lose_a_nano(topics: Topics) -> None:
    at = first(topics[RATED], outcome="charged", cost="0.0220")
    topics[RATED][at] = changed(topics[RATED][at], cost="0.021999999")


def reverse_twice(topics: Topics) -> None:
    reversal = topics[RATED][first(topics[RATED], kind="reversal")]
    topics[RATED].append(changed(reversal, line_id="another"))


def reverse_too_little(topics: Topics) -> None:
    at = first(topics[RATED], kind="reversal", outcome="charged")
    topics[RATED][at] = changed(topics[RATED][at], amount="0.0001")


def bill_what_was_never_delivered(topics: Topics) -> None:
    topics[RATED].append(changed(topics[RATED][0], line_id="another", delivery_id="nobody"))


def rate_and_leave_unrated(topics: Topics) -> None:
    line = json.loads(topics[RATED][first(topics[RATED], revision=1)].value or b"")
    topics[UNRATED].append(Record(UNRATED, 0, 0, line["delivery_id"].encode(), b"{}", None))


def swallow_a_reject(topics: Topics) -> None:
    topics[REJECTED].pop()


def reject_what_was_fine(topics: Topics) -> None:
    reject = topics[REJECTED][0]
    headers = [(name, b"0" if name == "offset" else value) for name, value in reject.headers]
    topics[REJECTED].append(replace(reject, headers=headers))


def reject_twice(topics: Topics) -> None:
    topics[REJECTED].append(topics[REJECTED][0])


@pytest.mark.parametrize(
    ("fault", "law"),
    [
        (lose_a_line, "the lines of a total add up to it"),
        (repeat_a_line, "every line id appears once"),
        (change_a_total, "the lines of a total add up to it"),
        (lose_a_nano, "the lines of a total add up to it"),
        (reverse_twice, "a reversal takes back a line that is in force"),
        (reverse_too_little, "a reversal has the figures of what it takes back"),
        (bill_what_was_never_delivered, "what is rated or unrated was delivered or read"),
        (rate_and_leave_unrated, "a delivery is rated once, or unrated, never both"),
        (swallow_a_reject, "every rejected record is in usage.rejected, and nothing else is"),
        (reject_what_was_fine, "every rejected record is in usage.rejected, and nothing else is"),
        (reject_twice, "a record is rejected once"),
    ],
)
def test_a_planted_fault_is_found(topics: Topics, fault: Callable[[Topics], None], law: str) -> None:
    fault(topics)
    assert law in laws_broken(topics)


def test_a_delivery_that_nobody_rated_shows_as_pending(topics: Topics) -> None:
    lose_a_line(topics)
    assert audited(topics).deliveries()["pending"] == 1


def test_unlike_copies_of_one_time_and_id_are_counted(topics: Topics) -> None:
    at = first(topics[MESSAGES], type="message.received")
    topics[MESSAGES].append(replace(changed(topics[MESSAGES][at], kind="audio"), offset=6001))
    audit = audited(topics)
    assert audit.unlike_copies == 1
    assert audit.read == 6002
    assert isinstance(audit.events, Counter)
