"""`wameter void`: takes test or misdirected traffic back, what it comes to first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, ExampleCommand, settings_flags, settings_from
from streams.cli.tables import money, plain_table, show
from streams.errors import UserError

if TYPE_CHECKING:
    from streams.void import Published


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter void wamid.HBgLMzM2MTIzNDU2Nzg --reason 'sent to a wrong number'",
        "wameter void --messages test-messages.txt --reason 'load test of 2026-10-05' --apply",
    ),
)
@click.argument("message_ids", nargs=-1, metavar="[MESSAGE_ID…]")
@click.option("--messages", metavar="FILE", type=click.Path(path_type=Path), help="More message ids, one a line.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stands on each reversal.")
@click.option("--phone-number", metavar="ID", help="The messages' business phone number, by Meta's id: needed where none is published yet.")
@click.option("--participant", metavar="USER", help="Of a group's message: this member's copy only.")
@click.option("--apply", is_flag=True, help="Do it. Without this flag nothing is changed.")
@click.option("--id", "command_id", metavar="ID", help="The command's id: METER executes it once.  [default: a new one]")
@settings_flags(*CONNECTION)
def command(
    message_ids: tuple[str, ...], messages: Path | None, reason: str, phone_number: str | None, participant: str | None, apply: bool,
    command_id: str | None, **flags: Any,
) -> int:  # fmt: skip
    """Take messages back for good: test or misdirected traffic.

    Shows what is in force of them; with --apply METER reverses it, each line once, with the reason on it. Nothing is charged for such a
    message later, whatever else is heard of it. MESSAGE_ID is Meta's id (wamid).
    """
    from streams import topic_reader, void
    from streams.commands import publish

    settings = settings_from(flags)
    wanted = tuple(dict.fromkeys([*message_ids, *_listed(messages)]))
    if not wanted:
        raise UserError("no message is named; give message ids, or --messages with a file of them")
    if not 0 < len(reason) <= 200:
        raise UserError("--reason: must be a text of 1 to 200 characters")
    published = topic_reader.run(settings, lambda reader: void.read(reader, wanted, phone_number))
    numbers = _phone_numbers(wanted, published, phone_number)
    _show(published, wanted)
    if not apply:
        click.echo("nothing was changed; --apply does it")
        return DONE
    name = command_id or uuid4().hex
    count = publish(settings, void.commands(numbers, command_id=name, reason=reason, participant=participant))
    click.echo(f"{len(wanted):,} messages are to be voided: {count:,} commands published, id {name}")
    return DONE


def _listed(messages: Path | None) -> list[str]:
    if messages is None:
        return []
    try:
        return [line.strip() for line in messages.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise UserError(f"--messages {messages}: cannot be read; name a text file with one message id per line") from None


def _phone_numbers(wanted: tuple[str, ...], published: Published, phone_number: str | None) -> dict[str, str]:
    """The business phone number of each message. Raises `UserError` for those whose number is not known, or not one."""
    numbers, problems = {}, []
    for message_id in wanted:
        found = published.phone_numbers.get(message_id, set())
        if phone_number is not None:
            numbers[message_id] = phone_number
        elif len(found) == 1:
            (numbers[message_id],) = found
        elif found:
            problems.append(f"{message_id}: {len(found)} business phone numbers have such a message; say which with --phone-number")
        else:
            problems.append(
                f"{message_id}: nothing was published of it; check the id, or name its business phone number with --phone-number"
            )
    if problems:
        raise UserError(*problems)
    return numbers


def _show(published: Published, wanted: tuple[str, ...]) -> None:
    if published.lines:
        table = plain_table()
        table.add_column("Account", no_wrap=True)
        for name in ("Lines", "Cost", "Amount"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        for (account, currency), (lines, cost, amount) in published.sums().items():
            table.add_row(account, f"{lines:,}", money(cost), money(amount), currency)
        show(table)
    said = f"{len(wanted):,} messages: {len(published.lines):,} lines in force, {len(published.unrated):,} unrated"
    click.echo(said)
