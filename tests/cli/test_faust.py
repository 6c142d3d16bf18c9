"""`faust -A streams.app worker` is a worker like any other: it checks itself, rates, shows its pages, and stops when asked."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from streams import topics
from streams.brokers.embedded import free_port
from streams.demo import publish_profiles, publish_traffic, rated_offline, results_of
from streams.results import differences
from streams.settings import Settings, variable_of

SEED = 6
EVENTS = 500


def command(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """The command line and its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WAMETER_")}
    environment |= {variable_of(name): str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    return [str(Path(sys.executable).with_name("faust")), "-A", "streams.app", "worker", "-l", "warn"], environment


def page(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own worker
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""
    except OSError:
        return 0, ""


def test_it_says_what_is_wrong_and_does_not_start(embedded_broker: str) -> None:
    arguments, environment = command(Settings(bootstrap=embedded_broker, prefix="nowhere.", partitions=2, web_port=free_port()))
    ran = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2, ran.stderr
    assert "wameter worker: topic nowhere.whatsapp.messages does not exist; make it with `wameter topics create`\n" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_it_rates_shows_its_pages_beside_fausts_own_and_stops_when_asked(embedded_broker: str) -> None:
    port = free_port()
    settings = Settings(bootstrap=embedded_broker, prefix="faust.", app_id="faust", partitions=2, web_port=port)
    asyncio.run(_publish(settings))
    arguments, environment = command(settings)
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            deadline_s = time.monotonic() + 40
            # What is published to both partitions, broadcast included, is read to its end.
            while "wameter_lag_records" not in (said := page(f"http://127.0.0.1:{port}/metrics")[1]) or not _is_done(said):
                assert process.poll() is None
                assert time.monotonic() < deadline_s, said
                time.sleep(0.1)
            assert page(f"http://127.0.0.1:{port}/healthz") == (200, "alive\n")
            assert page(f"http://127.0.0.1:{port}/readyz") == (200, "ready\n")
            assert page(f"http://127.0.0.1:{port}/")[0] == 200, "Faust's own"
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
    expected = rated_offline(settings, SEED, EVENTS)
    found = asyncio.run(results_of(settings))
    assert list(differences(found.totals(), expected.totals())) == []


async def _publish(settings: Settings) -> None:
    await topics.create(settings)
    await publish_profiles(settings, SEED)
    await publish_traffic(settings, SEED, EVENTS, per_second=None, told=lambda _: None)


def _is_done(metrics: str) -> bool:
    lags = {line.split()[0]: float(line.split()[-1]) for line in metrics.splitlines() if line.startswith("wameter_lag_records{")}
    records = next(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith("wameter_records_total"))
    # What stages write for each other ends with a mark of each writer's transaction, which is no record.
    return records >= EVENTS and len(lags) == 16 and not any(lag > (2 if "usage." in place else 0) for place, lag in lags.items())
