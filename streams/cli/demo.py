"""`wameter demo`: the whole pipeline on this machine, on sample traffic, checked against the offline rater at the end."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import CONNECTION, ExampleCommand, settings_flags, settings_from
from streams.results import Results, differences
from streams.settings import Settings, variable_of

if TYPE_CHECKING:
    from streams.cli.demo_screen import Screen
    from streams.demo import Watch, Workers

EVENTS: Final = 60_000
SEED: Final = 2026
PER_SECOND: Final = 2_000
PARTITIONS: Final = 4

_SHOWN_DIFFERENCES: Final = 20


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter demo",
        "wameter demo --once",
        "wameter demo --once --events 200000 --seed 7",
        "wameter demo --bootstrap 127.0.0.1:9092",
    ),
)
@click.option("--once", is_flag=True, help="Run to the end of the sample traffic, print the totals, check them, and exit.")
@click.option(
    "--events", type=click.IntRange(1), default=EVENTS, show_default=True, metavar="N", help="How many events the sample traffic has."
)
@click.option(
    "--seed", type=int, default=SEED, show_default=True, metavar="S", help="Another seed, other traffic; the same seed, the same bytes."
)
@click.option("--workers", type=click.IntRange(1, PARTITIONS), default=2, show_default=True, metavar="N", help="Worker processes.")
@click.option(
    "--rate", type=click.IntRange(1), default=PER_SECOND, show_default=True, metavar="N", help="Events per second, without --once."
)
@settings_flags(*(name for name in CONNECTION if name not in ("prefix", "app_id")))
def command(once: bool, events: int, seed: int, workers: int, rate: int, **flags: Any) -> int:
    """Run the whole pipeline here, on sample traffic.

    Starts an embedded broker (or uses the one that --bootstrap names, under topics of its own), creates the topics, starts workers,
    publishes traffic of several accounts and countries, shows the totals as they grow, and compares them with the offline rater: equal to
    the last digit, or it says what differs and exits 1. Ctrl-C ends all.
    """
    from streams.demo import Workers

    embedded = flags.get("bootstrap") is None
    with ExitStack() as stack:
        stack.enter_context(_terminated_like_interrupted())
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wameter-demo-")))
        settings = stack.enter_context(_broker(embedded, flags))
        processes = Workers(settings, workers, directory, clean=embedded)
        stack.callback(processes.stop)
        demo = _Demo(settings, processes, events=events, seed=seed, per_second=None if once else rate)
        try:
            return asyncio.run(demo.run(embedded))
        except KeyboardInterrupt:
            if demo.code is None:
                raise
            return demo.code  # it was done and only waited to be ended


class _Demo:
    """One run of the demo, on a broker that is there."""

    def __init__(self, settings: Settings, workers: Workers, *, events: int, seed: int, per_second: int | None) -> None:
        self._settings = settings
        self._workers = workers
        self._events = events
        self._seed = seed
        self._per_second = per_second
        self.code: int | None = None
        """Set once the comparison is made."""

    async def run(self, embedded: bool) -> int:
        """Everything from the topics to the comparison; without `--once` it then waits to be ended."""
        from streams.cli.demo_screen import Screen
        from streams.demo import Watch, follow, publish_profiles

        watch = Watch()
        screen = Screen(self._events, watch)
        await self._prepare(screen, embedded)
        await publish_profiles(self._settings, self._seed)
        following = asyncio.create_task(follow(self._settings, watch))
        try:
            await self._rate(screen, watch)
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        self.code = await self._compare(screen)
        if self._per_second is not None:
            screen.say("running", "until Ctrl-C; look around with the commands above")
            await asyncio.Event().wait()
        return self.code

    async def _prepare(self, screen: Screen, embedded: bool) -> None:
        from streams.topics import WORKER, create

        settings = self._settings
        await create(settings)
        screen.say("broker", f"{settings.bootstrap} ({'embedded' if embedded else 'yours'})")
        screen.say(
            "topics", f"{len(WORKER)} with {settings.partitions} partitions each" + (f", {settings.prefix}…" if settings.prefix else "")
        )
        screen.say("traffic", f"{self._events:,} events, seed {self._seed}")
        screen.say("workers", ", ".join(f"http://127.0.0.1:{port}/metrics" for port in self._workers.ports))
        if self._per_second is not None:
            names = ("bootstrap", "partitions", *(("prefix", "app_id") if settings.prefix else ()))
            screen.say("look", "export " + " ".join(f"{variable_of(name)}={getattr(settings, name)}" for name in names))
            screen.say("", "wameter status; wameter totals; wameter audit; wameter topics check")

    async def _rate(self, screen: Screen, watch: Watch) -> None:
        """Publishes and rates: at a pace, both at once; else everything is published first and drained then."""
        from streams.demo import publish_traffic

        def told(published: int) -> None:
            screen.published = published

        publishing = publish_traffic(self._settings, self._seed, self._events, per_second=self._per_second, told=told)
        with screen.live():
            if self._per_second is None:
                await self._watched(screen, publishing)
                self._workers.start(drain=True)
                while not self._workers.all_done():
                    await screen.refresh()
            else:
                self._workers.start(drain=False)
                await self._watched(screen, publishing)
                while watch.read < self._events or watch.lag:
                    self._workers.all_done()
                    await screen.refresh()

    async def _watched(self, screen: Screen, publishing: Awaitable[None]) -> None:
        task = asyncio.ensure_future(publishing)
        try:
            while not task.done():
                self._workers.all_done()
                await screen.refresh()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _compare(self, screen: Screen) -> int:
        from streams.demo import rated_offline, results_of

        found = await results_of(self._settings)
        screen.show_totals(found)
        with screen.working("rating the same events offline"):
            expected = await asyncio.to_thread(rated_offline, self._settings, self._seed, self._events)
        drained = self._per_second is None
        problems = list(_problems(found, expected, drained=drained))
        if problems:
            for problem in problems[:_SHOWN_DIFFERENCES]:
                screen.say("differs", problem)
            if len(problems) > _SHOWN_DIFFERENCES:
                screen.say("", f"and {len(problems) - _SHOWN_DIFFERENCES:,} more")
            return SOME_REJECTED_OR_UNRATED
        screen.say(
            "checked",
            f"the offline rater says the same of all {self._events:,} events: {len(found.totals()):,} totals, equal to the last digit",
        )
        return DONE


def _problems(found: Results, expected: Results, *, drained: bool) -> Iterator[str]:
    """Where the pipeline and the offline rater disagree. What is unrated is comparable only once every wait has ended."""
    for key, ours, theirs in differences(found.totals(), expected.totals()):
        yield f"{' '.join('null' if part is None else part for part in key.values())}: pipeline {ours}, offline {theirs}"
    if found.rejected != expected.rejected:
        yield f"rejected: pipeline {dict(found.rejected)}, offline {dict(expected.rejected)}"
    if drained and found.unrated() != expected.unrated():
        yield f"unrated: pipeline {found.unrated_count}, offline {expected.unrated_count}"


@contextmanager
def _broker(embedded: bool, flags: dict[str, Any]) -> Iterator[Settings]:
    """The settings for the demo's own broker, or for the user's, where the demo keeps to topics of its own."""
    import uuid

    if not embedded:
        name = f"demo-{uuid.uuid4().hex[:8]}"
        yield settings_from({**flags, "prefix": f"{name}.", "app_id": name, "partitions": PARTITIONS})
        return
    from streams.brokers.embedded import EmbeddedBroker

    with EmbeddedBroker() as broker:
        yield Settings(bootstrap=broker.bootstrap, partitions=PARTITIONS)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: with everything that it started."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
