"""What the commands share: help with examples, and flags that come from the settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from streams.settings import Settings, flag_of, load

_Function = TypeVar("_Function", bound=Callable[..., Any])

CONNECTION = ("bootstrap", "prefix", "app_id", "security_protocol", "sasl_mechanism", "sasl_username", "ssl_ca_file")
"""Settings of every command that talks to a cluster."""

DECIDING = ("window_basis", "message_ids", "catalog")
"""Settings on which results depend: the same for a worker and for the offline rater."""


class ExampleCommand(click.Command):
    """A command whose help ends with examples."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples, one a line, as they are typed."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class ExampleGroup(click.Group):
    """A group of such commands."""

    command_class = ExampleCommand


def a_date(_context: click.Context, _parameter: click.Parameter, value: str | None) -> date | None:
    """A flag's value as a date; for `callback=`."""
    if value is None:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or len(value) != len("2026-10-01") or not date(2009, 1, 1) <= day <= date(2100, 12, 31):
        raise click.BadParameter(f"{value!r} is no date from 2009 to 2100; write 2026-10-01")
    return day


def settings_flags(*names: str) -> Callable[[_Function], _Function]:
    """Adds the flags of some settings, and `--config`. The command gets them as keyword arguments for `settings_from`."""

    def add(function: _Function) -> _Function:
        for name in reversed(names):
            function = _flag(name, Settings.model_fields[name])(function)
        config = click.option(
            "--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings file.  [default: wameter.toml, if there]"
        )
        return config(function)

    return add


def settings_from(flags: dict[str, Any]) -> Settings:
    """The settings in force, from a command's flags. Raises `SettingsError` with every problem."""
    return load({name: value for name, value in flags.items() if name in Settings.model_fields}, flags.get("config"))


def _flag(name: str, field: FieldInfo) -> Callable[[_Function], _Function]:
    """One setting's flag. Its value stays text: the settings check it, together with all others."""
    default = "" if field.default is None or field.default == "" else f"  [default: {field.default}]"
    return click.option(flag_of(name), name, metavar=_metavar(field), help=f"{field.description}{default}")


def _metavar(field: FieldInfo) -> str:
    kinds = [field.annotation, *get_args(field.annotation)] if get_origin(field.annotation) is not Literal else [field.annotation]
    for kind in kinds:
        if get_origin(kind) is Literal:
            return "[" + "|".join(get_args(kind)) + "]"
    if Path in kinds:
        return "PATH"
    return "NUMBER" if int in kinds or float in kinds else "TEXT"


def local_date(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Checks a flag whose value is a calendar date, for `callback=`."""
    if value is not None:
        try:
            date.fromisoformat(value)
        except ValueError:
            raise click.BadParameter(f"{value!r} is no date; write it as 2026-10-03") from None
    return value


as_known = click.option(
    "--as-known",
    metavar="DATE",
    callback=local_date,
    help="Use the cards as they were known on this date: what became known later is not there.  [default: all that is known]",
)
"""The flag of commands that can be asked as of another time."""
