"""`wameter status`: how far a running system is, and what waits in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from schemas.instants import format_instant
from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, ExampleCommand, settings_flags, settings_from
from streams.cli.tables import plain_table, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.topic_reader import Lag, PartitionState, TopicReader

MESSAGES: Final = "whatsapp.messages"


@click.command(cls=ExampleCommand, examples=("wameter status", "wameter status --bootstrap kafka-1:9092 --prefix staging."))
@settings_flags(*CONNECTION)
def command(**flags: Any) -> int:
    """Show a running system: lag, clock, and what is pending, unrated or voided, by partition.

    The clock is the newest event time of any phone number of the partition. It reads METER's state from its changelog, which takes a moment
    where that is long.
    """
    from streams import topic_reader

    settings = settings_from(flags)
    lags, states = topic_reader.run(settings, _read)
    table = plain_table()
    table.add_column("Partition", justify="right")
    for name in ("Read", "Lag", "Rejected", "Charged", "Free", "Unrated", "Pending", "Voided"):
        table.add_column(name, justify="right")
    table.add_column("Clock")
    sums = [0] * 8
    for lag in lags:
        state = states[lag.partition]
        tally = state.ledger.deliveries
        row = [lag.committed or 0, lag.records, state.ledger.events.get("rejected", 0), *(tally.get(side, 0) for side in _SIDES)]
        sums = [total + figure for total, figure in zip(sums, row, strict=True)]
        clock = "—" if not state.clock_ms else format_instant(state.clock_ms)
        table.add_row(str(lag.partition), *(f"{figure:,}" for figure in row), clock)
    table.add_section()
    table.add_row("all", *(f"{figure:,}" for figure in sums), "", style="bold")
    show(table)
    for which, numbers in sorted(_in_force(states).items()):
        click.echo(f"catalog {which} is in force in partition{'s' if len(numbers) > 1 else ''} {', '.join(map(str, sorted(numbers)))}")
    return DONE


_SIDES: Final = ("charged", "free", "unrated", "pending", "voided")


def _in_force(states: Mapping[int, PartitionState]) -> dict[str, list[int]]:
    """Partitions by the catalog in force, in words."""
    from rating.activation import told

    found: dict[str, list[int]] = {}
    for number, state in states.items():
        if state.active is not None:
            found.setdefault(told(state.active), []).append(number)
    return found


async def _read(reader: TopicReader) -> tuple[list[Lag], Mapping[int, PartitionState]]:
    lags = await reader.lags(MESSAGES)
    return lags, await reader.states(MESSAGES)
