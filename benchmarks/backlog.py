"""`benchmarks/backlog`: what a worker's memory does while it works off a large lag, and while its broker is slow.

The worker runs the peers' job (`engine_alone`), whose state hardly grows: what grows is what the engine holds back. With `--stage meter`
it is METER, state and all. The broker is made slow by stopping it most of the time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import broker, engine_alone, machine, processes
from benchmarks.contenders import ON_KAFKA, Place
from benchmarks.traffic import Traffic, load
from streams import topics
from streams.settings import Settings
from streams.topic_reader import connect
from streams.topics import WORKER, Topic

SLOW_TURN_S = 0.5
SLOW_SHARE = 0.1
"""Of its time the slow broker runs."""
_LOOK_EVERY_S = 0.2
_TIMEOUT_S = 1800
_MIB = 1024 * 1024


async def work_off(kafka: broker.Broker, settings: Settings, stage: str, directory: Path, events: int, slow_s: float) -> str:
    """One worker on the whole lag, or for `slow_s` seconds on a slow broker; one line of figures."""
    own: Sequence[Topic] = engine_alone.OWN_TOPICS if stage == "engine" else [topic for topic in WORKER if not topic.is_input]
    await broker.create(settings, own)
    place = Place(settings, directory)
    [worker] = next(contender for contender in ON_KAFKA if contender.name == stage).start(place)
    slowing = asyncio.create_task(_slow(kafka.pid)) if slow_s else None
    sizes: list[int] = []
    began_s = time.monotonic()
    try:
        while time.monotonic() - began_s < (slow_s or _TIMEOUT_S) and (slow_s or await _lag(settings) > 0):
            _still_running(worker, place.log)
            sizes.append(processes.rss_bytes([worker.pid]))
            await asyncio.sleep(_LOOK_EVERY_S)
    finally:
        if slowing is not None:
            slowing.cancel()
            os.kill(kafka.pid, signal.SIGCONT)
        left = await _lag(settings)
        processes.end([worker])
    await broker.drop(kafka.bootstrap, [settings.prefix + topic.name for topic in own])
    half = len(sizes) // 2
    most = f"{max(sizes) / _MIB:>10,.0f} {max(sizes[: half or 1]) / _MIB:>12,.0f} {max(sizes[half:]) / _MIB:>12,.0f}"
    return f"{'slow' if slow_s else 'well':>8} {events:>12,} {events - left:>12,} {time.monotonic() - began_s:>7.0f} {most}"


async def _slow(pid: int) -> None:
    try:
        while True:
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(SLOW_TURN_S * (1 - SLOW_SHARE))
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(SLOW_TURN_S * SLOW_SHARE)
    finally:
        os.kill(pid, signal.SIGCONT)


async def _lag(settings: Settings) -> int:
    async with connect(settings) as reader:
        return sum(lag.records for lag in await reader.lags("whatsapp.messages"))


def _still_running(worker: subprocess.Popen[bytes], log: Path) -> None:
    if worker.poll() is not None:
        raise RuntimeError(f"the worker ended with code {worker.returncode}: {log.read_text(errors='replace')[-1000:]}")


async def run(*, lags: Sequence[int], slow_s: float, stage: str, partitions: int, directory: Path) -> None:
    """Each lag on a log of its own, then the largest once more with a slow broker."""
    kafka = broker.Broker()
    try:
        kafka.start()
        print(
            f"\n{'broker':>8} {'lag':>12} {'worked off':>12} {'s':>7} {'most MiB':>10} {'first half':>12} {'second half':>12}", flush=True
        )
        for number, events in enumerate(lags):
            settings = Settings(
                bootstrap=kafka.bootstrap,
                prefix=f"backlog-{number}.",
                app_id=f"backlog-{number}",
                partitions=partitions,
                web_port=0,
                log_format="json",
            )
            await broker.create(settings, [topic for topic in topics.WORKER if topic.is_input])
            traffic = Traffic(events, directory)
            traffic.write()
            await load(settings, traffic)
            print(await work_off(kafka, settings, stage, directory, events, 0), flush=True)
            if events == max(lags) and slow_s:
                again = settings.model_copy(update={"app_id": f"backlog-{number}-slow"})
                print(await work_off(kafka, again, stage, directory, events, slow_s), flush=True)
    finally:
        kafka.remove()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks/backlog", description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000], metavar="N", help="lags")
    parser.add_argument("--slow-seconds", type=float, default=30, metavar="S", help="on a slow broker; 0 leaves it out")
    parser.add_argument("--stage", choices=("engine", "meter"), default="engine")
    parser.add_argument("--partitions", type=int, default=4)
    chosen = parser.parse_args()
    processes.leave_in_order()
    print(*(f"{name}: {value}" for name, value in machine.described().items()), sep="\n")
    with tempfile.TemporaryDirectory(prefix="wameter-benchmark-") as directory:
        asyncio.run(
            run(
                lags=chosen.events,
                slow_s=chosen.slow_seconds,
                stage=chosen.stage,
                partitions=chosen.partitions,
                directory=Path(directory),
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
