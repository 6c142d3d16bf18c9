"""`benchmarks/run`: every contender on the same events of the same broker, in turns, and then the proof that each did the work."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka.errors import KafkaError

from benchmarks import broker, chart, due, machine, offline_rating, processes, report
from benchmarks.contenders import ON_KAFKA, Contender, Place
from benchmarks.report import Row
from benchmarks.ruler import Measured, Ruler, RunFailedError, Target
from benchmarks.traffic import MESSAGES, Traffic, load
from streams import topics
from streams.results import Results
from streams.settings import Settings, SettingsError
from streams.settings import load as load_settings
from streams.topic_reader import connect

PREFIX = "bench."
WARM_UP = next(contender for contender in ON_KAFKA if contender.name == "loop")
RATE = "rate"
_RUN_TIMEOUT_S = 900
_DRAIN_TIMEOUT_S = 300


class Comparison:
    """One broker, one log of events, and what is due for it."""

    def __init__(self, settings: Settings, ruler: Ruler, traffic: Traffic) -> None:
        self._settings = settings
        self._ruler = ruler
        self._traffic = traffic
        self._windows = due.Windows(traffic)
        self.totals: Results = due.rated_offline(settings, traffic)

    async def run(self, contender: Contender, number: int) -> Measured:
        """One round of one contender, its outputs compared; its topics are gone afterwards."""
        settings = self._settings.model_copy(update={"app_id": f"{contender.name}-{number}"})
        place = Place(settings, self._traffic.directory)
        await broker.create(settings, contender.topics_of(place))
        whole = contender.events_max is None or contender.events_max >= self._traffic.events
        target = Target(
            group=settings.app_id if contender.kind != "peer" else settings.prefix + place.group,
            members=contender.members,
            input=settings.prefix + MESSAGES,
            watched=contender.watched_of(place),
            partitions=settings.partitions,
            events=self._traffic.events if whole else contender.events_max or 0,
            is_answers=contender.kind != "meter",
            is_whole=whole,
        )
        try:
            return await self._measure(contender, place, target)
        finally:  # also after a failure: the next round of METER must find no state
            own = [settings.prefix + topic.name for topic in contender.topics_of(place)]
            await broker.drop(settings.bootstrap, [*own, settings.prefix + place.group, f"changelog__{settings.prefix}{place.group}"])

    async def _measure(self, contender: Contender, place: Place, target: Target) -> Measured:
        running = contender.start(place)
        try:
            measured = await self._ruler.measure(target, running, place.log)
        finally:
            processes.end(running)
        measured.problems += await self._problems(contender, place, target)
        return measured

    async def _problems(self, contender: Contender, place: Place, target: Target) -> list[str]:
        bootstrap, partitions = place.settings.bootstrap, place.settings.partitions
        if contender.kind == "meter":
            return await self._problems_of_meter(contender, place)
        problems = await self._windows.problems_of_answers(bootstrap, contender.output_of(place), partitions, target.events)
        changelog = contender.changelog_of(place)
        if changelog and target.is_whole:
            problems += await self._windows.problems_of_state(bootstrap, changelog, partitions)
        return problems

    async def _problems_of_meter(self, contender: Contender, place: Place) -> list[str]:
        """A last worker goes to the end and ends all waits; then the totals must be the offline rater's."""
        [draining] = Contender(
            contender.name, contender.title, contender.guarantee, "meter", lambda: [*contender.command(), "--drain"]
        ).start(place)
        try:
            code = await asyncio.wait_for(asyncio.to_thread(draining.wait), _DRAIN_TIMEOUT_S)
        finally:
            processes.end([draining])
        if code:
            return [f"the draining worker ended with code {code}; {place.log} says why"]
        async with connect(place.settings) as reader:
            found = await reader.results("usage.rated", "usage.totals", "usage.unrated", "usage.rejected")
        return due.problems_of_totals(found.totals(), self.totals)


async def compare(
    chosen: Sequence[Contender],
    *,
    with_rate: bool,
    events: int,
    rounds: int,
    partitions: int,
    directory: Path,
    tuning: Mapping[str, str],
) -> list[Row]:
    """Runs all rounds; each round runs every contender once."""
    rows = {contender.name: Row(contender.name, contender.title, contender.guarantee) for contender in chosen}
    if with_rate:
        rows[RATE] = Row(RATE, "Wameter, wameter rate offline", "whole files")
    traffic = Traffic(events, directory)
    _say(f"making {events:,} events")
    traffic.write()
    kafka = broker.Broker()
    try:
        kafka.start()
        fixed = {"bootstrap": kafka.bootstrap, "prefix": PREFIX, "partitions": partitions, "web_port": 0, "log_format": "json"}
        settings = Settings.model_validate({**tuning, **fixed})
        await broker.create(settings, [topic for topic in topics.WORKER if topic.is_input])
        counts = await load(settings, traffic)
        _say(f"loaded into {partitions} partitions: {', '.join(f'{count:,}' for count in counts)}; rating offline for comparison")
        comparison = Comparison(settings, Ruler(kafka.bootstrap, kafka.pid, _RUN_TIMEOUT_S), traffic)
        # A broker that has just started is slow, and would be so for whoever comes first.
        await _round(comparison, WARM_UP, 0, Row(WARM_UP.name, f"{WARM_UP.title}, as a warm-up", WARM_UP.guarantee))
        for number in range(1, rounds + 1):
            for contender in chosen:
                await _round(comparison, contender, number, rows[contender.name])
            if with_rate:
                _take(rows[RATE], number, offline_rating.rate(traffic, comparison.totals))
    finally:
        kafka.remove()
    return list(rows.values())


async def _round(comparison: Comparison, contender: Contender, number: int, row: Row) -> None:
    try:
        _take(row, number, await comparison.run(contender, number))
    except (RunFailedError, TimeoutError, KafkaError) as error:
        row.problems.append(f"round {number}: {str(error) or 'took too long'}")
        _say(f"{number} {row.title}: FAILED: {str(error) or 'took too long'}")


def _take(row: Row, number: int, measured: Measured) -> None:
    row.rounds.append(measured)
    row.problems += [f"round {number}: {problem}" for problem in measured.problems]
    verdict = "; ".join(measured.problems) or "outputs as due"
    cpu = f"{measured.client_us:.1f} + {measured.broker_us:.1f} µs/event"
    _say(f"{number} {row.title}: {measured.events_per_s:,.0f} events/s, {cpu}, {verdict}")


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _tuning(pairs: Sequence[str], parser: argparse.ArgumentParser) -> dict[str, str]:
    """What `--set` gives; a setting that cannot be ends the command with a sentence."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        parser.error(f"--set {wrong[0]}: write NAME=VALUE, as in pacing_ms=50")
    tuning = dict(pair.split("=", 1) for pair in pairs)
    try:
        load_settings(tuning)
    except SettingsError as error:
        parser.error("; ".join(error.sentences))
    return tuning


def main() -> int:
    """The command line; returns 1 if anything came out that is not due."""
    names = [contender.name for contender in ON_KAFKA] + [RATE]
    parser = argparse.ArgumentParser(prog="benchmarks/run", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000, metavar="N", help="default: 2,000,000, where Java is warm")
    parser.add_argument("--runs", type=int, default=3, metavar="K", help="rounds, of which medians are taken; default: 3")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="one round of 60,000 events: does everything work? Its figures say nothing")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of Wameter's workers: pacing_ms=50")
    parser.add_argument("--output", type=Path, default=Path("benchmarks-result"), help="folder of result.json and chart.svg")
    chosen = parser.parse_args()
    processes.leave_in_order()
    if missing := broker.what_is_missing():
        parser.error(f"{missing}; Java 17 and Maven bring the broker and Kafka Streams")
    events, rounds = (60_000, 1) if chosen.quick else (chosen.events, chosen.runs)
    tuning = _tuning(chosen.set, parser)
    described = machine.described()
    contenders = [contender for contender in ON_KAFKA if contender.name in chosen.only]
    for contender in contenders:
        contender.command()  # makes its environment now, not amid the measurements
    with tempfile.TemporaryDirectory(prefix="wameter-benchmark-") as directory:
        rows = asyncio.run(
            compare(
                contenders,
                with_rate=RATE in chosen.only,
                events=events,
                rounds=rounds,
                partitions=chosen.partitions,
                directory=Path(directory),
                tuning=tuning,
            )
        )
    report.show(rows)
    chosen.output.mkdir(parents=True, exist_ok=True)
    taken = {"events": events, "rounds": rounds, "partitions": chosen.partitions, "tuning": tuning}
    report.write(chosen.output / "result.json", rows, described, taken)
    caption = f"{events:,} events, median of {rounds}, {described['cores']} cores with the broker on them, {described['commit']}"
    chart.write(chosen.output / "chart.svg", rows, caption)
    problems = [f"{row.title}: {problem}" for row in rows for problem in row.problems]
    print("\n".join(problems) or "All outputs are what is due.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
