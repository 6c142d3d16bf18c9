"""`wameter audit`: both conservation ledgers recomputed from the topics, beside METER's own tallies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from streams.audit import COMMANDS, DELIVERY_SIDES, EVENT_SIDES, MESSAGES, Audit, Finding
from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import CONNECTION, ExampleCommand, settings_flags, settings_from
from streams.cli.tables import plain_table, show
from streams.results import RATED, REJECTED, TOTALS, UNRATED

if TYPE_CHECKING:
    from rating.stage import Record
    from streams.topic_reader import TopicReader


@dataclass(slots=True)
class Report:
    """What an audit found."""

    audit: Audit
    events: Counter[str]
    """METER's tallies."""
    deliveries: Counter[str]
    forgotten: int
    """How many of these deliveries have left the state, as nothing can change them any more."""
    unread: int
    moved: bool
    """Whether the pipeline went on while it was audited: then differences mean little."""


@click.command(cls=ExampleCommand, examples=("wameter audit", "wameter audit --bootstrap kafka-1:9092 --prefix staging."))
@settings_flags(*CONNECTION)
def command(**flags: Any) -> int:
    """Recompute both ledgers from the topics, and compare them with METER's tallies.

    Every event that was read must be applied, a duplicate, superseded, informational or rejected; every delivery with a billing instant
    charged, free, unrated, pending or voided; and the lines must add up to the totals. Exit code 1 if anything differs. Best run while no
    events come in.
    """
    from streams import topic_reader

    settings = settings_from(flags)
    report = topic_reader.run(settings, read)
    return print_report(report)


async def read(reader: TopicReader) -> Report:
    """Audits a system: METER's state first, then its outputs, then its input as far as the state had read it."""
    states = await reader.states(MESSAGES)
    audit = Audit()
    takes: dict[str, Callable[[Record], None]] = {
        REJECTED: audit.rejected,
        RATED: audit.line,
        TOTALS: audit.total,
        UNRATED: audit.unrated,
    }
    for topic, take in takes.items():
        async for record in reader.records(topic):
            take(record)
    unread = 0
    async for record in reader.records(MESSAGES):
        if record.offset < (states[record.partition].position or 0):
            audit.message(record)
        else:
            unread += 1
    async for record in reader.records(COMMANDS):
        audit.command(record)
    after = await reader.states(MESSAGES)
    events, deliveries, forgotten = Counter[str](), Counter[str](), 0
    for state in states.values():
        events.update(state.ledger.events)
        deliveries.update(state.ledger.deliveries)
        forgotten += sum(state.ledger.forgotten.values())
    moved = any(after[number].position != state.position for number, state in states.items())
    return Report(audit, events, deliveries, forgotten, unread, moved)


def print_report(report: Report) -> int:
    """Prints both ledgers and what does not hold; returns the exit code."""
    audit = report.audit
    deliveries = audit.deliveries()
    findings = audit.findings()
    events, tallied = _joined(audit.events, report.events, audit.unlike_copies)
    ledgers = (("Events", EVENT_SIDES, events, tallied), ("Deliveries", DELIVERY_SIDES, deliveries, report.deliveries))
    show(*(_table(*ledger) for ledger in ledgers))
    click.echo()
    equal = all(counted.get(side, 0) == tally.get(side, 0) for _, sides, counted, tally in ledgers for side in sides)
    for finding in findings:
        click.echo(_sentence(finding))
    if report.unread:
        click.echo(f"{report.unread:,} events are still to be read")
    if equal and not findings:
        gone = f"; {report.forgotten:,} deliveries are forgotten" if report.forgotten else ""
        click.echo(f"every event and every delivery is accounted for; {audit.lines:,} lines add up to the totals{gone}")
        return DONE
    if report.moved:
        click.echo("the pipeline went on during the audit, so what differs may be work in progress; run it again when no events come in")
    return SOME_REJECTED_OR_UNRATED


def _joined(events: Counter[str], tallied: Counter[str], unlike_copies: int) -> tuple[Counter[str], Counter[str]]:
    """Where copies differ in content only, superseded ones count as duplicates on both sides: who of the two came first can't be told."""
    if not unlike_copies:
        return events, tallied
    return _with_superseded_as_duplicate(events), _with_superseded_as_duplicate(tallied)


def _with_superseded_as_duplicate(ledger: Counter[str]) -> Counter[str]:
    return Counter({**ledger, "duplicate": ledger["duplicate"] + ledger["superseded"], "superseded": 0})


def _table(title: str, sides: tuple[str, ...], counted: Mapping[str, int], tallied: Mapping[str, int]) -> Table:
    """One ledger; its last column says by how much METER's tally differs."""
    table = plain_table()
    table.add_column(title)
    table.add_column("from the topics", justify="right")
    table.add_column("METER's tally", justify="right")
    table.add_column("")
    for side in sides:
        ours, theirs = counted.get(side, 0), tallied.get(side, 0)
        table.add_row(side, f"{ours:,}", f"{theirs:,}", "" if ours == theirs else f"{theirs - ours:+,}")
    table.add_section()
    ours, theirs = (sum(column.get(side, 0) for side in sides) for column in (counted, tallied))
    table.add_row("all", f"{ours:,}", f"{theirs:,}", "" if ours == theirs else f"{theirs - ours:+,}", style="bold")
    return table


def _sentence(finding: Finding) -> str:
    return f"does not hold: {finding.law}; {finding.count:,} times, such as {', '.join(finding.examples)}"
