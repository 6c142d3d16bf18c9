"""Two workers, and a catalog that comes into force while both run: one has it already, one does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from rating.activation import activation_of
from streams import topic_reader
from streams.activation import Plan, key_in
from streams.cards.catalog_files import load_directory
from streams.commands import TOPIC, send
from streams.guards.fatal import Exit
from streams.results import RATED
from tests.faults.pipeline import TIMEOUT_S, Pipeline
from tests.faults.test_commands_killed import catalog_in
from tests.faults.traffic import Traffic


@pytest.mark.timeout(240)  # against a hang; what it waits for has bounds of its own, and a fenced worker may be started again
async def test_workers_get_a_catalog_one_by_one_and_the_one_that_lacks_it_ends_when_it_comes_into_force(
    embedded_broker: str, tmp_path: Path
) -> None:
    former, learned = (catalog_in(tmp_path / name, learned=name == "learned") for name in ("former", "learned"))
    other = catalog_in(tmp_path / "other", learned=False)
    (other / "cards" / "own.csv").write_text((other / "cards" / "own.csv").read_text().replace("0.0300", "0.0299"))
    pipeline = Pipeline(embedded_broker, tmp_path, Traffic(5, 600, from_the_future=0))
    try:
        await pipeline.create_topics()
        await pipeline.publish(pipeline.traffic.records[:300])
        first = asyncio.create_task(pipeline.kept("w1", catalog=former))
        await pipeline.read_up()
        stranger = await pipeline.worker("w3", catalog=other)
        assert await stranger.ended() == Exit.REFUSED, stranger.said()
        assert "the other workers of the group decide by catalog" in stranger.said()
        second = asyncio.create_task(pipeline.kept("w2", catalog=learned))
        await pipeline.opened("w2")
        await pipeline.read_up()

        wanted = activation_of(load_directory(learned))
        command = {"type": "activate_catalog", "id": "a", "catalog": wanted.catalog, "known_at": wanted.known_at}
        await send(pipeline.settings, TOPIC, [(key_in(number, 2), orjson.dumps(command)) for number in range(2)])
        refused = await asyncio.wait_for(first, TIMEOUT_S)
        assert await refused.ended() == Exit.REFUSED, refused.said()
        assert f"in force is catalog {wanted.catalog[:12]} as known from 2026-10-03" in refused.said()
        await pipeline.publish(pipeline.traffic.records[300:])
        first = asyncio.create_task(pipeline.kept("w1", catalog=learned))
        await pipeline.read_up()
        assert not first.done()
        assert not second.done()
        async with topic_reader.connect(pipeline.settings) as reader:
            lines = [orjson.loads(record.value or b"") async for record in reader.records(RATED)]
        known = {line["known_at"] for line in lines}
        assert known == {None, "2026-10-03"}
        assert {line["catalog"] for line in lines if line["known_at"]} == {wanted.catalog[:12]}
    finally:
        await pipeline.close()


def test_a_plan_says_where_something_changes() -> None:
    wanted = activation_of(load_directory(None))
    assert Plan(wanted, {0: wanted, 1: None}, continues=True).changes == [1]
