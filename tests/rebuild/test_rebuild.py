"""A state that was damaged or lost is made again from the topics, on the embedded broker with real workers.

The tests follow each other on one pipeline; what cannot be mended comes last.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from streams import topic_reader
from streams.commands import send
from streams.demo import MESSAGES
from streams.engine.transaction import TransactionLog, of_partition
from streams.errors import UserError
from streams.guards import identity
from streams.guards.fatal import Exit
from streams.rebuild.run import Partition, Rebuild
from streams.results import RATED
from streams.settings import Settings
from streams.topic_reader import TopicReader
from tests.cli.conftest import Wameter
from tests.rebuild.system import System

REBUILT = "wameter-meter-state-rebuilt"
NOBODY = "0" * 32


@pytest.fixture(scope="module")
def system(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> System:
    """One whose first part is rated."""
    system = System(embedded_broker, tmp_path_factory.mktemp("system"))
    system.begin()
    return system


@pytest.fixture(autouse=True)
def _meant(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    system.is_meant(monkeypatch)


@pytest.fixture
def unchanged(system: System) -> Iterator[System]:
    """The same for tests in which nothing is done to its state."""
    before = system.state()
    yield system
    assert system.state() == before


def test_a_state_of_other_rules_is_not_rebuilt_by_these(unchanged: System, wameter: Wameter) -> None:
    ran = wameter("rebuild", "--window-basis", "sent")
    assert (ran.code, ran.out) == (2, "")
    assert "window_basis was delivered, is sent here; the settings must be those of the workers" in ran.err


def test_other_prices_are_no_rebuild(unchanged: System, wameter: Wameter, tmp_path: Path) -> None:
    head = "effective_from,currency,market,category,tier_from,tier_to,rate,source,known_from\n"
    (tmp_path / "other" / "cards").mkdir(parents=True)
    (tmp_path / "other" / "cards" / "own.csv").write_text(f"{head}2026-01-01,USD,France,utility,1,,0.0311,list,\n")
    ran = wameter("rebuild", "--catalog", tmp_path / "other")
    assert ran.code == 1, ran


def member_of(settings: Settings) -> AIOKafkaConsumer:
    """What a worker is to the group."""
    return AIOKafkaConsumer(settings.prefix + MESSAGES, bootstrap_servers=settings.bootstrap, group_id=settings.app_id)


def test_nothing_is_done_while_a_worker_is_a_member_of_the_group(unchanged: System, wameter: Wameter) -> None:

    async def beside_a_member() -> None:
        member = member_of(unchanged.settings)
        await member.start()
        try:
            while not member.assignment():
                await member.getmany(timeout_ms=50)
            ran = await asyncio.to_thread(wameter, "rebuild")
        finally:
            await member.stop()
        assert (ran.code, ran.out) == (2, "")
        assert f"group {unchanged.settings.app_id} has 1 members: stop all workers" in ran.err

    asyncio.run(beside_a_member())


def test_a_damaged_state_is_made_again_and_rated_with_as_if_nothing_had_been(system: System, wameter: Wameter) -> None:
    before = system.state()
    system.damage()
    damaged = system.state()
    assert damaged != before
    dry = wameter("rebuild", "--dry-run")
    assert (dry.code, dry.err) == (0, "")
    assert dry.out.endswith("what a replay would publish is what is published; nothing was changed\n")
    assert system.state() == damaged
    ran = wameter("rebuild")
    assert (ran.code, ran.err) == (0, ""), ran
    assert "the rebuilt state is in force" in ran.out
    assert REBUILT not in system.topics()
    again = wameter("rebuild")
    assert again.out.endswith("the rebuilt state is in force: 0 keys were changed\n"), again.out
    reversals = sum(line["kind"] == "reversal" for line in system.lines())
    system.go_on()
    assert sum(line["kind"] == "reversal" for line in system.lines()) > reversals
    system.check(wameter)


def _of(state: dict[tuple[int, bytes | None], bytes], number: int) -> dict[bytes | None, bytes]:
    return {key: value for (partition, key), value in state.items() if partition == number}


def test_a_rebuild_that_is_killed_leaves_each_partition_its_old_or_its_new_state(system: System, wameter: Wameter) -> None:
    good = system.state()
    system.damage()
    damaged = system.state()
    for fault in ("after_state:1", "before_commit:3"):  # while it writes what it rebuilt; before it switches the first partition
        assert system.rebuild(fault) == -signal.SIGKILL, system.log.read_text()
        assert system.state() == damaged
    assert system.rebuild("after_commit:3") == -signal.SIGKILL, system.log.read_text()
    found = system.state()
    assert _of(found, 0) != _of(damaged, 0)
    assert _of(found, 1) == _of(damaged, 1)
    assert system.rebuild() == 0, system.log.read_text()
    assert _of(system.state(), 0) == _of(found, 0), "it was whole"
    assert set(system.state()) == set(good)
    system.go_on()
    system.check(wameter)


class Beaten(Rebuild):
    """A rebuild beside which a worker starts, just before the second partition is switched."""

    async def _switch(self, found: Partition, producer: TransactionLog) -> None:
        if found.number == 1:
            worker = of_partition(self._settings, "meter", 1)
            await worker.open()
            await worker.close()
        await super()._switch(found, producer)


def test_a_worker_that_starts_meanwhile_keeps_its_partition(system: System) -> None:
    system.damage()
    damaged = system.state()

    async def beaten() -> None:
        async with topic_reader.connect(system.settings, knows_group=False) as reader:
            await Beaten(system.settings, reader, lambda *_: None).run(dry_run=False)

    with pytest.raises(UserError, match=r"taken partition 1 over: it was not switched\. partitions before 1 have their rebuilt"):
        asyncio.run(beaten())
    assert _of(system.state(), 1) == _of(damaged, 1)
    assert _of(system.state(), 0) != _of(damaged, 0)


def test_a_state_that_this_version_cannot_read_is_rebuilt(system: System, wameter: Wameter) -> None:
    foreign = identity.encode({"allowance": "1000", "message_ids": "plain", "state_format": "1", "window_basis": "delivered"})
    unreadable = [(number, key or b"", b"\xc1") for (number, key) in system.state() if key is not None and key[:1] > b"\x00"]
    system.write_state([*unreadable, *((number, identity.KEY, foreign) for number in range(2))])
    ran = wameter("rebuild")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("–") == 8, "two states of different formats are not compared"
    system.go_on()
    system.check(wameter)


def test_a_changelog_that_was_lost_is_made_again_from_what_was_published(system: System, wameter: Wameter) -> None:
    system.lose()
    ran = wameter("rebuild")
    assert (ran.code, ran.err) == (0, ""), ran
    assert "partition 0: its state did not say how far it had come" in ran.out
    system.go_on()
    system.check(wameter)


def test_what_is_published_and_would_not_be_is_shown_and_nothing_is_changed(system: System, wameter: Wameter) -> None:
    forged = {
        **next(line for line in system.lines() if line["kind"] == "charge"),
        "delivery_id": "0" * 32,
        "line_id": f"{'0' * 32}-1-charge",
    }
    asyncio.run(send(system.settings, RATED, [(forged["account_id"].encode(), orjson.dumps(forged))]))
    system.damage()
    before = system.state()
    ran = wameter("rebuild")
    assert ran.code == 1
    assert "1 differences between what is published and what a replay would publish: nothing was changed" in ran.out
    assert NOBODY in ran.out
    assert system.state() == before
    assert REBUILT in system.topics(), "what was rebuilt can be looked at"


def test_of_what_is_gone_from_the_log_no_state_is_made(unchanged: System, wameter: Wameter) -> None:

    async def cut() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=unchanged.settings.bootstrap)
        await admin.start()
        await admin.delete_records({TopicPartition(unchanged.settings.prefix + MESSAGES, 1): RecordsToDelete(before_offset=5)})
        await admin.close()

    asyncio.run(cut())
    ran = wameter("rebuild")
    assert (ran.code, ran.out) == (2, "")
    assert f"{unchanged.settings.prefix}{MESSAGES} partition 1 begins at offset 5: a state cannot be made of what is gone" in ran.err


def test_a_worker_that_must_refuse_a_state_names_the_way_out(system: System) -> None:
    system.write_state([(0, identity.KEY, identity.encode({"state_format": "1"}))])
    assert system.work(group_instance_id="w1") == Exit.REFUSED
    assert "was made by state format 1, but this worker has 2: run the version that made it; or stop all workers" in system.log.read_text()
    system.lose()
    assert system.work(group_instance_id="w1") == Exit.REFUSED
    assert "was lost or changed. Restore that topic, or make METER's state again" in system.log.read_text()


@pytest.mark.kafka
@pytest.mark.slow
def test_what_a_killed_worker_had_not_told_the_group_is_found_by_its_outputs(
    kafka: str, tmp_path: Path, wameter: Wameter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Apache Kafka: the embedded broker never notices that a member is dead."""
    system = System(kafka, tmp_path)
    system.begin()
    system.is_meant(monkeypatch)
    system.send()
    told = offsets_of(system.settings)
    lines = len(system.lines())
    assert system.work("after_commit:9", batch_max_records=10) == -signal.SIGKILL
    system.lose()
    read = sum(offsets_of(system.settings)) - sum(told)
    assert len(system.lines()) > lines
    ran = wameter("rebuild")
    assert (ran.code, ran.err) == (0, ""), ran.out
    positions = [position for number in range(2) if (position := system.position(MESSAGES, number)) is not None]
    assert sum(positions) - sum(told) > read, "it had read more than it had told"
    assert system.work() == 0, system.log.read_text()
    system.check(wameter)


def offsets_of(settings: Settings) -> list[int]:
    """How far the group has read the events, as it tells."""

    async def read(reader: TopicReader) -> list[int]:
        return [lag.committed or 0 for lag in await reader.lags(MESSAGES)]

    return topic_reader.run(settings, read)
