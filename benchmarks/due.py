"""What must come out: recomputed from the events, and compared with what lies in the topics afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.traffic import ACCOUNTS, MESSAGES, Traffic
from rating.stage import Record
from streams.kafka.reading import committed_records
from streams.offline import run
from streams.results import Results, differences
from streams.settings import Settings
from streams.stages import meter_of
from streams.traffic import profiles

LENGTH_MS = 24 * 60 * 60 * 1000


class Windows:
    """The peers' job, done once more without any of their code: per conversation, the answer due to each of its events in turn."""

    def __init__(self, traffic: Traffic) -> None:
        self.events = 0
        self.answers: dict[str, list[int]] = {}
        """By conversation; an answer is `last_inbound_ms * 2 + open`."""
        last: dict[str, int] = {}
        for _, raw in traffic.keyed():
            event = orjson.loads(raw)
            key = f"{event['phone_number_id']}|{event['user']}"
            at_ms = round(datetime.fromisoformat(event["time"]).timestamp() * 1000)
            if event["type"] == "message.received":
                last[key] = max(last.get(key, 0), at_ms)
            inbound_ms = last.get(key, 0)
            self.answers.setdefault(key, []).append(inbound_ms * 2 + (inbound_ms <= at_ms < inbound_ms + LENGTH_MS))
            self.events += 1

    async def problems_of_answers(self, bootstrap: str, topic: str, partitions: int, at_least: int) -> list[str]:
        """What is wrong with a peer's output: fewer answers than `at_least`, one twice, out of order, or with another state."""
        counts: dict[str, int] = {}
        wrong = 0
        async for _, value in _committed(bootstrap, topic, partitions):
            answer = orjson.loads(value or b"{}")
            key = f"{answer['phone_number_id']}|{answer['user']}"
            n = counts[key] = counts.get(key, 0) + 1
            due = self.answers.get(key, [])
            is_due = n == answer["n"] and n <= len(due) and due[n - 1] == answer["last_inbound_ms"] * 2 + answer["open"]
            wrong += not is_due
        put_out = sum(counts.values())
        problems = [f"{wrong:,} of {put_out:,} outputs are not what is due"] if wrong else []
        if put_out < at_least:
            problems.append(f"{put_out:,} outputs, {at_least:,} are due")
        return problems

    async def problems_of_state(self, bootstrap: str, topic: str, partitions: int) -> list[str]:
        """What is wrong with a changelog after all events: its latest values are the last state of every conversation."""
        latest = {key: value async for key, value in _committed(bootstrap, topic, partitions)}
        states = [orjson.loads(value) for value in latest.values() if value is not None and value.startswith(b"{")]
        # A changelog may hold more than the job's states: our engine keeps its positions there.
        found = sorted((state["n"], state["last_inbound_ms"] * 2 + state["open"]) for state in states if "n" in state)
        due = sorted((len(answers), answers[-1]) for answers in self.answers.values())
        return [] if found == due else [f"the changelog's {len(found):,} states are not the {len(due):,} due"]


def rated_offline(settings: Settings, traffic: Traffic) -> Results:
    """The same events through the same stage without a broker."""
    results = Results()

    def records() -> Iterable[Record]:
        for number, profile in enumerate(profiles(traffic.seed)):
            yield Record(ACCOUNTS, 0, number, orjson.loads(profile)["account_id"].encode(), profile, None)
        for number, (key, event) in enumerate(traffic.keyed()):
            yield Record(MESSAGES, 0, number, key, event, None)

    for output in run(meter_of(settings), records()):
        results.apply(output.topic, output.key, output.value, output.headers)
    return results


def problems_of_totals(found: Iterable[dict[str, Any]], due: Results) -> list[str]:
    """How totals differ from those of the offline rater."""
    different = list(differences(found, due.totals()))
    return [f"{len(different):,} totals differ, the first: {different[0]}"] if different else []


async def _committed(bootstrap: str, topic: str, partitions: int) -> AsyncIterator[tuple[bytes, bytes | None]]:
    """Key and value of every committed record."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    try:
        async for _, records, _ in committed_records(consumer, {TopicPartition(topic, number): 0 for number in range(partitions)}):
            for record in records:
                yield record.key, record.value
    finally:
        await consumer.stop()
