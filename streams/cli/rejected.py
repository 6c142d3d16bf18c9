"""`wameter rejected`: what was refused, why, and sending it again when it can be read."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import CONNECTION, ExampleGroup, settings_flags, settings_from
from streams.cli.outputs import check_names, open_outputs
from streams.cli.tables import plain_table, show
from streams.errors import UserError

if TYPE_CHECKING:
    from streams.rejected import Rejected
    from streams.settings import Settings


@click.group(cls=ExampleGroup)
def command() -> None:
    """Show what was refused, and send it again."""


@command.command("list", examples=("wameter rejected list", "wameter rejected list --reason invalid_field --json - | jq -r .place"))
@click.option("--reason", metavar="CODE", help="Refused for this reason only.")
@click.option("--topic", metavar="NAME", help="Of this topic only: whatsapp.messages.")
@click.option(
    "--json", "json_file", metavar="FILE", help="Write the records as JSON lines instead, their bytes in base64; - is standard output."
)
@settings_flags(*CONNECTION)
def list_records(reason: str | None, topic: str | None, json_file: str | None, **flags: Any) -> int:
    """List what was refused and is still held, by topic and reason.

    No byte of a record is shown: it may hold phone numbers and texts. With --json it is, in base64.
    """
    from streams.rejected import groups

    settings = settings_from(flags)
    check_names({"--json": json_file}, ())
    records = _records(settings, reason, topic)
    if json_file is not None:
        with ExitStack() as stack:
            open_outputs(stack, {"--json": json_file})["--json"].write_all(map(_as_json, records))
        return DONE
    if not records:
        click.echo("nothing was rejected" if not (reason or topic) else "nothing that was rejected matches")
        return DONE
    table = plain_table()
    for name in ("Topic", "Reason"):
        table.add_column(name, no_wrap=True)
    table.add_column("Records", justify="right", no_wrap=True)
    for name in ("First", "Last"):
        table.add_column(name, no_wrap=True)
    for group in groups(records):
        table.add_row(group.topic, group.reason, f"{group.records:,}", group.first[:16], group.last[:16])
    table.add_section()
    table.add_row("all", "", f"{len(records):,}", "", "", style="bold")
    show(table)
    return DONE


@command.command(
    "show",
    examples=("wameter rejected show whatsapp.messages:3:1042", "wameter rejected show whatsapp.messages:3:1042 --raw | jq ."),
)
@click.argument("places", nargs=-1, required=True, metavar="TOPIC:PARTITION:OFFSET…")
@click.option("--raw", is_flag=True, help="Write the record's bytes as they came, and nothing else. They may be personal.")
@settings_flags(*CONNECTION)
def show_records(places: tuple[str, ...], raw: bool, **flags: Any) -> int:
    """Show refused records by the place that they came from: why they were refused, and whether they can be read by now."""
    from streams.rejected import why_not

    records = _at(settings_from(flags), places)
    if raw:
        for record in records:
            sys.stdout.buffer.write(record.value + b"\n")
        return DONE
    for record in records:
        click.echo(f"{record.place}  {record.reason}, {record.bytes_in_all:,} bytes, came {record.rejected_at or 'at an unknown time'}")
        if record.detail:
            click.echo(f"  {record.detail}")
        still = why_not(record)
        click.echo("  it can be read by now: wameter rejected redrive sends it again" if still is None else f"  {still}")
    return DONE


@command.command(
    examples=(
        "wameter rejected redrive --reason unknown_type",
        "wameter rejected redrive whatsapp.messages:3:1042 whatsapp.messages:3:1043",
    )
)
@click.argument("places", nargs=-1, metavar="[TOPIC:PARTITION:OFFSET…]")
@click.option("--reason", metavar="CODE", help="Whatever was refused for this reason.")
@click.option("--all", "everything", is_flag=True, help="Whatever was refused.")
@settings_flags(*CONNECTION)
def redrive(places: tuple[str, ...], reason: str | None, everything: bool, **flags: Any) -> int:
    """Send refused message events again, bytes and key as they came, to the topic that they came from.

    Those that this version refuses too are told and left where they are. An event that was sent again before is a duplicate and counts
    once. Exit code 1 if something could not be sent again.
    """
    from streams.commands import send
    from streams.rejected import MESSAGES, why_not

    if [bool(places), reason is not None, everything].count(True) != 1:
        raise UserError("say which records: places, or --reason, or --all; one of the three")
    settings = settings_from(flags)
    records = _at(settings, places) if places else _records(settings, reason, None)
    refused = [why for record in records if (why := why_not(record)) is not None]
    readable = [(record.key, record.value) for record in records if why_not(record) is None]
    if readable:
        asyncio.run(send(settings, MESSAGES, readable))
    click.echo(f"{len(readable):,} of {len(records):,} records were sent again")
    for why, count in sorted(Counter(refused).items()):
        click.echo(f"  {count:,} not: {why}", err=True)
    return SOME_REJECTED_OR_UNRATED if refused else DONE


def _records(settings: Settings, reason: str | None, topic: str | None) -> list[Rejected]:
    from streams import rejected, topic_reader

    found = topic_reader.run(settings, rejected.read)
    return [record for record in found if reason in (None, record.reason) and topic in (None, record.topic)]


def _at(settings: Settings, places: tuple[str, ...]) -> list[Rejected]:
    """The records of these places, in this order. Raises `UserError` for those that are not there."""
    by_place = {record.place: record for record in _records(settings, None, None)}
    if missing := [place for place in places if place not in by_place]:
        raise UserError(*(f"no rejected record came from {place}; wameter rejected list --json - has the places" for place in missing))
    return [by_place[place] for place in places]


def _as_json(record: Rejected) -> dict[str, Any]:
    return {
        "v": 1,
        "place": record.place,
        "reason": record.reason,
        "detail": record.detail,
        "rejected_at": record.rejected_at,
        "bytes": record.bytes_in_all,
        "raw_base64": base64.b64encode(record.value).decode(),
    }
