"""`wameter billing`: closes that are due, and an account's log."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, date, datetime
from typing import Any

import click

from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, ExampleGroup, a_date, settings_flags, settings_from
from streams.cli.outputs import check_names, open_outputs
from streams.errors import UserError

_SETTINGS = (*CONNECTION, "partitions", "plans")


@click.group(cls=ExampleGroup)
def command() -> None:
    """Close cycles of a running system, or export an account's log."""


@command.command(examples=("wameter billing close --as-of 2026-10-02", "wameter billing close --as-of 2026-10-02 --grace-days 3"))
@click.option("--as-of", required=True, metavar="DATE", callback=a_date, help="Close every boundary that is due on this day.")
@click.option(
    "--grace-days", type=click.IntRange(0, 365), default=1, show_default=True, metavar="N", help="Days from a boundary until it is due."
)
@settings_flags(*_SETTINGS)
def close(as_of: date, grace_days: int, **flags: Any) -> int:
    """Publish the closes that are due, so that their invoices are issued.

    It waits until metering has passed the last boundary, and says for what. Doing it again changes nothing: a close has the same id.
    """
    from streams import topic_reader
    from streams.billing.closing import close as close_all
    from streams.billing.plans_files import plans_of

    if as_of > datetime.fromtimestamp(time.time(), UTC).date():
        raise UserError(f"--as-of {as_of} has not come yet; close up to today at most")
    settings = settings_from(flags)
    plans = plans_of(settings.plans)
    due = topic_reader.run(
        settings, lambda reader: close_all(reader, settings, plans, as_of, grace_days, lambda what: click.echo(what, err=True))
    )
    accounts = len({each.account_id for each in due})
    click.echo(f"{len(due):,} closes published, of {accounts:,} accounts" if due else "nothing is due")
    return DONE


@command.command(
    examples=(
        "wameter billing export acme --commands commands.jsonl --totals totals.jsonl",
        "wameter bill commands.jsonl --totals totals.jsonl   # the same invoices, byte for byte",
    )
)
@click.argument("account", metavar="ACCOUNT")
@click.option("--commands", required=True, metavar="FILE", help="Write the commands, in the order in which they were taken.")
@click.option("--totals", required=True, metavar="FILE", help="Write the totals, each with the time from which it counts.")
@settings_flags(*_SETTINGS)
def export(account: str, commands: str, totals: str, **flags: Any) -> int:
    """Write an account's log: what `wameter bill` makes of it are the account's invoices, byte for byte."""
    from streams import topic_reader
    from streams.billing.account import log_of
    from streams.billing.plans_files import plans_of

    outputs: dict[str, str | None] = {"--commands": commands, "--totals": totals}
    check_names(outputs, ())
    settings = settings_from(flags)
    plans = plans_of(settings.plans)
    taken, known = topic_reader.run(settings, lambda reader: log_of(reader, plans, account))
    with ExitStack() as stack:
        opened = open_outputs(stack, outputs)
        opened["--commands"].write_lines(taken)
        opened["--totals"].write_lines(known)
    return DONE
