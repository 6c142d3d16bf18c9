"""`wameter explain`: why a message costs what it costs, from its events to its line."""

from __future__ import annotations

from typing import Any

import click
import orjson

from streams.cli.exit_codes import DONE, SOME_REJECTED_OR_UNRATED
from streams.cli.options import CONNECTION, DECIDING, ExampleCommand, settings_flags, settings_from
from streams.cli.progress import reading_progress
from streams.errors import UserError


@click.command(
    cls=ExampleCommand,
    examples=(
        "wameter explain wamid.HBgLMzM2MTIzNDU2Nzg --events events.jsonl.gz --accounts accounts.json",
        "wameter explain wamid.HBgLMzM2MTIzNDU2Nzg --bootstrap kafka-1:9092 --phone-number 106540352242922",
        "wameter explain wamid.HBgLMzM2MTIzNDU2Nzg --events events.jsonl --accounts accounts.json --json | jq .deliveries[0].due",
    ),
)
@click.argument("message_id")
@click.option(
    "--events", multiple=True, metavar="FILE", help="Events, one a line; repeat it for more files. Without it a running system is read."
)
@click.option("--accounts", metavar="FILE", help="Account profiles, with --events: a JSON array, or one profile per line.")
@click.option("--phone-number", metavar="ID", help="The message's business phone number, by Meta's id: then its partition alone is read.")
@click.option("--json", "as_json", is_flag=True, help="Write the facts as one JSON object instead.")
@settings_flags(*CONNECTION, *DECIDING)
def command(message_id: str, events: tuple[str, ...], accounts: str | None, phone_number: str | None, as_json: bool, **flags: Any) -> int:
    """Tell why a message costs what it costs, or why it costs nothing.

    MESSAGE_ID is Meta's id of the message (wamid). With --events and --accounts the answer comes from files, otherwise from the topics of a
    running system. The phone number of an end user is never shown. Exit code 1 says that the message was never seen.
    """
    settings = settings_from(flags)
    if bool(events) != (accounts is not None):
        raise UserError("--events and --accounts belong together; give both, or neither to read a running system")
    if accounts is not None:
        from streams.explain.files import check, explain

        check(events, twice=True)
        with reading_progress(events) as report:
            explanation = explain(settings, events, accounts, message_id, phone_number, report)
    else:
        from streams.explain import topics as explain_topics

        explanation = explain_topics.explain(settings, message_id, phone_number)
    if settings.message_ids == "hashed":
        from rating.explain.masks import with_hashed_message_ids

        explanation = with_hashed_message_ids(explanation)
    if as_json:
        from rating.explain.json import to_json

        click.echo(orjson.dumps({"v": 1, **to_json(explanation)}).decode())
    else:
        from rating.explain.words import tell

        click.echo("\n".join(tell(explanation)))
    return DONE if explanation.deliveries or explanation.inbound else SOME_REJECTED_OR_UNRATED
