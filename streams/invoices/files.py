"""Where documents go. What makes them is an extra of the installation, and is imported when a document is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click

from streams.errors import UserError

DEFAULT_LOCALE: Final = "en_US"

_Options = Callable[[Callable[..., Any]], Callable[..., Any]]


def document_options(where: str) -> _Options:
    """The flags of a command that writes documents; `where` is `FILE` for one invoice, or `DIR` for several."""
    into = "a file" if where == "FILE" else "one file per invoice into a folder"

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("--font", metavar="FILE", help="TrueType font of the PDF: for names beyond Western European letters."),
            click.option("--locale", metavar="NAME", help=f"Language, figures and dates of documents.  [default: {DEFAULT_LOCALE}]"),
            click.option("--pdf", metavar=where, help=f"Write PDF, {into}."),
            click.option("--html", metavar=where, help=f"Write HTML, {into}."),
        ):
            function = option(function)
        return function

    return add


class Documents:
    """Writes invoices as documents: into two folders, or files, either of which may be left out."""

    def __init__(self, html: str | None, pdf: str | None, locale: str | None, font: str | None, *, folders: bool) -> None:
        """Raises `UserError` where the locale or the font is none, or the extra is not installed."""
        self._html, self._pdf, self._folders = html, pdf, folders
        self._font = font
        if not self.are_wanted and (locale, font) != (None, None):
            raise UserError("--locale and --font are for documents; add --html or --pdf")
        if self.are_wanted:
            _installed()
            from streams.invoices.locales import figures_of

            self._figures = figures_of(locale or DEFAULT_LOCALE)

    @property
    def are_wanted(self) -> bool:
        """Whether any document is to be written."""
        return self._html is not None or self._pdf is not None

    def write(self, invoice: dict[str, Any]) -> None:
        """Writes an invoice's documents; those that are there are replaced. Raises `UserError`."""
        if not self.are_wanted:
            return
        from streams.invoices.html import html_of
        from streams.invoices.pdf import pdf_of
        from streams.invoices.view import view_of

        view = view_of(invoice, self._figures)
        if self._html is not None:
            self._put(self._html, f"{_file_name(view.number)}.html", html_of(view))
        if self._pdf is not None:
            self._put(self._pdf, f"{_file_name(view.number)}.pdf", pdf_of(view, self._font))

    def _put(self, where: str, name: str, document: bytes) -> None:
        path = Path(where) / name if self._folders else Path(where)
        beside = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            if self._folders:
                path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(document)
            beside.replace(path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise UserError(f"{path}: {error.strerror or error}; name another place") from None


def _file_name(number: str) -> str:
    """An invoice's number as a name of a file in any folder: account ids may hold anything, slashes too."""
    return quote(number, safe=" +@=,")


def _installed() -> None:
    for name in ("babel", "jinja2", "reportlab"):
        if find_spec(name) is None:
            raise UserError(f"documents need {name}, which is not installed; install wameter[invoices]")
