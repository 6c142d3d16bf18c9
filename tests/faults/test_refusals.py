"""Faults after which going on could lose or repeat something: the worker ends, a new start says the same, and a person decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError

from streams import topics
from streams.demo import MESSAGES
from streams.errors import WRONG_USE
from streams.guards.fatal import Exit
from streams.results import RATED
from tests.faults import raw_log
from tests.faults.checks import check
from tests.faults.pipeline import MENDED_BY_A_NEW_START, STATE, Pipeline, admin, until
from tests.faults.play import Play

pytestmark = pytest.mark.kafka


async def test_a_lost_changelog_is_no_empty_one(play: Play) -> None:
    await make_anew(play.pipeline, STATE)
    said = await refused(play)
    assert "the group has committed offset" in said
    assert "Restore that topic" in said


async def test_records_that_retention_deleted_before_they_were_read_are_not_passed_over(play: Play) -> None:
    await play.publish_rest()
    async with raw_log.connect(play.pipeline.settings.bootstrap) as consumer:
        places = [TopicPartition(play.pipeline.settings.prefix + MESSAGES, number) for number in range(2)]
        ends = await consumer.end_offsets(places)
    async with admin(play.pipeline.settings) as client:
        await client.delete_records({place: RecordsToDelete(before_offset=end) for place, end in ends.items()})
    assert f"{MESSAGES} partition" in await refused(play)


async def test_partitions_that_were_added_behind_our_back_stop_the_pipeline_before_a_key_has_two_states(play: Play) -> None:
    pipeline = play.pipeline
    worker = await pipeline.worker()
    await worker.opened(2)
    async with admin(pipeline.settings) as client:
        await client.create_partitions({pipeline.settings.prefix + MESSAGES: NewPartitions(3)})
    before = len(pipeline.sent)
    await play.publish_rest()
    assert await worker.ended() == Exit.REFUSED, worker.said()
    assert len(pipeline.sent) > before
    again = await pipeline.worker(drain=True)
    assert await again.ended() == WRONG_USE, again.said()
    assert f"{MESSAGES} has 3 partitions, but the setting partitions says 2" in again.said()


async def test_a_deleted_output_topic_ends_the_worker_and_the_next_one_says_what_is_missing(play: Play) -> None:
    pipeline = play.pipeline
    worker = await pipeline.worker(batch_max_records=5)
    await worker.opened(2)
    async with admin(pipeline.settings) as client:
        await client.delete_topics([pipeline.settings.prefix + RATED])
    await play.publish_rest()
    assert await worker.ended() in {*MENDED_BY_A_NEW_START, Exit.REFUSED}, worker.said()
    again = await pipeline.worker(drain=True)
    assert await again.ended() == WRONG_USE, again.said()
    assert f"{pipeline.settings.prefix}{RATED} does not exist; make it with `wameter topics create`" in again.said()


async def test_a_worker_with_another_catalog_is_refused_and_the_first_goes_on(play: Play, tmp_path: Path) -> None:
    first = await play.pipeline.worker("w1")
    await first.opened(2)
    other = await play.pipeline.worker("w2", catalog=another_catalog(tmp_path / "catalog"))
    assert await other.ended() in (WRONG_USE, Exit.REFUSED), other.said()
    (sentence,) = [line for line in other.said().splitlines() if "catalog" in line]
    assert "Traceback" not in other.said()
    assert "wameter" in sentence or '"reason"' in sentence
    await play.publish_rest()
    await play.pipeline.read_up()
    await first.stop()
    await check(play.pipeline, await play.pipeline.drain_all())


async def refused(play: Play) -> str:
    """A new worker ends with the code that calls a person, twice, and commits nothing."""
    for _ in range(2):
        worker = await play.pipeline.worker(drain=True)
        assert await worker.ended() == Exit.REFUSED, worker.said()
        assert "Traceback" not in worker.said()
    return worker.said()


async def make_anew(pipeline: Pipeline, name: str) -> None:
    """Deletes a topic and makes it again, empty."""
    full = pipeline.settings.prefix + name
    (topic,) = [topic for topic in topics.WORKER if topic.name == name]
    async with admin(pipeline.settings) as client:
        await client.delete_topics([full])

        async def is_there() -> bool:
            try:
                await client.create_topics([NewTopic(full, pipeline.settings.partitions, 1, topic_configs=topic.config(1))])
            except KafkaError:
                return False
            return full in await client.list_topics()

        await until(is_there, f"{name} is there again, and empty")


def another_catalog(directory: Path) -> Path:
    """The shipped one with a price of today changed."""
    (directory / "cards").mkdir(parents=True)
    card = "currency,market,category,tier_from,tier_to,rate,effective_from,source\nUSD,France,marketing,1,,0.9999,2030-01-01,a test\n"
    (directory / "cards" / "other-usd-2030-01-01.csv").write_text(card)
    return directory
