"""`python -m tests.faults N [--seed S]`: N rounds on Apache Kafka, each another fault, moment and traffic. A second start goes on."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from streams.brokers import embedded
from streams.guards.faults import POINTS
from tests.brokers import apache_kafka
from tests.brokers.apache_kafka import ApacheKafka, KafkaCluster
from tests.faults import acls
from tests.faults.play import Stand
from tests.faults.rounds import KINDS, Kind, draw, play_round

ROOT = Path(__file__).parents[2]
ROUND_TIMEOUT_S = 300


class Told(NamedTuple):
    """What is kept of a round."""

    number: int
    kind: str
    ok: bool
    counts: bool
    points: list[str]
    ends: list[int]
    aborted: int
    seconds: float


class Stands:
    """The brokers of a run, started when a round first needs them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._broker: ApacheKafka | None = None
        self._cluster: KafkaCluster | None = None

    def of(self, kind: Kind) -> Stand:
        """Where to play a round of this kind."""
        if kind.needs == "a cluster":
            if self._cluster is None:
                self._cluster = KafkaCluster()
                self._stack.callback(self._cluster.remove)
                self._cluster.start()
            return Stand(self._cluster.bootstrap, cluster=self._cluster)
        if self._broker is None:
            self._broker = ApacheKafka(acls.AUTHORISED)
            self._stack.callback(self._broker.remove)
            self._broker.start()
        return Stand(self._broker.bootstrap, self._broker)

    def said(self) -> str:
        """What the brokers wrote."""
        brokers = [self._broker] if self._broker else []
        return "\n\n".join(broker.said()[-20_000:] for broker in [*brokers, *(self._cluster.nodes if self._cluster else [])])

    def forget(self) -> None:
        """After a round that failed nobody knows what state the brokers are in: the next one gets fresh ones."""
        self._stack.close()
        self._broker = self._cluster = None


def main() -> int:
    """Plays what is left of N rounds, prints a line for each and a summary; returns 1 if one failed."""
    arguments = _arguments()
    if missing := apache_kafka.what_is_missing():
        sys.stderr.write(f"the rounds need Apache Kafka, and there is {missing}; Java 17 and Maven bring it\n")
        return 2
    embedded.be_gentle()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    kept = arguments.state / f"seed-{arguments.seed}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    told = {each.number: each for each in _read(kept)}
    if told:
        _say(f"{len(told)} rounds of seed {arguments.seed} were played before; remove {kept} to begin anew")
    with ExitStack() as stack:
        stands = Stands(stack)
        for number in range(arguments.rounds):
            if number in told or (arguments.kind and draw(arguments.seed, number)[0].name != arguments.kind):
                continue
            told[number] = _play(arguments, stands, number)
            with kept.open("a") as file:
                file.write(json.dumps(told[number]._asdict()) + "\n")
    rounds = [told[number] for number in sorted(told) if number < arguments.rounds]
    _say(*_summary(rounds))
    return 0 if all(each.ok for each in rounds) else 1


def _play(arguments: argparse.Namespace, stands: Stands, number: int) -> Told:
    kind, rng = draw(arguments.seed, number)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wameter-faults-") as directory:
        try:
            outcome = asyncio.run(_limited(kind, rng, stands.of(kind), Path(directory)))
        except Exception as error:
            failed = arguments.state / f"seed-{arguments.seed}-round-{number}.txt"
            failed.write_text("".join(traceback.format_exception(error)) + "\n".join(_logs(Path(directory))) + stands.said())
            _say(f"{number + 1:4d} FAILED {kind.name}: {str(error).splitlines()[0][:160]}; {failed} holds the rest")
            stands.forget()
            return Told(number, kind.name, False, False, [], [], 0, round(time.monotonic() - began_s, 1))
    checked = outcome.checked
    seconds = round(time.monotonic() - began_s, 1)
    points, ends = [str(point) for point in outcome.points], list(outcome.ends)
    _say(
        f"{number + 1:4d} {'ok  ' if outcome.counts else 'void'} {kind.name:37s} {', '.join(points) or 'no crash point':28s} "
        f"{checked.commits:4d} commits {checked.aborted:4d} aborted {checked.lines:5d} lines {seconds:5.1f} s {ends or ''}"
    )
    return Told(number, kind.name, True, outcome.counts, points, ends, checked.aborted, seconds)


async def _limited(kind: Kind, rng: Any, stand: Stand, directory: Path) -> Any:
    async with asyncio.timeout(ROUND_TIMEOUT_S):
        return await play_round(kind, rng, stand, directory, is_short=False)


def _summary(rounds: list[Told]) -> Iterator[str]:
    """How many rounds count, by kind and by point."""
    counted = [each for each in rounds if each.ok and each.counts]
    failed = [each for each in rounds if not each.ok]
    yield ""
    yield f"{len(rounds)} rounds: {len(counted)} count, {len(rounds) - len(counted) - len(failed)} hit nothing, {len(failed)} failed"
    yield ""
    yield f"{'kind':40s} counted with aborted records"
    for kind in KINDS:
        of_kind = [each for each in counted if each.kind == kind.name]
        yield f"{kind.name:40s} {len(of_kind):7d} {sum(each.aborted > 0 for each in of_kind):20d}"
    yield ""
    yield f"{'point':40s} reached"
    reached = Counter(point for each in counted for point in each.points)
    for point in POINTS:
        yield f"{point:40s} {reached[point]:7d}"
    yield f"{'at any time, proven by aborted records':40s} {sum(not each.points for each in counted):7d}"
    for each in failed:
        yield f"round {each.number + 1} failed: {each.kind}"


def _read(path: Path) -> Iterator[Told]:
    for line in path.read_text().splitlines() if path.exists() else []:
        yield Told(**json.loads(line))


def _logs(directory: Path) -> Iterator[str]:
    for log in sorted(directory.glob("*.log")):
        yield f"\n--- {log.name}\n{log.read_text(errors='replace')}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/test --faults", description=__doc__)
    parser.add_argument("rounds", type=int, metavar="N", help="how many rounds, those of an earlier start counted")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, other rounds; default 1")
    parser.add_argument("--kind", choices=[kind.name for kind in KINDS], metavar="KIND", help="only rounds of this kind")
    parser.add_argument("--state", type=Path, default=ROOT / ".faults", metavar="DIR", help="where rounds are kept; default .faults")
    return parser.parse_args()


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
