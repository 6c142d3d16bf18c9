"""`wameter explain` and `wameter quote` against a system that has rated traffic, on the embedded broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import orjson
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streams import topic_reader
from streams.demo import traffic
from streams.kafka.partitioner import partition_of
from streams.results import RATED, UNRATED
from streams.settings import Settings
from streams.topic_reader import TopicReader
from tests.cli import rated_system
from tests.cli.conftest import Wameter

EVENTS = 1500
SEED = 11


@pytest.fixture(scope="module")
def system(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Sample traffic, rated to the end."""
    settings = Settings(bootstrap=embedded_broker, prefix="explain.", app_id="explain", partitions=2)
    rated_system.publish(settings, SEED, EVENTS)
    rated_system.rate(settings, tmp_path_factory.mktemp("workers"))
    return settings


def flags(settings: Settings) -> tuple[str, ...]:
    return ("--bootstrap", settings.bootstrap, "--prefix", settings.prefix, "--app-id", settings.app_id)


async def _published(reader: TopicReader) -> tuple[dict[str, dict[str, object]], dict[str, dict[str, object]]]:
    """The line in force, and the unrated record, of each delivery."""
    lines: dict[str, dict[str, object]] = {}
    async for record in reader.records(RATED):
        line = orjson.loads(record.value or b"")
        if line["kind"] == "charge":
            lines[line["delivery_id"]] = line
        else:
            lines.pop(line["delivery_id"], None)
    unrated: dict[str, dict[str, object]] = {}
    async for record in reader.records(UNRATED):
        name = (record.key or b"").decode()
        unrated.pop(name, None)
        if record.value is not None:
            unrated[name] = orjson.loads(record.value)
    return lines, unrated


def test_what_the_workers_published_is_explained(system: Settings, wameter: Wameter) -> None:
    lines, unrated = topic_reader.run(system, _published)
    by_reason = {str(line["reason"]): line for line in lines.values()}
    assert len(by_reason) >= 5
    for line in [*by_reason.values(), *list(unrated.values())[:2]]:
        phone = ("--phone-number", str(line["phone_number_id"])) if line["reason"] != "marketing" else ()
        ran = wameter("explain", line["message_id"], "--json", *phone, *flags(system))
        assert ran.code == 0, ran.err
        (facts,) = ran.records
        delivery = next(each for each in facts["deliveries"] if each["delivery_id"] == line["delivery_id"])
        note = facts["notes"][facts["deliveries"].index(delivery)]
        if "line_id" in line:
            assert (delivery["due"]["amount"], delivery["due"]["reason"]) == (line["amount"], line["reason"])
            assert note.startswith("the workers have published the same: ")
        else:
            assert delivery["unpriced"]["reason"] == line["reason"]
            assert note == "the workers have published no line for it"
        assert delivery["events"][0]["where"].startswith("whatsapp.messages partition ")


def test_a_message_that_no_topic_holds_was_never_seen(system: Settings, wameter: Wameter) -> None:
    ran = wameter("explain", "wamid.nowhere", *flags(system))
    assert ran.code == 1
    assert f"None of the {EVENTS:,} events in explain.whatsapp.messages, partitions 0, 1 is about this message" in " ".join(ran.out.split())


def test_a_quote_knows_the_window_of_a_running_system(system: Settings, wameter: Wameter) -> None:
    received = next(event for event in _events() if event["type"] == "message.received" and event["user"].startswith("+"))
    asked = ("--account", received["account_id"], "--to", received["user"], "--category", "utility", "--at", received["time"])
    ran = wameter("quote", *asked, "--phone-number", received["phone_number_id"], "--json", *flags(system))
    assert ran.records[0]["window_is_open"] is True
    assert received["user"][1:] not in ran.out
    assert wameter("quote", *asked, "--json", *flags(system)).records[0]["window_is_open"] is None


def _events() -> Iterator[dict[str, str]]:
    for _, raw in traffic(SEED, EVENTS):
        try:
            event = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if event.get("kind") not in ("reaction", "system") and not event.get("edited"):
            yield event


def test_what_the_topic_holds_no_longer_is_said(system: Settings, wameter: Wameter) -> None:
    """Ten records of a partition go, as they do when their time is over."""
    topic = TopicPartition(f"{system.prefix}whatsapp.messages", 0)
    asyncio.run(_forget(system, topic, 10))
    ran = wameter("explain", "wamid.nowhere", "--json", *flags(system))
    assert ran.records[0]["notes"] == [
        "explain.whatsapp.messages partition 0 begins at offset 10: what older events said is not in this explanation"
    ]
    assert ran.records[0]["records_read"] == EVENTS - 10
    asked = ("--account", "1", "--to", "+33612345678", "--category", "utility", "--phone-number", _number_in(0), "--json")
    assert wameter("quote", *asked, *flags(system)).records[0]["notes"] == ran.records[0]["notes"]
    narrow = wameter("explain", "wamid.nowhere", "--json", "--phone-number", "7", *flags(system))
    assert narrow.records[0]["notes"][-1] == "only the partition of phone number 7 was read; without --phone-number all of them are"


async def _forget(settings: Settings, topic: TopicPartition, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({topic: RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


def _number_in(partition: int) -> str:
    """A phone number whose events lie in a partition."""
    return next(number for number in map(str, range(100)) if partition_of(number.encode(), 2) == partition)
