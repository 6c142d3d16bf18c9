"""`wameter quote`: what a message would cost before it is sent, and whether the customer's window is open."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

import click
import orjson

from rating.rulebooks import CATEGORIES
from schemas.fields import COUNTRY, PHONE, SCOPED_ID
from schemas.instants import parse_instant
from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import CONNECTION, DECIDING, ExampleCommand, settings_flags, settings_from
from streams.cli.progress import reading_progress
from streams.errors import UserError


def _instant(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int:
    if value is None:
        return int(time.time() * 1000)
    at_ms = parse_instant(value)
    if at_ms is None:
        raise click.BadParameter(f"{value!r} is no instant; write 2026-10-14T09:40:00Z, or an offset such as +02:00 for the Z")
    return at_ms


def _recipient(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch(f"{PHONE}|{SCOPED_ID}", value):
        raise click.BadParameter("write a phone number with its +, as in +33612345678, or a business-scoped id such as FR.1234")
    return value


def _country(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(COUNTRY, value):
        raise click.BadParameter(f"{value!r} is no country; write two capitals, such as FR")
    return value


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter quote --account 1022901 --to +33612345678 --category utility --accounts accounts.json",
        "wameter quote --account 1022901 --phone-number 1065403 --to +33612345678 --category service \\\n"
        "    --at 2026-10-14T09:40:00Z --events events.jsonl.gz --accounts accounts.json",
        "wameter quote --account 1022901 --phone-number 1065403 --to +33612345678 --category utility --bootstrap kafka-1:9092",
    ),
)
@click.option("--account", required=True, metavar="ID", help="The account that sends.")
@click.option("--to", required=True, metavar="PHONE", callback=_recipient, help="The recipient: +33612345678, or a business-scoped id.")
@click.option("--category", required=True, type=click.Choice(sorted(CATEGORIES)), help="service is a message without a template.")
@click.option("--at", "at_ms", metavar="INSTANT", callback=_instant, help="When it is delivered: 2026-10-14T09:40:00Z.  [default: now]")
@click.option("--phone-number", metavar="ID", help="The business phone number that sends; without it windows are not known.")
@click.option("--country", metavar="CC", callback=_country, help="Of a recipient whose business-scoped id does not tell it: FR.")
@click.option("--events", multiple=True, metavar="FILE", help="What happened until now, one event a line; repeat it for more files.")
@click.option("--accounts", metavar="FILE", help="Account profiles. Without it a running system is asked.")
@click.option("--json", "as_json", is_flag=True, help="Write the facts as one JSON object instead.")
@settings_flags(*CONNECTION, *DECIDING)
def command(phone_number: str | None, events: tuple[str, ...], accounts: str | None, as_json: bool, **flags: Any) -> int:
    """Tell what a message would cost if it was sent and delivered at an instant, and whether the customer's window is open.

    With a business phone number its events are read, from --events or from a running system: then the window, the free entry point and the
    month's allowance are known. Without one every case is told. The recipient's number is never shown. Exit code 1 says that some case has
    no price.
    """
    from rating.quote import Question, quote
    from streams.explain.files import check
    from streams.explain.quote_state import from_files, from_topics
    from streams.stages import catalog_of

    settings = settings_from(flags)
    if accounts is None and events:
        raise UserError("--events needs --accounts, the profiles that they are rated with; give both, or neither to ask a running system")
    if events and phone_number is None:
        raise UserError("--events needs --phone-number: whose conversation and whose month should be read from them?")
    notes: list[str] = []
    if accounts is None:
        state, notes = from_topics(settings, phone_number)
    else:
        check(events, twice=False)
        with reading_progress(events) as report:
            state = from_files(settings, events, accounts, phone_number, report)
    known_number = phone_number if events or accounts is None else None
    question = Question(flags["account"], flags["to"], flags["category"], flags["at_ms"], known_number, flags["country"])
    catalog, by_sent = catalog_of(settings), settings.window_basis == "sent"
    answer = quote(state, catalog, question, window_by_sent=by_sent)
    if any(each.volume for each in answer.answers) and (accounts is None or events):
        from streams import volumes

        told = volumes.of_topics(settings) if accounts is None else volumes.of_files(settings, events, accounts, lambda *_: None)
        answer = quote(state, catalog, question, window_by_sent=by_sent, counts=list(volumes.messages(told)))
    answer = replace(answer, notes=tuple(notes))
    if settings.message_ids == "hashed":
        from rating.explain.masks import with_hashed_message_ids

        answer = with_hashed_message_ids(answer)
    if as_json:
        from rating.explain.json import to_json

        click.echo(orjson.dumps({"v": 1, **to_json(answer)}).decode())
    else:
        from rating.explain.tell_quote import tell_quote

        click.echo("\n".join(tell_quote(answer)))
    priced = answer.unpriced is None and all(each.unpriced is None for each in answer.answers)
    return DONE if priced else SOME_REJECTED_OR_UNRATED
