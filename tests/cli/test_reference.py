"""The reference of the command line names every command, every flag that is no setting, and every exit code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from streams.cli import exit_codes
from streams.cli.main import cli
from streams.errors import UNREACHABLE, WRONG_USE
from streams.guards.fatal import Exit
from streams.settings import Settings

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_every_command_is_there() -> None:
    assert [path for path, _ in commands(cli, "wameter") if f"`{path}" not in REFERENCE] == []


def test_every_flag_that_is_no_setting_is_there() -> None:
    flags = {
        flag
        for _, command in commands(cli, "wameter")
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name not in {*Settings.model_fields, "config"}
        for flag in parameter.opts
    }
    assert {flag for flag in flags if flag not in REFERENCE} == set()
    assert "--unheard-of" not in REFERENCE


def test_every_exit_code_is_there() -> None:
    known = {value for name, value in vars(exit_codes).items() if name.isupper()} | {WRONG_USE, UNREACHABLE}
    assert {code for code in known if f"| {code} |" not in REFERENCE} == set()
    assert {int(code) for code in Exit if f" {int(code)} " not in REFERENCE.replace("\n", " ")} == set()
