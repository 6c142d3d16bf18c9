"""`wameter schemas export`: the wire contract as JSON Schema, one file per topic, and as an AsyncAPI document."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.exit_codes import DONE
from streams.cli.options import ExampleGroup
from streams.errors import UserError


@click.group(cls=ExampleGroup)
def command() -> None:
    """Export JSON Schema and AsyncAPI."""


@command.command(examples=("wameter schemas export build/schemas",))
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
def export(directory: Path) -> int:
    """Write the JSON Schema of every topic and an AsyncAPI document into DIR."""
    from schemas.export import export as documents

    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in documents().items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(path)
    except OSError as error:
        raise UserError(f"{directory}: cannot be written ({(error.strerror or 'error').lower()}); choose another directory") from None
    return DONE
