"""`benchmarks/billing`: closing a cycle of many accounts, by `wameter bill` on files and by the stages on Apache Kafka.

Each account has a subscription of four users and a number, two licences and four totals; a close issues one invoice with fixed charges and
usage. The stream's clock runs from the first to the last invoice of the closes, as the broker's records are stamped; a restart, which
restores all accounts first, is told beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import broker, machine, processes
from tests.billing.desk import PLANS
from tests.billing.running import Billing

ACCOUNTS = 100_000
PARTITIONS = 4
TIMEOUT_S = 900.0
NOW = datetime.now(UTC)
CLOSED_ON = NOW.date().isoformat()


def at(days_ago: int) -> str:
    """An instant so many days ago."""
    return (NOW - timedelta(days=days_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def commands(accounts: int) -> Iterator[tuple[str, bytes]]:
    """What made each account what it is."""
    for number in range(accounts):
        account = f"a{number:06d}"
        common = {"account_id": account, "actor": {"user_id": "u", "role": "account_manager"}}
        terms = {"plan": "pro", "term": "monthly", "currency": "USD", "country": "FR", "timezone": "Europe/Paris"}
        units = {"minimum": {"user": 3, "number": 1}, "units": {"user": ["u1", "u2", "u3", "u4"], "number": ["n1"]}}
        start = {**common, "id": "s", "time": at(40), "type": "subscription.start", **terms, **units}
        bought = {**common, "id": "p", "time": at(39), "type": "addon.purchase", "addon": "whatsapp", "quantity": 2}
        yield account, json.dumps(start).encode()
        yield account, json.dumps(bought).encode()


def totals(accounts: int) -> Iterator[tuple[str, bytes]]:
    """What each used in the cycle that ends."""
    for number in range(accounts):
        account = f"a{number:06d}"
        for days_ago in (30, 29):
            for country in ("FR", "DE"):
                key = {"account_id": account, "phone_number_id": "p", "date": at(days_ago)[:10], "country": country, "market": country}
                figures = {"currency": "USD", "messages": 3, "cost": "0.2577", "amount": "0.2577"}
                yield account, json.dumps({"v": 1, **key, "category": "marketing", "outcome": "charged", **figures}).encode()


def closes(accounts: int) -> Iterator[tuple[str, bytes]]:
    """One close for each account, today."""
    for number in range(accounts):
        account = f"a{number:06d}"
        common = {"account_id": account, "actor": {"user_id": "b", "role": "system"}}
        close = {**common, "id": f"close:{account}", "time": at(0), "type": "cycle.close", "as_of": CLOSED_ON}
        yield account, json.dumps(close).encode()


def offline(accounts: int, directory: Path) -> None:
    """`wameter bill` on files, as a command from start to exit."""
    (directory / "plans.toml").write_text(PLANS, encoding="utf-8")
    for name, records in (("commands", commands(accounts)), ("totals", totals(accounts))):
        with (directory / name).open("wb") as file:
            file.writelines(raw + b"\n" for _, raw in records)
    arguments = ["bill", "commands", "--plans", "plans.toml", "--totals", "totals", "--until", CLOSED_ON]
    outputs = ["--invoices", "invoices", "--events", "events"]
    began_s = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "streams.cli.main", *arguments, *outputs], cwd=directory, env=_environment())
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.monotonic() - began_s
    issued = sum(1 for _ in (directory / "invoices").open("rb"))
    cpu_s = usage.ru_utime + usage.ru_stime
    told = f"{wall_s:.0f} s, {cpu_s:.0f} s of CPU, {usage.ru_maxrss / 1024:,.0f} MiB"
    print(f"offline   {accounts:,} accounts, {3 * accounts:,} commands, {issued:,} invoices: {told}, exit code {status}", flush=True)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


async def stream(accounts: int, bootstrap: str, directory: Path) -> None:
    """The stages one after the other, each to the end of its input."""
    settings = {
        "partitions": PARTITIONS,
        "batch_max_records": 2000,
        "pacing_ms": 20,
        "step_timeout_ms": 60_000,
        "transaction_timeout_ms": 90_000,
    }
    billing = Billing(bootstrap, directory, is_one_group=True, **settings)
    await billing.create_topics()
    await billing.publish("billing.commands", commands(accounts))
    await billing.publish("usage.totals", totals(accounts))
    for stage in ("invoice", "usage", "invoice"):
        began_s = time.monotonic()
        await _drain(billing, stage)
        print(f"stream    {stage}: {time.monotonic() - began_s:.0f} s", flush=True)
    await billing.publish("billing.commands", closes(accounts))
    began_s = time.monotonic()
    await _drain(billing, "invoice")
    whole_s = time.monotonic() - began_s
    stamps = sorted(record.timestamp for record in await billing.read("billing.invoices"))[-accounts:]
    took_s = (stamps[-1] - stamps[0]) / 1000
    print(
        f"stream    {accounts:,} closes in {took_s:.1f} s: {accounts / took_s:,.0f} a second; with the restore before it {whole_s:.0f} s",
        flush=True,
    )
    await billing.close()


async def _drain(billing: Billing, stage: str) -> None:
    worker = await billing.worker("usage" if stage == "usage" else "invoice", drain=True)
    if (code := await worker.ended(TIMEOUT_S)) != 0:
        raise SystemExit(f"{stage} ended with {code}: {worker.said()[-2000:]}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks/billing", description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--only", choices=["offline", "stream"])
    chosen = parser.parse_args()
    processes.leave_in_order()
    print(*(f"{name}: {value}" for name, value in machine.described().items()), sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        if chosen.only != "stream":
            offline(chosen.accounts, Path(directory))
        if chosen.only != "offline":
            kafka = broker.Broker()
            try:
                kafka.start()
                asyncio.run(stream(chosen.accounts, kafka.bootstrap, Path(directory)))
            finally:
                kafka.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
