"""The commands that look at what was left out of a running system, and change it, on the embedded broker with real workers."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from pathlib import Path

import orjson
import pytest

from rating.stage import Record
from streams import topic_reader, topics
from streams.commands import publish, send
from streams.demo import MESSAGES
from streams.kafka import clients
from streams.results import RATED, nanos
from streams.settings import Settings
from streams.topic_reader import TopicReader
from tests.cli import rated_system
from tests.cli.conftest import UTILITY, Wameter

EVENTS = 2500
SEED = 17


@pytest.fixture(scope="module")
def system(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Sample traffic, rated to the end; it has unrated deliveries and damaged records. The tests below follow each other on it."""
    settings = Settings(bootstrap=embedded_broker, prefix="orders.", app_id="orders", partitions=2)
    rated_system.publish(settings, SEED, EVENTS)
    asyncio.run(send(settings, MESSAGES, [(b"7", b"{"), (b"7", b'{"v":1,"type":"message.forgotten"}')]))
    rated_system.rate(settings, tmp_path_factory.mktemp("workers"))
    return settings


@pytest.fixture(autouse=True)
def _environment(system: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bootstrap", "prefix", "app_id", "partitions"):
        monkeypatch.setenv(f"WAMETER_{name.upper()}", str(getattr(system, name)))


async def _lines(reader: TopicReader) -> list[dict[str, object]]:
    found = [orjson.loads(record.value or b"") async for record in reader.records(RATED)]
    return sorted(found, key=lambda line: str(line["line_id"]))


def test_unrated_are_listed_by_what_they_lack_and_shown_one_by_one(wameter: Wameter) -> None:
    records = wameter("unrated", "list", "--json", "-").records
    assert len(records) > 3
    table = wameter("unrated", "list").out
    reasons = Counter(record["reason"] for record in records)
    assert all(reason in table for reason in reasons)
    assert table.splitlines()[-1].split() == ["all", str(len(records))]
    (reason, count), *_ = reasons.items()
    assert len(wameter("unrated", "list", "--reason", reason, "--json", "-").records) == count
    first = records[0]
    for wanted in (first["delivery_id"], first["message_id"]):
        shown = wameter("unrated", "show", wanted).out
        assert first["delivery_id"] in shown
        assert first["reason"] in shown
    assert wameter("unrated", "list", "--account", "nobody").out == "nothing that is unrated matches\n"
    missing = wameter("unrated", "show", "nothing")
    assert (missing.code, missing.err) == (
        2,
        "wameter unrated show: nothing is not unrated: it has a price, waits for its category, or was never delivered\n",
    )


def test_rejected_are_listed_and_shown_without_their_bytes_unless_asked(wameter: Wameter) -> None:
    records = wameter("rejected", "list", "--json", "-").records
    assert records
    table = wameter("rejected", "list").out
    assert all(record["reason"] in table for record in records)
    shown = wameter("rejected", "show", records[0]["place"]).out
    assert records[0]["reason"] in shown
    raw = base64.b64decode(records[0]["raw_base64"])
    assert raw.decode(errors="replace") not in shown
    assert wameter("rejected", "show", records[0]["place"], "--raw").out.encode(errors="surrogateescape").startswith(raw[:20])
    assert wameter("rejected", "show", "whatsapp.messages:9:9").code == 2


def test_what_an_older_version_refused_is_sent_again_byte_by_byte(
    embedded_broker: str, wameter: Wameter, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(bootstrap=embedded_broker, prefix="older.", app_id="older", partitions=2)
    asyncio.run(topics.create(settings))
    asyncio.run(_refuse_all(settings, [UTILITY.splitlines()[1], b"{"]))
    monkeypatch.setenv("WAMETER_PREFIX", "older.")
    assert "it can be read by now" in wameter("rejected", "show", "whatsapp.messages:0:0").out
    ran = wameter("rejected", "redrive", "--all")
    assert (ran.code, ran.out.splitlines()[0]) == (1, "1 of 2 records were sent again")
    sent = topic_reader.run(settings, _messages)
    assert [(record.key, record.value) for record in sent] == [(b"7", UTILITY.splitlines()[1])]


async def _refuse_all(settings: Settings, values: list[bytes]) -> None:
    async with clients.publisher(settings) as producer:
        for offset, value in enumerate(values):
            headers = {
                "reason": b"unknown_type",
                "detail": b"",
                "topic": b"whatsapp.messages",
                "partition": b"0",
                "offset": str(offset).encode(),
            }
            await producer.send_and_wait(f"{settings.prefix}usage.rejected", value, b"7", headers=list(headers.items()))


async def _messages(reader: TopicReader) -> list[Record]:
    return [record async for record in reader.records(MESSAGES)]


def test_what_is_still_refused_is_not_sent_again(wameter: Wameter) -> None:
    ran = wameter("rejected", "redrive", "--all")
    assert ran.code == 1
    assert ran.out.startswith("0 of ")
    assert "this version refuses it too" in ran.err
    assert wameter("rejected", "redrive").code == 2


def test_a_void_says_what_it_comes_to_and_changes_nothing_until_it_is_applied(
    system: Settings, wameter: Wameter, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = topic_reader.run(system, _lines)
    in_force = {line["line_id"]: line for line in before if line["kind"] == "charge"}
    for line in before:
        in_force.pop(line["reverses"], None)
    chosen = [line for line in in_force.values() if line["outcome"] == "charged"][:5]
    messages = tmp_path / "messages.txt"
    messages.write_text("\n".join(str(line["message_id"]) for line in chosen))
    asked = ("void", "--messages", messages, "--reason", "load test")
    ran = wameter(*asked)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "nothing was changed; --apply does it")
    assert topic_reader.run(system, _lines) == before

    applied = wameter(*asked, "--apply", "--id", "v-1")
    assert (applied.code, applied.err) == (0, "")
    wameter(*asked, "--apply", "--id", "v-1")
    publish(system, [{"type": "redrive", "id": "r-1", "phone_number_id": str(chosen[0]["phone_number_id"])}])
    rated_system.rate(system, tmp_path_factory.mktemp("workers"))

    after = topic_reader.run(system, _lines)
    reversals = [line for line in after if line.get("cause")]
    voided = {line["message_id"] for line in chosen}
    expected = [line["line_id"] for line in in_force.values() if line["message_id"] in voided]
    assert sorted(str(line["reverses"]) for line in reversals) == sorted(map(str, expected))
    assert {orjson.dumps(line["cause"]) for line in reversals} == {b'{"type":"void","id":"v-1","reason":"load test"}'}
    assert sum(nanos(str(line["amount"])) for line in reversals) == sum(
        nanos(str(line["amount"])) for line in in_force.values() if line["message_id"] in voided
    )
    audit = wameter("audit")
    assert audit.code == 0, audit.out
    count = str(len(reversals))
    assert ["voided", count, count] in [line.split() for line in audit.out.splitlines()]
    told = wameter("explain", str(chosen[0]["message_id"])).out
    assert "taken back for good: load test" in " ".join(told.split())


def test_a_void_of_what_nobody_knows_is_refused_in_a_sentence(wameter: Wameter) -> None:
    ran = wameter("void", "wamid.typo", "--reason", "test")
    assert (ran.code, ran.err) == (
        2,
        "wameter void: wamid.typo: nothing was published of it; check the id, or name its business phone number with --phone-number\n",
    )
    assert (
        wameter("void", "--reason", "test").err
        == "wameter void: no message is named; give message ids, or --messages with a file of them\n"
    )


def test_redriving_what_still_lacks_its_price_leaves_it_unrated(
    system: Settings, wameter: Wameter, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = wameter("unrated", "list", "--json", "-").records
    reason = before[0]["reason"]
    ran = wameter("unrated", "redrive", "--reason", reason, "--id", "again")
    assert ran.code == 0
    assert "commands published, id again" in ran.out
    wameter("unrated", "redrive", before[-1]["delivery_id"])
    rated_system.rate(system, tmp_path_factory.mktemp("workers"))
    assert wameter("unrated", "list", "--json", "-").records == before
    assert wameter("unrated", "redrive").err.startswith("wameter unrated redrive: say which deliveries")
    assert wameter("unrated", "redrive", "--all", "--reason", reason).code == 2
