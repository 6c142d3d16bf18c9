"""`wameter topics`: makes the topics of the pipeline, or says what differs from what a worker needs."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, ExampleGroup, settings_flags, settings_from
from streams.errors import UserError

_SHAPE = ("partitions", "replication")


@click.group(cls=ExampleGroup)
def command() -> None:
    """Create the topics, or check them."""


@command.command(examples=("wameter topics create", "wameter topics create --bootstrap kafka-1:9092 --partitions 12 --replication 3"))
@settings_flags(*CONNECTION, *_SHAPE)
def create(**flags: Any) -> int:
    """Create the topics that are missing.

    Those that are there stay as they are; `wameter topics check` says whether they are as they should be.
    """
    from streams.topics import create as create_topics

    settings = settings_from(flags)
    made = asyncio.run(create_topics(settings))
    for name in made:
        click.echo(f"created {name}")
    if not made:
        click.echo("all topics are there; `wameter topics check` says whether they are as they should be")
    return DONE


@command.command(examples=("wameter topics check", "wameter topics check --prefix staging."))
@settings_flags(*CONNECTION, *_SHAPE)
def check(**flags: Any) -> int:
    """Say what differs from what a worker needs. Exit code 2 if anything does."""
    from streams.topics import WORKER
    from streams.topics import check as check_topics

    settings = settings_from(flags)
    problems = asyncio.run(check_topics(settings))
    if problems:
        raise UserError(*problems)
    click.echo(f"ok: {len(WORKER)} topics with {settings.partitions} partitions each")
    return DONE
