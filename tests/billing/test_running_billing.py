"""`wameter billing` and `wameter invoice` on a running system: closes that are due, an exported log, invoices to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.invoices.text import text_of
from tests.billing.desk import PLANS
from tests.billing.running import Billing
from tests.billing.test_running_stages import DAY, NOW, commands, desks, totals
from tests.cli.conftest import Ran, Wameter, wameter

__all__ = ["wameter"]

TODAY = NOW.date().isoformat()
YESTERDAY = (NOW - DAY).date().isoformat()

OnSystem = Callable[..., Ran]


@pytest.fixture(scope="module")
def system(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Billing]:
    """Three accounts with a subscription and usage that both stages know, and one that is closed."""
    billing = Billing(embedded_broker, tmp_path_factory.mktemp("billing"), is_one_group=True)
    asyncio.run(_set_up(billing))
    yield billing
    asyncio.run(billing.close())


async def _set_up(billing: Billing) -> None:
    await billing.create_topics()
    given = desks(3)
    await billing.publish("whatsapp.messages", [("p", b"{}")])  # after every boundary
    await billing.publish("billing.commands", commands(given))
    await billing.publish("usage.totals", totals(given))
    await billing.drain("invoice", "usage", "invoice")


@pytest.fixture
def on_system(system: Billing, wameter: Wameter) -> OnSystem:
    """Runs a command line on the system, with its plans file beside."""
    Path("plans.toml").write_text(PLANS, encoding="utf-8")
    settings = system.settings

    def command(*arguments: str) -> Ran:
        places = ("--bootstrap", settings.bootstrap, "--prefix", settings.prefix, "--app-id", settings.app_id)
        plans = () if arguments[:2] == ("invoice", "show") else ("--plans", "plans.toml")
        of_partitions = ("--partitions", "2") if arguments[0] == "billing" else ()
        return wameter(*arguments, *places, *plans, *of_partitions)

    return command


def read(system: Billing, topic: str) -> list[dict[str, Any]]:
    return [orjson.loads(record.value) for record in asyncio.run(system.read(topic))]


def test_the_next_invoice_can_be_looked_at_and_nothing_is_issued(system: Billing, on_system: OnSystem) -> None:
    ran = on_system("invoice", "preview", "a2", "--json")
    assert ran.code == 0
    assert [each["number"] for each in ran.records] == ["a2-000003", "a2-000004"]
    assert [section["name"] for section in ran.records[0]["sections"]] == ["Users and Numbers", "WhatsApp usage"]
    long_ago = (NOW - timedelta(days=39)).date().isoformat()
    assert on_system("invoice", "preview", "a2", "--html", "previews").out == ""
    assert sorted(each.name for each in Path("previews").iterdir()) == ["a2-000003.html", "a2-000004.html"]
    assert on_system("invoice", "preview", "a2", "--as-of", long_ago).out == "No invoice would be issued.\n"
    assert len(read(system, "billing.invoices")) == 6


def test_an_issued_invoice_can_be_shown(system: Billing, on_system: OnSystem) -> None:
    (invoice,) = [each for each in read(system, "billing.invoices") if each["number"] == "a2-000002"]
    assert on_system("invoice", "show", "a2-000002").out == text_of(invoice) + "\n"
    assert on_system("invoice", "show", "a2-000002", "--json").records == [invoice]
    assert on_system("invoice", "show", "a2-000002", "--html", "i.html").out == ""
    assert "a2-000002" in Path("i.html").read_text(encoding="utf-8")


def test_a_boundary_is_due_some_days_after_it(on_system: OnSystem) -> None:
    assert on_system("billing", "close", "--as-of", TODAY, "--grace-days", "30").out == "nothing is due\n"
    too_early = on_system("billing", "close", "--as-of", (NOW + 2 * DAY).date().isoformat())
    assert too_early.code == 2
    assert "has not come yet" in too_early.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("billing", "export", "nobody", "--commands", "c", "--totals", "t"), "account nobody has no subscription here"),
        (("invoice", "show", "a0-000099"), "there is no invoice a0-000099"),
        (("invoice", "show", "a0"), "a0 is no invoice number"),
        (("invoice", "preview", "nobody"), "account nobody has no subscription here"),
    ],
)
def test_a_mistake_is_one_sentence(on_system: OnSystem, arguments: tuple[str, ...], sentence: str) -> None:
    ran = on_system(*arguments)
    assert ran.code == 2
    assert sentence in ran.err


@pytest.mark.parametrize("arguments", [("billing", "close", "--as-of", TODAY), ("invoice", "preview", "a0")])
def test_another_plans_file_than_the_workers_is_refused(on_system: OnSystem, arguments: tuple[str, ...]) -> None:
    Path("plans.toml").write_text(PLANS + "\n", encoding="utf-8")
    ran = on_system(*arguments)
    assert ran.code == 2
    assert "name the same file with --plans" in ran.err


def test_closes_wait_for_metering_and_are_executed_once_and_the_exported_log_gives_the_same_invoices(
    system: Billing, on_system: OnSystem, wameter: Wameter
) -> None:
    """The story in one, since each part needs the one before: every start of a worker takes its time."""
    asyncio.run(system.publish("usage.totals", totals(desks(1))))

    async def meanwhile() -> Ran:
        closing = asyncio.to_thread(on_system, "billing", "close", "--as-of", YESTERDAY)
        ran, _ = await asyncio.gather(closing, system.drain("usage"))
        return ran

    first = asyncio.run(meanwhile())
    assert first.out == "3 closes published, of 3 accounts\n"
    assert first.err == "waiting: USAGE has 2 records of usage.totals to read\n"
    asyncio.run(system.publish_in_vain("usage.totals"))  # behind what USAGE has read lie records that nobody will ever read
    again = on_system("billing", "close", "--as-of", YESTERDAY)
    assert (again.out, again.err) == ("3 closes published, of 3 accounts\n", "")
    asyncio.run(system.drain("invoice"))
    assert on_system("billing", "close", "--as-of", YESTERDAY).out == "nothing is due\n"

    closes = [event for event in read(system, "billing.events") if event["command_id"].startswith("close:")]
    invoices = read(system, "billing.invoices")
    boundary = invoices[-1]["period"]["from"]
    assert sorted(event["command_id"] for event in closes) == [f"close:a{number}:{boundary}" for number in range(3)]
    assert {event["outcome"] for event in closes} == {"accepted"}
    assert len(invoices) == 9

    assert on_system("billing", "export", "a1", "--commands", "c.jsonl", "--totals", "t.jsonl").code == 0
    billed = wameter("bill", "c.jsonl", "--totals", "t.jsonl", "--plans", "plans.toml", "--invoices", "-")
    issued = [record.value for record in asyncio.run(system.read("billing.invoices")) if record.key == b"a1"]
    assert billed.out.encode().splitlines() == issued
    assert len(issued) == 3
