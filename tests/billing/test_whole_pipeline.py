"""The real worker from a message to an invoice: METER prices it, USAGE routes its total, INVOICE bills it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import orjson

from streams import topics
from tests.billing.desk import Desk
from tests.billing.running import Billing
from tests.cli.conftest import Wameter, wameter
from tests.engine.real_worker import work

__all__ = ["wameter"]

NOW = datetime.now(UTC)


def at(days_ago: int) -> str:
    return (NOW - timedelta(days=days_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_message_comes_on_the_invoice_of_whoever_bills_its_account(embedded_broker: str, tmp_path: Path, wameter: Wameter) -> None:
    billing = Billing(embedded_broker, tmp_path, input_partitioner="murmur2", group_instance_id="w1")
    settings, log = billing.settings, tmp_path / "worker.log"
    profile = {"account_id": "waba", "timezone": "UTC", "currency": "USD"}
    message = {
        "type": "message.delivered", "id": "e", "account_id": "waba", "phone_number_id": "p", "user": "+33612345678", "message_id": "m",
        "time": at(20), "pricing": {"type": "regular", "category": "marketing"},
    }  # fmt: skip
    desk = Desk()
    desk.start(at(40), "essentials", users=1, whatsapp_accounts=["waba"])

    async def publish() -> None:
        await topics.create(settings)
        await billing.publish("whatsapp.accounts", [("waba", json.dumps(profile).encode())])
        await billing.publish("whatsapp.messages", [("p", json.dumps(message).encode())])
        await billing.publish("billing.commands", [("acme", desk.commands[0])])
        assert await work(settings, log) == 0, log.read_text()

    asyncio.run(publish())
    places = ("--bootstrap", settings.bootstrap, "--prefix", settings.prefix, "--app-id", settings.app_id)
    closed = wameter("billing", "close", "--as-of", NOW.date().isoformat(), *places, "--partitions", "2")
    assert (closed.out, closed.err) == ("1 closes published, of 1 accounts\n", "")
    assert asyncio.run(work(settings, log)) == 0, log.read_text()
    shown = wameter("invoice", "show", "acme-000002", *places)
    assert "FR · marketing" in shown.out
    invoices = [orjson.loads(record.value) for record in asyncio.run(billing.read("billing.invoices"))]
    (total,) = [orjson.loads(record.value) for record in asyncio.run(billing.read("usage.totals"))]
    assert [line["amount"] for line in invoices[-1]["sections"][-1]["lines"]] == [
        str(Decimal(total["amount"]).quantize(Decimal("0.01"), ROUND_HALF_UP))
    ]
