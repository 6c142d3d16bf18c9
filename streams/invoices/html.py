"""An invoice as one HTML file: no script, nothing fetched from elsewhere; it prints on A4."""

from __future__ import annotations

from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from streams.invoices.view import View

_TEMPLATE: Final = "invoice.html"


def html_of(view: View) -> bytes:
    """The document, in UTF-8. Names that an operator or a customer chose are escaped."""
    return (_template().render(view=view) + "\n").encode()


@cache
def _template() -> Template:
    loader = PackageLoader("streams.invoices")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=False).get_template(_TEMPLATE)
