"""`wameter cards activate`: brings a catalog into force in a running system."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import click

from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, ExampleCommand, as_known, settings_flags, settings_from


@click.command(
    "activate",
    cls=ExampleCommand,
    short_help="Bring a catalog into force in a running system.",
    examples=(
        "wameter cards activate --catalog my-catalog",
        "wameter cards activate --catalog my-catalog --as-known 2026-10-03 --apply",
    ),
)
@click.option("--apply", is_flag=True, help="Do it. Without this flag nothing is changed.")
@click.option("--id", "command_id", metavar="ID", help="The command's id: METER executes it once.  [default: a new one]")
@as_known
@settings_flags(*CONNECTION, "catalog")
def command(apply: bool, command_id: str | None, as_known: str | None, **flags: Any) -> int:
    """Bring a catalog into force: what is rated for the first time from then on is rated by it.

    What is published stays, and its corrections use what was known when it was first rated; `wameter reprice` changes that. Give the
    workers the catalog first, one by one: they run on with what is in force, as long as the new one says the same about that time.
    """
    from rating.activation import told
    from streams import activation, topic_reader
    from streams.stages import catalog_of

    settings = settings_from(flags)
    catalog = catalog_of(settings)
    wanted = catalog if as_known is None else catalog.as_known(as_known)
    plan = topic_reader.run(settings, lambda reader: activation.plan(reader, wanted))
    for number, known in sorted(plan.in_force.items()):
        click.echo(f"partition {number}: {'nothing is rated yet' if known is None else told(known)}")
    if not plan.changes:
        click.echo(f"{told(plan.wanted)} is in force everywhere")
        return DONE
    click.echo(f"would come into force: {told(plan.wanted)}")
    if plan.continues:
        click.echo("workers may have this catalog before it is in force, and must have it from then on: one that lacks it ends")
    else:
        click.echo(
            "it says something else about the time that is in force, so no worker can have it yet: "
            "those that run end when they come to the record; start them with this catalog then"
        )
    if not apply:
        click.echo("nothing was changed; --apply does it")
        return DONE
    name = command_id or uuid4().hex
    activation.activate(settings, plan, name)
    click.echo(f"{len(plan.in_force)} commands published, id {name}")
    return DONE
