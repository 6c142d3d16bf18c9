"""`wameter unrated`: what has no price, why, and letting it be decided again."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, get_args
from uuid import uuid4

import click

from schemas.unrated import UnratedReason
from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, ExampleGroup, settings_flags, settings_from
from streams.cli.outputs import check_names, open_outputs
from streams.cli.tables import plain_table, show
from streams.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.settings import Settings
    from streams.unrated import Wanted

_SHOWN: tuple[str, ...] = (
    "delivery_id",
    "message_id",
    "phone_number_id",
    "account_id",
    "billed_at",
    "category",
    "country",
    "market",
    "reason",
)


@click.group(cls=ExampleGroup)
def command() -> None:
    """Show what has no price, and let it be decided again."""


def _selecting(function: Callable[..., int]) -> Callable[..., int]:
    """The flags by which deliveries are selected."""
    for option in (
        click.option("--phone-number", metavar="ID", help="Of this business phone number only, by Meta's id."),
        click.option("--account", metavar="ID", help="Of this account only."),
        click.option("--reason", type=click.Choice(get_args(UnratedReason)), help="Unrated for this reason only."),
    ):
        function = option(function)
    return function


@command.command("list", examples=("wameter unrated list", "wameter unrated list --reason no_rate --json - | jq -r .delivery_id"))
@_selecting
@click.option("--json", "json_file", metavar="FILE", help="Write the records as JSON lines instead; - is standard output.")
@settings_flags(*CONNECTION)
def list_records(reason: str | None, account: str | None, phone_number: str | None, json_file: str | None, **flags: Any) -> int:
    """List what is unrated now, by reason and by what it lacks.

    It reads the compacted topic usage.unrated: what stands there is unrated, however long ago it was delivered.
    """
    from streams.unrated import Wanted, groups

    settings = settings_from(flags)
    check_names({"--json": json_file}, ())
    records = _records(settings, Wanted(reason, account, phone_number))
    if json_file is not None:
        with ExitStack() as stack:
            open_outputs(stack, {"--json": json_file})["--json"].write_all(records)
        return DONE
    if not records:
        click.echo("nothing is unrated" if not (reason or account or phone_number) else "nothing that is unrated matches")
        return DONE
    table = plain_table()
    for name in ("Reason", "Account", "Category", "Market"):
        table.add_column(name, no_wrap=name != "Market")
    table.add_column("Deliveries", justify="right", no_wrap=True)
    for name in ("First", "Last"):
        table.add_column(name, no_wrap=True)
    for group in groups(records):
        names = (group.reason, group.account_id, group.category or "—", group.market or "—")
        table.add_row(*names, f"{group.deliveries:,}", group.first[:16], group.last[:16])
    table.add_section()
    table.add_row("all", "", "", "", f"{len(records):,}", "", "", style="bold")
    show(table)
    return DONE


@command.command(
    "show", examples=("wameter unrated show 5f0c1d2e3b4a59687f8e9d0c1b2a3948", "wameter unrated show wamid.HBgLMzM2MTIzNDU2Nzg")
)
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@settings_flags(*CONNECTION)
def show_records(ids: tuple[str, ...], **flags: Any) -> int:
    """Show unrated deliveries, by delivery id or message id.

    `wameter explain MESSAGE_ID` tells more: what it lacks, and what would mend it.
    """
    from streams.unrated import Wanted

    records = _records(settings_from(flags), Wanted(ids=ids))
    if missing := [wanted for wanted in ids if not any(wanted in (record["delivery_id"], record["message_id"]) for record in records)]:
        raise UserError(*(f"{wanted} is not unrated: it has a price, waits for its category, or was never delivered" for wanted in missing))
    table = plain_table()
    table.add_column("")
    table.add_column("")
    for record in records:
        for name in _SHOWN:
            table.add_row(name, str(record[name]) if record[name] is not None else "—")
        table.add_section()
    table.show_header = False
    show(table)
    return DONE


@command.command(
    examples=(
        "wameter unrated redrive --reason no_rate",
        "wameter unrated redrive --account 102290129340398 --reason no_market",
        "wameter unrated redrive 5f0c1d2e3b4a59687f8e9d0c1b2a3948 --id mend-2026-10-05",
    )
)
@click.argument("ids", nargs=-1, metavar="[ID…]")
@_selecting
@click.option("--all", "everything", is_flag=True, help="Whatever is unrated.")
@click.option("--id", "command_id", metavar="ID", help="The command's id: METER executes it once.  [default: a new one]")
@settings_flags(*CONNECTION)
def redrive(
    ids: tuple[str, ...], reason: str | None, account: str | None, phone_number: str | None, everything: bool, command_id: str | None,
    **flags: Any,
) -> int:  # fmt: skip
    """Let METER decide unrated deliveries again, by what is known now.

    Say which: by delivery id or message id, --reason, --account, --phone-number, or --all. What has a price by then is left alone, so
    redriving twice does no harm. METER writes the lines; this command only asks it to.
    """
    from streams.commands import publish
    from streams.unrated import Wanted, redrives

    if bool(ids or reason or account or phone_number) == everything:
        raise UserError("say which deliveries: ids, --reason, --account, --phone-number; or --all alone")
    settings = settings_from(flags)
    wanted = Wanted(reason, account, phone_number, ids)
    records = _records(settings, wanted)
    if not records:
        click.echo("nothing that is unrated matches")
        return DONE
    name = command_id or uuid4().hex
    published = publish(settings, redrives(records, wanted, name))
    numbers = len({record["phone_number_id"] for record in records})
    click.echo(
        f"{len(records):,} deliveries of {numbers:,} phone numbers are to be decided again: {published:,} commands published, id {name}"
    )
    return DONE


def _records(settings: Settings, wanted: Wanted) -> list[Mapping[str, Any]]:
    from streams import topic_reader, unrated

    return [record for record in topic_reader.run(settings, unrated.read) if wanted.holds(record)]
