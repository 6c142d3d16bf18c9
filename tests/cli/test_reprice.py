"""A correction of the past on a running system: rolling change of the catalog, activation, impact, reprice; and `rate --as-known`."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams import topic_reader
from streams.cards.catalog_files import load_directory
from streams.demo import rated_offline, results_of
from streams.guards.fatal import Exit
from streams.results import RATED, differences, nanos
from streams.settings import Settings
from streams.topic_reader import TopicReader
from tests.cli import rated_system
from tests.cli.conftest import UTILITY, Wameter
from tests.engine.real_worker import work

EVENTS = 2500
SEED = 17
HEAD = "effective_from,currency,market,category,tier_from,tier_to,rate,source,known_from\n"


def catalog_in(folder: Path, *, learned: bool) -> Path:
    """One shipped rate stated again; one that has `learned` says that it was known to be another from 2026-10-03 on."""
    rows = []
    for row in load_directory(None).cards:
        if row.key == ("USD", "France", "utility"):
            rate = f"{row.effective_from},USD,France,utility,1,,"
            rows += [f"{rate}{row.rate_nanos or 0}E-9,list,".replace("30000000E-9", "0.0300")]
            rows += [f"{rate}0.0311,corrected,2026-10-03"] * learned
    (folder / "cards").mkdir(parents=True)
    (folder / "cards" / "own.csv").write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return folder


async def _lines(reader: TopicReader) -> list[dict[str, Any]]:
    lines = [orjson.loads(record.value or b"") async for record in reader.records(RATED)]
    return sorted(lines, key=lambda line: str(line["line_id"]))


def amounts(lines: list[dict[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in lines:
        found[line["currency"]] += nanos(line["amount"]) * (1 if line["kind"] == "charge" else -1)
    return found


def would_be_rebuilt(wameter: Wameter, catalog: Path) -> None:
    """From what was in force at first, with what came into force by a record, a reprice among it."""
    assert wameter("audit").code == 0
    ran = wameter("rebuild", "--dry-run", "--catalog", catalog, "--horizon-days", 0, "--session-timeout-ms", 6000)
    assert ran.out.endswith("what a replay would publish is what is published; nothing was changed\n"), ran


def test_rating_as_known_is_the_same_whatever_was_learned_since(wameter: Wameter, accounts: Path, tmp_path: Path) -> None:
    (tmp_path / "events").write_bytes(UTILITY)
    learned = catalog_in(tmp_path / "learned", learned=True)
    asked = ("rate", "events", "--accounts", accounts, "--lines", "-", "--catalog", learned)
    before, after = wameter(*asked, "--as-known", "2026-10-02"), wameter(*asked, "--as-known", "2026-10-03")
    assert [line["cost"] for line in before.records] == ["0.0300"]
    assert [(line["cost"], line["known_at"]) for line in after.records] == [("0.0311", "2026-10-03")]
    assert wameter(*asked).out == after.out
    wrong = wameter(*asked, "--as-known", "October")
    assert (wrong.code, wrong.err.startswith("wameter rate: invalid value for '--as-known'")) == (2, True)


def test_a_correction_becomes_known_is_brought_into_force_and_repriced_once(
    embedded_broker: str, wameter: Wameter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, learned = (catalog_in(tmp_path / str(number), learned=bool(number)) for number in (0, 1))
    settings = Settings(
        bootstrap=embedded_broker,
        prefix="reprice.",
        app_id="reprice",
        partitions=2,
        group_instance_id="w1",
        session_timeout_ms=6000,
        horizon_days=0,
        web_port=0,
    )
    for name in ("bootstrap", "prefix", "app_id", "partitions"):
        monkeypatch.setenv(f"WAMETER_{name.upper()}", str(getattr(settings, name)))
    log = tmp_path / "log"

    def rate(catalog: Path) -> int:
        return asyncio.run(work(settings.model_copy(update={"catalog": catalog}), log))

    rated_system.publish(settings, SEED, EVENTS)
    assert rate(former) == 0
    first = topic_reader.run(settings, _lines)
    assert {line["known_at"] for line in first} == {None}
    assert rate(learned) == 0, "a worker may have learned what is not in force yet"
    assert "as known from the beginning is in force in partitions 0, 1" in wameter("status").out

    asked = ("reprice", "--catalog", learned)
    assert wameter(*asked).out.endswith("no line changes\nnothing was changed\n"), "what is not in force changes nothing"
    assert "nothing was changed; --apply does it" in wameter("cards", "activate", "--catalog", learned).out
    activated = wameter("cards", "activate", "--catalog", learned, "--apply", "--id", "learned")
    assert activated.out.endswith("2 commands published, id learned\n")
    assert "workers may have this catalog before it is in force" in activated.out
    assert (rate(former), rate(former)) == (Exit.REFUSED, Exit.REFUSED)
    assert "in force is catalog" in log.read_text()
    assert rate(learned) == 0
    assert topic_reader.run(settings, _lines) == first, "what is published stays"
    assert wameter("cards", "activate", "--catalog", learned).out.endswith("is in force everywhere\n")
    assert "must be those of the workers" in wameter("reprice", "--catalog", former).err

    impact = wameter(*asked, "--json", "-").records
    assert {(row["month"][:4], row["category"], row["currency"]) for row in impact} == {("2026", "utility", "USD")}
    assert wameter(*asked, "--reason", "corrected", "--apply", "--id", "r-1").code == 0
    assert wameter(*asked, "--reason", "corrected", "--apply", "--id", "r-2").code == 0
    assert rate(learned) == 0
    second = topic_reader.run(settings, _lines)
    by_reprice = [line for line in second if line.get("cause")]
    assert {(line["cause"]["type"], line["cause"]["id"], line["cause"]["reason"]) for line in by_reprice} == {
        ("reprice", "r-1", "corrected")
    }
    assert len(second) - len(first) == len(by_reprice) == 2 * sum(row["lines"] for row in impact)
    difference = amounts(second)["USD"] - amounts(first)["USD"]
    assert difference == sum(nanos(row["difference"]) for row in impact) != 0
    again = wameter(*asked, "--apply")
    assert again.out.endswith("no line changes\nnothing was changed\n")

    would_be_rebuilt(wameter, learned)
    offline = rated_offline(settings.model_copy(update={"catalog": learned}), SEED, EVENTS)
    assert list(differences(asyncio.run(results_of(settings)).totals(), offline.totals())) == []
