"""A worker is killed in open transactions while it carries out large commands: redrive, void, reprice. Each has its effect once."""

from __future__ import annotations

import signal
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from rating.activation import activation_of
from rating.commands import TOPIC
from rating.stage import Record
from streams import topics
from streams.activation import key_in
from streams.cards.catalog_files import load_directory
from streams.commands import send
from streams.demo import ACCOUNTS, MESSAGES, publish_profiles, publish_traffic, results_of, traffic
from streams.guards.faults import OPEN_TRANSACTION
from streams.offline import run
from streams.results import RATED, Results, differences, nanos
from streams.settings import Settings
from streams.stages import meter_of
from streams.traffic import profiles
from tests.engine.real_worker import killable, records, work
from tests.faults.test_ten_kills import voided

EVENTS = 6000
SEED = 23
KILLS = 5
ATTEMPTS = 12
ALONE = ("tests.faults.meter_alone",)
HEAD = "effective_from,currency,market,category,tier_from,tier_to,rate,source,known_from\n"


def catalog_in(folder: Path, *, learned: bool) -> Path:
    """Indian authentication has no rate at first, and one from 2026-10-03 on; French utility has another by then."""
    rows = [
        "2025-10-01,INR,India,authentication,1,,,test,",
        "2026-01-01,USD,France,utility,1,,0.0300,test,",
        *(
            ["2025-10-01,INR,India,authentication,1,,0.1150,test,2026-10-03", "2026-01-01,USD,France,utility,1,,0.0311,test,2026-10-03"]
            * learned
        ),
    ]
    (folder / "cards").mkdir(parents=True)
    (folder / "cards" / "own.csv").write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return folder


def commands(lines: Iterable[dict[str, Any]], learned: Path) -> list[tuple[bytes, bytes]]:
    """Key and value of what is asked for: the catalog, then for each phone number redrive, voids and reprice; some of it twice."""
    wanted = activation_of(load_directory(learned))
    catalog = {"catalog": wanted.catalog, "known_at": wanted.known_at}
    found = [(key_in(number, 2), {"type": "activate_catalog", "id": "a", **catalog}) for number in range(2)]
    by_phone: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines:
        by_phone[line["phone_number_id"]].append(line["message_id"])
    for phone, messages in sorted(by_phone.items()):
        void = {"type": "void", "id": "v", "phone_number_id": phone, "message_ids": sorted(set(messages))[::4][:1000], "reason": "test"}
        asked: list[dict[str, Any]] = [
            {"type": "redrive", "id": "d", "phone_number_id": phone},
            void,
            {"type": "reprice", "id": "r", "phone_number_id": phone, **catalog},
        ]
        found += [(phone.encode(), command) for command in (*asked, *asked[::-1], {**asked[2], "id": "r2"})]
    return [(key, orjson.dumps(command)) for key, command in found]


def offline(settings: Settings, learned: Path, asked: Iterable[tuple[bytes, bytes]]) -> Results:
    """The same events rated from scratch by what is known in the end, and the voids."""
    results = Results()

    def everything() -> Iterable[Record]:
        for number, profile in enumerate(profiles(SEED)):
            yield Record(ACCOUNTS, 0, number, None, profile, None)
        for number, (key, event) in enumerate(traffic(SEED, EVENTS)):
            yield Record(MESSAGES, 0, number, key, event, None)
        for number, (key, command) in enumerate(asked):
            if orjson.loads(command)["type"] == "void":
                yield Record(TOPIC, 0, number, key, command, None)

    for output in run(meter_of(settings.model_copy(update={"catalog": learned})), everything()):
        results.apply(output.topic, output.key, output.value, output.headers)
    return results


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_commands_that_are_killed_in_their_middle_have_their_effect_once(kafka: str, tmp_path: Path) -> None:
    former, learned = (catalog_in(tmp_path / name, learned=name == "learned") for name in ("former", "learned"))
    # Without a horizon: what is older could no longer be changed, and the offline rater would.
    settings = killable(kafka, partitions=2, batch_max_records=500, horizon_days=0, catalog=former)
    await topics.create(settings)
    await publish_profiles(settings, SEED)
    await publish_traffic(settings, SEED, EVENTS, per_second=None, told=lambda _: None)
    log = tmp_path / "worker.log"
    assert await work(settings, log, module=ALONE) == 0, log.read_text()
    before = [orjson.loads(record.value) for record in await records(settings, RATED, "read_committed")]
    asked = commands(before, learned)
    settings = settings.model_copy(update={"catalog": learned})
    # One command per batch, so that there is a middle.
    settings = settings.model_copy(update={"batch_max_records": 1})
    await send(settings, TOPIC, asked)

    aborted = await voided(settings)
    counted = 0
    for attempt in range(ATTEMPTS):
        ended = await work(settings, log, fault=f"{OPEN_TRANSACTION[attempt % len(OPEN_TRANSACTION)]}:{2 + attempt % 3}", module=ALONE)
        assert ended == -signal.SIGKILL, log.read_text()
        void = await voided(settings)
        counted += void > aborted  # a step that had written nothing yet proves nothing
        aborted = void
        if counted == KILLS:
            break
    assert counted == KILLS
    assert await work(settings, log, module=ALONE) == 0, log.read_text()

    expected = offline(settings, learned, asked)
    found = await results_of(settings)
    assert list(differences(found.totals(), expected.totals())) == []
    assert found.unrated() == expected.unrated()
    published = [orjson.loads(record.value) for record in await records(settings, RATED, "read_committed")]
    assert len({line["line_id"] for line in published}) == len(published)
    standing = Counter(line["delivery_id"] for line in published if line["kind"] == "charge")
    standing.subtract(Counter(line["delivery_id"] for line in published if line["kind"] == "reversal"))
    assert set(standing.values()) <= {0, 1}
    causes = Counter((line["cause"]["type"], line["cause"]["id"], line["kind"]) for line in published if line.get("cause"))
    assert causes["reprice", "r", "reversal"] == causes["reprice", "r", "charge"] > 10
    assert causes["void", "v", "reversal"] > 100
    assert causes["redrive", "d", "charge"] > 10
    assert set(causes) == {("reprice", "r", "reversal"), ("reprice", "r", "charge"), ("void", "v", "reversal"), ("redrive", "d", "charge")}
    assert sum(nanos(line["amount"]) for line in published if line.get("cause")) > 0
