"""`wameter invoice`: an invoice to look at, issued or to come."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import click
import orjson

from streams.cli.exit_codes import DONE
from streams.cli.options import CONNECTION, ExampleGroup, a_date, settings_flags, settings_from
from streams.invoices.files import Documents, document_options
from streams.invoices.text import text_of


@click.group(cls=ExampleGroup)
def command() -> None:
    """Look at an invoice, issued or to come."""


@command.command(examples=("wameter invoice show acme-000001", "wameter invoice show acme-000001 --pdf acme-000001.pdf --locale fr-FR"))
@click.argument("number", metavar="NUMBER")
@click.option("--json", "as_json", is_flag=True, help="As JSON, as it lies on billing.invoices.")
@document_options("FILE")
@settings_flags(*CONNECTION)
def show(number: str, as_json: bool, html: str | None, pdf: str | None, locale: str | None, font: str | None, **flags: Any) -> int:
    """Show an issued invoice, or write it as a document."""
    from streams import topic_reader
    from streams.billing.account import issued

    documents = Documents(html, pdf, locale, font, folders=False)
    invoice = topic_reader.run(settings_from(flags), lambda reader: issued(reader, number))
    if documents.are_wanted:
        documents.write(invoice)
    else:
        _show([invoice], as_json)
    return DONE


@command.command(examples=("wameter invoice preview acme", "wameter invoice preview acme --as-of 2026-10-31 --pdf previews"))
@click.argument("account", metavar="ACCOUNT")
@click.option("--as-of", metavar="DATE", callback=a_date, help="As if cycles were closed up to this day.  [default: the next boundary]")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
@document_options("DIR")
@settings_flags(*CONNECTION, "plans")
def preview(
    account: str, as_of: date | None, as_json: bool, html: str | None, pdf: str | None, locale: str | None, font: str | None, **flags: Any
) -> int:
    """Show the invoices that closing would issue, with what is known by now, or write them as documents. Nothing is issued."""
    from streams import topic_reader
    from streams.billing.account import preview as look
    from streams.billing.plans_files import plans_of

    documents = Documents(html, pdf, locale, font, folders=True)
    settings = settings_from(flags)
    plans = plans_of(settings.plans)
    now_ms = int(time.time() * 1000)
    invoices = topic_reader.run(settings, lambda reader: look(reader, plans, account, as_of, now_ms))
    if documents.are_wanted:
        for invoice in invoices:
            documents.write(invoice)
    elif invoices or as_json:
        _show(invoices, as_json)
    else:
        click.echo("No invoice would be issued.")
    return DONE


def _show(invoices: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for invoice in invoices:
            click.echo(orjson.dumps(invoice).decode())
    else:
        click.echo("\n\n\n".join(map(text_of, invoices)))
