"""`benchmarks/growth`: does the speed stay as conversations become many or long, and what does each cost in memory?

It runs the production stage on the production store in one process, without a broker: what grows is the same. Speeds are events per
second of CPU time. Memory is resident memory, after a garbage collection.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec
import orjson

from benchmarks import conversations, machine, processes
from rating.stage import Record
from schemas.instants import parse_instant
from streams.kafka.collector import spare_what_stays
from streams.settings import Settings
from streams.stages import forgetting_meter_of, meter_of
from streams.state.store import Store
from streams.traffic.wire import MINUTE_MS, SECOND_MS

PHONE_NUMBERS = 8
STEP_RECORDS = 2000
PROBE_EVENTS = 40_000
WARM_UP = 100_000
"""Conversations that fill what is as large for any number of them: caches, and what the store keeps unpacked."""
LENGTHS = (10, 100, 1000, 10_000)
DAYS = 120
DAY_MS = 24 * 60 * MINUTE_MS
KINDS = ("many", "bytes", "long", "allowance", "days")
_MIB = 1024 * 1024


class Host:
    """One partition: a store, a stage, and steps as long as a worker's."""

    def __init__(self, *, forgets: bool = False) -> None:
        self.store = Store()
        self._stage = (forgetting_meter_of if forgets else meter_of)(Settings())
        self._offset = 0
        self._step(conversations.account_records())

    def take(self, values: Iterable[bytes], *, appended: bool = False) -> int:
        """Works events off; returns how many they were. `appended`: with the append times of a log."""
        records = conversations.records(values, self._offset)
        if appended:
            records = map(_appended, records)
        taken = 0
        while batch := list(islice(records, STEP_RECORDS)):
            self._step(batch)
            taken += len(batch)
        self._offset += taken
        return taken

    def _step(self, batch: list[Record]) -> None:
        unfinished = True
        while unfinished:
            self.store.begin()
            effects = self._stage.step(self.store, batch)
            self.store.commit()
            unfinished, batch = effects.unfinished, []


def _appended(record: Record) -> Record:
    """The record as a log would have it that appended it when it happened."""
    return msgspec.structs.replace(record, appended_at_ms=parse_instant(orjson.loads(record.value or b"{}")["time"]))


def phone_number(number: int) -> str:
    """One of a few, as a partition has them."""
    return f"10654035224{number % PHONE_NUMBERS:04d}"


def rss() -> int:
    """Of this process, in bytes, when garbage is gone."""
    gc.collect()
    return processes.rss_bytes([os.getpid()])


def events_per_cpu_s(host: Host, values: Iterable[bytes]) -> float:
    """Of events that are made before the clock starts."""
    made = list(values)
    began_s = time.process_time()
    host.take(made)
    return len(made) / (time.process_time() - began_s)


def opened(first: int, last: int) -> Iterator[bytes]:
    """Conversations in which a user wrote once: no live delivery."""
    for number in range(first, last):
        yield conversations.inbound(phone_number(number), number, 0, conversations.FROM_MS + number % 3_600_000)


def delivered(numbers: Iterable[int], turn: int) -> Iterator[bytes]:
    """One delivery in each of these conversations."""
    for number in numbers:
        at_ms = conversations.FROM_MS + 60 * MINUTE_MS + number % 3_600_000 + turn
        yield from conversations.delivery(phone_number(number), number, turn, at_ms, "utility")


def drawn(rng: random.Random, size: int) -> Iterator[bytes]:
    """Deliveries in conversations drawn at random, each a message of its own: what was decided before would cost much less."""
    for turn in range(size, size + PROBE_EVENTS // 2):
        yield from delivered([rng.randrange(size)], turn)


def many(up_to: int) -> None:
    """Ever more live conversations; at each size the same probe: deliveries in conversations drawn at random."""
    host, rng = Host(), random.Random(1)  # noqa: S311 - a seed, no secret
    at_rest = rss()
    print(f"\n{'live conversations':>20} {'events/s':>10} {'MiB':>8} {'B/conversation':>15}")
    size, in_probes = 0, 0
    for wanted in [size for size in (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000, 5_000_000) if size <= up_to]:
        host.take(opened(size, wanted))
        size = wanted
        before = rss()
        speed = events_per_cpu_s(host, drawn(rng, size))
        used = rss()
        print(f"{size:>20,} {speed:>10,.0f} {used / _MIB:>8,.0f} {(before - at_rest - in_probes) / size:>15,.0f}", flush=True)
        in_probes += used - before


def bytes_each(conversations_count: int) -> None:
    """What one conversation costs without a live delivery, and what each live delivery adds, in a fresh process."""
    host = Host()
    host.take(opened(0, WARM_UP))
    host.take(delivered(range(WARM_UP // 4), turn=0))
    empty = rss()
    host.take(opened(WARM_UP, WARM_UP + conversations_count))
    with_conversations = rss()
    print(f"\n{'of ' + format(conversations_count, ','):>20} {'bytes':>10}")
    print(f"{'a conversation':>20} {(with_conversations - empty) / conversations_count:>10,.0f}")
    before = with_conversations
    for turn, name in enumerate(("first delivery", "second delivery", "third delivery"), 1):
        host.take(delivered(range(WARM_UP, WARM_UP + conversations_count), turn))
        after = rss()
        print(f"{name:>20} {(after - before) / conversations_count:>10,.0f}", flush=True)
        before = after


def long(kind: str) -> None:
    """The same number of events in ever longer conversations, or ever fuller allowances; one event in 50 comes late."""
    print(f"\n{'messages per ' + kind:>24} {'events/s':>10}")
    for length in LENGTHS:
        print(f"{length:>24,} {events_per_cpu_s(Host(), late(talk(kind, length))):>10,.0f}", flush=True)


def talk(kind: str, length: int) -> Iterator[bytes]:
    """The user writes, the business answers. An allowance is a phone number's: there, every message is another conversation's."""
    turns = PROBE_EVENTS // 3
    for turn in range(turns):
        group, place = divmod(turn, length)
        number = group if kind == "conversation" else turn
        sender = f"2{group:014d}" if kind == "allowance" else phone_number(group)
        at_ms = conversations.FROM_MS + place * 10 * SECOND_MS
        yield conversations.inbound(sender, number, turn, at_ms)
        yield from conversations.delivery(sender, number, turn, at_ms + SECOND_MS, "service")


def days(a_day: int) -> None:
    """The same traffic day after day for four months: does the state stop growing when what is old is forgotten?"""
    print(f"\n{'day':>5} {'forgetting: records':>20} {'MiB':>7} {'events/s':>9}   {'otherwise: records':>20} {'MiB':>7} {'events/s':>9}")
    hosts = Host(forgets=True), Host()
    for day in range(DAYS + 1):
        made = list(_day(day, a_day))
        speeds = []
        for host in hosts:
            began_s = time.process_time()
            host.take(made, appended=True)
            speeds.append(len(made) / (time.process_time() - began_s))
        if day % 10 == 0:
            sizes = [(len(host.store), sum(len(key) + len(value) for key, value in host.store.items()) / _MIB) for host in hosts]
            told = [f"{records:>20,} {mib:>7,.1f} {speed:>9,.0f}" for (records, mib), speed in zip(sizes, speeds, strict=True)]
            print(f"{day:>5} {'   '.join(told)}", flush=True)


def _day(day: int, deliveries: int) -> Iterator[bytes]:
    """One day: two deliveries in three begin with a question, in conversations that come back every few weeks."""
    for number in range(deliveries):
        at_ms = conversations.FROM_MS + day * DAY_MS + number * (DAY_MS // deliveries)
        user, turn = (number * 7 + day * 613) % (deliveries * 20), day
        if number % 3:
            yield conversations.inbound(phone_number(user), user, turn, at_ms - MINUTE_MS)
        yield from conversations.delivery(phone_number(user), user, turn, at_ms, "service" if number % 2 else "utility")


def late(values: Iterable[bytes]) -> Iterator[bytes]:
    """Every 50th event comes 1,000 events later."""
    held: list[tuple[int, bytes]] = []
    for number, value in enumerate(values):
        if number % 50 == 49:
            held.append((number + 1000, value))
        else:
            yield value
        if held and held[0][0] <= number:
            yield held.pop(0)[1]
    yield from (value for _, value in held)


def _alone(measure: Callable[..., None], *arguments: object) -> None:
    """In a process of its own: memory that another measurement left would count."""
    process = multiprocessing.get_context("spawn").Process(target=_spared, args=(measure, *arguments))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{measure.__name__} ended with code {process.exitcode}")


def _spared(measure: Callable[..., None], *arguments: object) -> None:
    spare_what_stays()  # as a worker does
    measure(*arguments)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks/growth", description=__doc__)
    parser.add_argument("--up-to", type=int, default=1_000_000, metavar="N", help="live conversations, up to 5,000,000; default: 1,000,000")
    parser.add_argument("--only", choices=KINDS, nargs="+", default=list(KINDS))
    chosen = parser.parse_args()
    print(*(f"{name}: {value}" for name, value in machine.described().items()), sep="\n")
    if "bytes" in chosen.only:
        _alone(bytes_each, min(chosen.up_to, 500_000))
    if "long" in chosen.only:
        _alone(long, "conversation")
    if "allowance" in chosen.only:
        _alone(long, "allowance")
    if "days" in chosen.only:
        _alone(days, min(2000, chosen.up_to // 100))
    if "many" in chosen.only:
        _alone(many, chosen.up_to)
    return 0


if __name__ == "__main__":
    sys.exit(main())
