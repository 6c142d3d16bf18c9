"""`wameter bill`: subscription commands and totals in, events and invoices out, by the very code that a worker runs (contract §7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any, Final

import click

from rating.billing.machine import Answer
from rating.billing.offline import Biller, rejected_line
from schemas.licences import licences_key
from schemas.rejections import Rejection
from streams.billing.plans_files import plans_of
from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import ExampleCommand, a_date
from streams.cli.outputs import STDOUT, JsonLines, check_names, open_outputs
from streams.errors import UserError
from streams.inputs import STDIN, blocks, open_input
from streams.invoices.files import Documents, document_options
from streams.invoices.text import text_of
from streams.kafka.collector import few_searches
from streams.state.store import Store

LINES_AT_A_TIME: Final = 4096


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter bill commands.jsonl --plans plans.toml --totals totals.jsonl --until 2025-07-31",
        "wameter bill commands.jsonl --plans plans.toml --invoices invoices.jsonl --events events.jsonl",
        "wameter bill commands.jsonl --plans plans.toml --licences licences.jsonl",
        "wameter rate events.jsonl --accounts accounts.json --totals - | wameter bill commands.jsonl --totals -",
        "wameter bill commands.jsonl --pdf invoices/ --locale fr_FR",
    ),
)
@click.argument("commands", metavar="COMMANDS")
@click.option("--plans", "plans_file", metavar="FILE", help="Plans, add-ons and prices (TOML).  [default: the shipped example]")
@click.option("--totals", metavar="FILE", help="Usage: totals as `wameter rate --totals` writes them.  [default: none]")
@click.option("--invoices", metavar="FILE", help="Write the invoices as JSON lines.  [default: print them]")
@click.option("--events", metavar="FILE", help="Write what became of each command, as JSON lines.")
@click.option("--licences", metavar="FILE", help="Write who may send, and from when to when: the last record of each user.")
@click.option("--rejected", metavar="FILE", help="Write what is no command and no total, with the reason, its place and its bytes.")
@click.option("--until", metavar="DATE", callback=a_date, help="Close every account up to this day, last of all.")
@document_options("DIR")
def command(commands: str, plans_file: str | None, totals: str | None, until: date | None, **named: str | None) -> int:
    """Bill subscriptions from a file of commands, without a broker.

    COMMANDS holds one command per line, in the order of their arrival; plain, gzip or zstd, and - is standard input. A command that may not
    be done is refused, which is an answer; one that can't be read is rejected, and the exit code is 1 then.
    """
    documents = Documents(named["html"], named["pdf"], named["locale"], named["font"], folders=True)
    outputs = {f"--{name}": named[name] for name in ("invoices", "events", "licences", "rejected")}
    inputs = [name for name in (commands, totals, plans_file) if name is not None]
    if inputs.count(STDIN) > 1:
        raise UserError("standard input (-) can be read once; name a file instead")
    check_names(outputs, inputs)
    store = Store()
    biller = Biller(plans_of(plans_file), store)
    with ExitStack() as stack:
        stack.enter_context(few_searches())
        opened = open_outputs(stack, outputs)
        writer = _Writer(opened, documents, to_stderr=any(outputs[flag] == STDOUT for flag in ("--events", "--licences", "--rejected")))
        if totals is not None:
            for name, number, raw in _lines(totals, store):
                writer.rejected(biller.total(raw), name, number, raw)
        for name, number, raw in _lines(commands, store):
            answer = biller.command(raw)
            if isinstance(answer, Rejection):
                writer.rejected(answer, name, number, raw)
            elif answer is not None:
                writer.answer(answer)
        for number, answer in enumerate(biller.close(until) if until is not None else ()):
            writer.answer(answer)
            if number % LINES_AT_A_TIME == 0:
                store.commit()
        writer.write_licences()
    writer.end()
    if writer.rejected_count:
        hint = "" if "--rejected" in opened else "; --rejected FILE names each one"
        click.echo(f"{writer.rejected_count} rejected{hint}", err=True)
        return SOME_REJECTED_OR_UNRATED
    return DONE


def _lines(name: str, store: Store) -> Iterator[tuple[str, int, bytes]]:
    """The lines of a file; what they changed is committed now and then, so that it is packed."""
    with open_input(name) as file:
        for block in blocks(file, name, lines=LINES_AT_A_TIME):
            for number, raw in zip(block.numbers, block.lines, strict=True):
                yield block.file, number, raw
            store.commit()


class _Writer:
    """Where results go: to files, or to the reader."""

    def __init__(self, opened: dict[str, JsonLines], documents: Documents, *, to_stderr: bool) -> None:
        self._opened = opened
        self._documents = documents
        self._echo: Callable[[str], None] = lambda text: click.echo(text, err=to_stderr)
        self._refused: list[str] = []
        self._printed = 0
        self._licences: dict[bytes, dict[str, Any]] | None = {} if "--licences" in opened else None
        self.rejected_count = 0

    def answer(self, answer: Answer) -> None:
        if self._licences is not None:
            self._licences |= {licences_key(each["account_id"], each["user_id"]): each for each in answer.licences}
        if "--events" in self._opened:
            self._opened["--events"].write_all([answer.event])
        elif not answer.is_accepted:
            self._refused.append(_refusal(answer.event))
        for invoice in answer.invoices:
            self._documents.write(invoice)
        if "--invoices" in self._opened:
            self._opened["--invoices"].write_all(answer.invoices)
            return
        for invoice in answer.invoices:
            self._echo(("\n\n" if self._printed else "") + text_of(invoice))
            self._printed += 1

    def rejected(self, refused: Rejection | None, file: str, number: int, raw: bytes) -> None:
        if refused is None:
            return
        self.rejected_count += 1
        if "--rejected" in self._opened:
            self._opened["--rejected"].write_all([rejected_line(refused, file, number, raw)])

    def write_licences(self) -> None:
        """The last record of each key, in the order of the keys."""
        if self._licences is not None:
            self._opened["--licences"].write_all(record for _, record in sorted(self._licences.items()))

    def end(self) -> None:
        """For a reader: what was refused, or that there was nothing to invoice."""
        if "--invoices" in self._opened:
            return
        if not self._printed:
            self._echo("No invoice was issued.")
        if self._refused:
            self._echo("\n" + "\n".join(self._refused))


def _refusal(event: dict[str, Any]) -> str:
    return f"refused  {event['account_id']} {event['command_id']} ({event['reason']}): {event['detail']}"
