"""Who is measured: how each is started, which topics are its own, and what shows its progress."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks import engine_alone, environments
from benchmarks.traffic import MESSAGES
from streams import topics
from streams.brokers.embedded import end_with_parent
from streams.settings import Settings, variable_of
from streams.topics import DAY_MS, Topic

Kind = Literal["peer", "engine", "meter"]


@dataclass(frozen=True)
class Place:
    """Where one run takes place: names that no other run has, on the events that all share."""

    settings: Settings
    """`app_id` is the group."""
    directory: Path

    @property
    def group(self) -> str:
        """Consumer group, and head of every name that is this run's alone."""
        return self.settings.app_id

    @property
    def log(self) -> Path:
        """What the contender says."""
        return self.directory / f"{self.group}.log"


@dataclass(frozen=True)
class Contender:
    """One line of the table."""

    name: str
    title: str
    guarantee: str
    kind: Kind
    command: Callable[[], Sequence[str]]
    """Evaluated once: it may have to make the environment first."""
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: int = 1
    members: int = 1
    """Of its consumer group; 0 if it joins none."""
    events_max: int | None = None
    """Measured on the first so many events, because it would take minutes otherwise."""
    changelog: str | None = None
    """Name of the topic that holds its state, where `{group}` and `{input}` are the run's; None if it keeps no such topic."""

    def topics_of(self, place: Place) -> list[Topic]:
        """Topics to make before it starts, and to drop afterwards; names without the prefix."""
        if self.kind == "meter":
            return [topic for topic in topics.WORKER if not topic.is_input]
        if self.kind == "engine":
            return list(engine_alone.OWN_TOPICS)
        compacted = [f"{place.group}-changelog", f"{place.group}-windows-changelog"]
        return [Topic(f"{place.group}-answers", "delete", DAY_MS), *(Topic(name, "compact") for name in compacted)]

    def output_of(self, place: Place) -> str:
        """The full name of the topic with one answer per event. METER has none."""
        return place.settings.prefix + (engine_alone.ANSWERS if self.kind == "engine" else f"{place.group}-answers")

    def watched_of(self, place: Place) -> str:
        """The full name of the topic that shows its progress: METER moves its position in the state with every transaction."""
        return f"{place.settings.prefix}wameter-meter-state" if self.kind == "meter" else self.output_of(place)

    def changelog_of(self, place: Place) -> str | None:
        """The full name of the topic with its state."""
        if self.kind == "engine":
            return f"{place.settings.prefix}wameter-{engine_alone.STAGE}-state"
        prefix = place.settings.prefix
        return self.changelog and self.changelog.format(prefix=prefix, group=place.group, input=prefix + MESSAGES)

    def start(self, place: Place) -> list[subprocess.Popen[bytes]]:
        """Starts its processes, each the leader of a process group; they write to `place.log`."""
        state = place.directory / f"{place.group}-state"
        state.mkdir(exist_ok=True)
        peers = str(Path(__file__).parent / "peers")
        environment = {name: text for name, text in os.environ.items() if not name.startswith("WAMETER_")}
        environment |= {"PYTHONPATH": os.pathsep.join([peers, str(environments.ROOT)]), **_told(place, self, state), **self.environment}
        command = list(self.command())
        with place.log.open("ab") as log:
            return [
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=state,
                    start_new_session=True,
                    preexec_fn=end_with_parent(),
                )
                for _ in range(self.processes)
            ]


def _told(place: Place, contender: Contender, state: Path) -> dict[str, str]:
    """What a contender learns from its environment: the product its settings, a peer what `peers/job.py` reads."""
    settings = place.settings
    if contender.kind != "peer":
        return {variable_of(name): str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    return {
        "BENCH_BOOTSTRAP": settings.bootstrap,
        "BENCH_INPUT": settings.prefix + MESSAGES,
        "BENCH_OUTPUT": contender.output_of(place),
        "BENCH_CHANGELOG": f"{settings.prefix}{place.group}-changelog",
        "BENCH_GROUP": settings.prefix + place.group,
        "BENCH_PARTITIONS": str(settings.partitions),
        "BENCH_STATE_DIR": str(state),
    }


def _peer(name: str) -> str:
    return str(environments.PEERS / name / "app.py")


def _faust() -> list[str]:
    faust = Path(environments.python_of("faust")).with_name("faust")
    return [
        str(faust),
        "--workdir",
        str(environments.PEERS / "faust"),
        "-A",
        "app",
        "-L",
        "uvloop",
        "worker",
        "-l",
        "warn",
        "--without-web",
    ]


def _streams() -> list[str]:
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ["java", "-Xmx2g", "-XX:+UseSerialGC", quiet, "-cp", environments.classpath_of("kafka_streams"), "benchmark.Windows"]


def _python(peer: str) -> Callable[[], list[str]]:
    return lambda: [environments.python_of(peer), _peer(peer)]


def _worker() -> list[str]:
    return [sys.executable, "-m", "streams.cli.main", "worker"]


_STREAMS_CHANGELOG = "{prefix}{group}-windows-changelog"
_QUIX_CHANGELOG = "changelog__{prefix}{group}--{input}--default"

ON_KAFKA: Sequence[Contender] = (
    Contender("meter", "Wameter METER, 1 worker", "exactly once", "meter", _worker),
    Contender("meter-2", "Wameter METER, 2 workers", "exactly once", "meter", _worker, processes=2, members=2),
    Contender(
        "engine", "Wameter's engine, the peers' job", "exactly once", "engine", lambda: [sys.executable, "-m", "benchmarks.engine_alone"]
    ),
    Contender(
        "streams",
        "Kafka Streams, 1 thread",
        "exactly once",
        "peer",
        _streams,
        environment={"BENCH_THREADS": "1"},
        changelog=_STREAMS_CHANGELOG,
    ),
    Contender(
        "streams-2",
        "Kafka Streams, 2 threads",
        "exactly once",
        "peer",
        _streams,
        environment={"BENCH_THREADS": "2"},
        members=2,
        changelog=_STREAMS_CHANGELOG,
    ),
    Contender(
        "loop",
        "bare aiokafka loop",
        "exactly once, no restore",
        "peer",
        lambda: [sys.executable, _peer("loop")],
        changelog="{prefix}{group}-changelog",
    ),
    Contender("bytewax", "Bytewax", "at least once, no changelog", "peer", _python("bytewax"), members=0),
    Contender(
        "quix",
        "Quix Streams, exactly once",
        "exactly once",
        "peer",
        _python("quix"),
        environment={"BENCH_GUARANTEE": "exactly-once"},
        events_max=500_000,
        changelog=_QUIX_CHANGELOG,
    ),
    Contender(
        "quix-alo",
        "Quix Streams, at least once",
        "at least once",
        "peer",
        _python("quix"),
        environment={"BENCH_GUARANTEE": "at-least-once"},
        events_max=500_000,
        changelog=_QUIX_CHANGELOG,
    ),
    Contender("faust", "stock Faust", "at least once", "peer", _faust, events_max=60_000, changelog="{prefix}{group}-windows-changelog"),
)
