"""`wameter`: finds the command, runs it, and turns whatever ends it into an exit code and at most a sentence."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

import click
from click.exceptions import NoArgsIsHelpError

from streams.cli.exit_codes import INTERRUPTED, PIPE_CLOSED
from streams.errors import WRONG_USE, UserError

_COMMANDS: Final = {
    "demo": ("streams.cli.demo", "Run the whole pipeline here, on sample traffic."),
    "rate": ("streams.cli.rate", "Rate files of events, without a broker."),
    "worker": ("streams.cli.worker", "Run a worker of the pipeline."),
    "topics": ("streams.cli.topics", "Create the topics, or check them."),
    "status": ("streams.cli.status", "Lag, pending and unrated of a running system."),
    "totals": ("streams.cli.totals", "Consumption by date, country and category."),
    "tiers": ("streams.cli.tiers", "How far a portfolio's volume bands are filled."),
    "explain": ("streams.cli.explain", "Why a message costs what it costs."),
    "quote": ("streams.cli.quote", "What a message would cost, before it is sent."),
    "whatif": ("streams.cli.whatif", "The same history under other prices."),
    "bill": ("streams.cli.bill", "Bill subscriptions from files, without a broker."),
    "billing": ("streams.cli.billing", "Close cycles of a running system; export an account's log."),
    "invoice": ("streams.cli.invoice", "Look at an invoice, issued or to come."),
    "audit": ("streams.cli.audit", "Recompute both ledgers from the topics."),
    "unrated": ("streams.cli.unrated", "What has no price; lets it be decided again."),
    "rejected": ("streams.cli.rejected", "What was refused; sends it again."),
    "reprice": ("streams.cli.reprice", "Correct the past by what is known now; the impact first."),
    "void": ("streams.cli.void", "Take test or misdirected messages back."),
    "rebuild": ("streams.cli.rebuild", "METER's state from the topics, compared before it is used."),
    "cards": ("streams.cli.cards", "Import, compare, check and show rate cards."),
    "schemas": ("streams.cli.schemas", "Export JSON Schema and AsyncAPI."),
}
"""Where each command lives, and the line that `wameter --help` has on it without importing it."""


class _Commands(click.Group):
    """Imports a command's module when the command is asked for, so that `wameter rate` waits for no Kafka client."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(_COMMANDS[cmd_name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{_COMMANDS[cmd_name][0]}.command is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would make it exit code 1, which says something else here
            _forget_stdout()
            return PIPE_CLOSED

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in _COMMANDS:
            raise UserError(f"{name!r} is no command; it is one of {', '.join(_COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("wameter"), prog_name="wameter", message="%(prog)s %(version)s")
def cli() -> None:
    """Wameter, a taximeter for WhatsApp: message events in, rated usage and totals out, exact to the last digit.

    \b
    Examples:
      wameter demo --once
      wameter rate events.jsonl.gz --accounts accounts.json
      wameter worker --bootstrap kafka-1:9092
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The console command. Ends the process; never with a traceback for a user's mistake."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code."""
    logging.getLogger("aiokafka").addHandler(
        logging.NullHandler()
    )  # a command says in a sentence what is wrong; a worker sets up logs of its own
    try:
        result: Any = cli.main(args=None if arguments is None else list(arguments), prog_name="wameter", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        _say(_command_path(sys.argv[1:] if arguments is None else arguments), *error.sentences)
        return error.exit_code
    except NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "wameter"
        _say(path, f"{_what_is_wrong(error)}; see {path} --help")
        return WRONG_USE
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return PIPE_CLOSED
    return result if isinstance(result, int) else 0


def _command_path(arguments: Sequence[str]) -> str:
    """The words of the command that was asked for: `wameter topics check`."""
    words = ["wameter"]
    command: click.Command | None = cli
    for argument in arguments:
        if not isinstance(command, click.Group) or argument not in command.list_commands(click.Context(command)):
            break
        words.append(argument)
        command = command.get_command(click.Context(command), argument)
    return " ".join(words)


def _say(path: str, *sentences: str) -> None:
    for sentence in sentences:
        click.echo(f"{path}: {sentence}", err=True)


def _what_is_wrong(error: click.UsageError) -> str:
    """Click's message as the first half of a sentence."""
    if isinstance(error, click.NoSuchOption):
        meant = f", did you mean {' or '.join(sorted(error.possibilities))}?" if error.possibilities else ""
        return f"no such option: {error.option_name}{meant}"
    message = error.format_message().rstrip(".")
    return message[:1].lower() + message[1:]


def _forget_stdout() -> None:
    """Whoever read standard output is gone; without this the interpreter would complain while it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
