"""An invoice as a PDF of A4 pages. Equal invoices give equal bytes: no time of making, no compression, which differs between machines.

Text is set in Helvetica, which every reader of PDF has and which holds Western European letters. Other scripts need a font file: it is
embedded.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table, TableStyle

from streams.errors import UserError
from streams.invoices.view import Row, Section, View

INK: Final = HexColor("#1b1f24")
QUIET: Final = HexColor("#5b6570")
RULE: Final = HexColor("#d5dae0")
MARGIN: Final = 18 * mm
WIDTH: Final = A4[0] - 2 * MARGIN
LONGEST: Final = 300
"""Characters of a text in a cell."""
FIGURE_COLUMNS: Final = (27 * mm, 29 * mm, 16 * mm, 30 * mm)

_INSTEAD: Final = str.maketrans({"\u202f": "\u00a0", "\u2009": "\u00a0", "\u2212": "\u2013"})
"""What locales write and Helvetica lacks: narrow spaces, the minus sign."""


class _Styles:
    def __init__(self, regular: str, bold: str) -> None:
        def style(size: float, *, font: str = regular, color: Color = INK, **more: Any) -> ParagraphStyle:
            return ParagraphStyle("", fontName=font, fontSize=size, leading=size * 1.35, textColor=color, splitLongWords=1, **more)

        self.regular = regular
        self.title = style(18, font=bold)
        self.quiet = style(8, color=QUIET)
        self.text = style(9.5)
        self.heading = style(9.5, font=bold)
        self.figure = style(9.5, alignment=TA_RIGHT)
        self.quiet_figure = style(8, color=QUIET, alignment=TA_RIGHT)
        self.total = style(12, font=bold)
        self.total_figure = style(12, font=bold, alignment=TA_RIGHT)


def pdf_of(view: View, font: str | None = None) -> bytes:
    """The document. `font` is a TrueType file for names in other scripts. Raises `UserError` where a letter is in no font."""
    styles = _styles(font)
    if font is None:
        _check_letters(view)
    buffer = BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        title=f"{view.title} {view.number}",
        author="",
        subject=view.number,
        creator="Wameter",
        lang=view.language,
        invariant=1,
        pageCompression=0,
    )
    page = Frame(MARGIN, MARGIN + 6 * mm, WIDTH, A4[1] - 2 * MARGIN - 6 * mm, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate(frames=[page]))
    document.build(
        [*_head(view, styles), _lines(view, styles), Spacer(0, 8 * mm), *_evidence(view, styles)], canvasmaker=_numbered(view, styles)
    )
    return buffer.getvalue()


def _styles(font: str | None) -> _Styles:
    if font is None:
        return _Styles("Helvetica", "Helvetica-Bold")
    try:
        pdfmetrics.registerFont(TTFont("Invoice", font))
    except (OSError, TTFError):
        raise UserError(f"--font {font}: is no TrueType font that can be read; name a .ttf file") from None
    return _Styles("Invoice", "Invoice")


def _check_letters(view: View) -> None:
    texts = [view.number, *(value for _, value in view.facts), view.total]
    texts += [text for section in view.sections for row in section.rows for text in (section.name, *row)]
    for text in texts:
        for letter in text.translate(_INSTEAD):
            if not _is_in_helvetica(letter):
                raise UserError(
                    f"invoice {view.number}: {letter!r} is in no font that every PDF reader has; name one that has it: --font FILE.ttf"
                )


def _is_in_helvetica(letter: str) -> bool:
    try:
        return letter.encode("cp1252") == b"\xa0" or letter.isprintable()
    except UnicodeEncodeError:
        return False


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(_escaped(text), style)


def _escaped(text: str) -> str:
    """A name or a figure in a cell, which must fit on a page: what is absurdly long is cut. The HTML has it whole."""
    text = text.translate(_INSTEAD)
    return escape(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def _head(view: View, styles: _Styles) -> list[Flowable]:
    names = [_paragraph(name, styles.quiet) for name, _ in view.facts]
    values = [_paragraph(value, styles.text) for _, value in view.facts]
    widths = [WIDTH * part for part in (0.28, 0.19, 0.38, 0.15)]
    facts = Table(
        [names, values], colWidths=widths, style=TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, 0), 0)])
    )
    return [
        _paragraph(view.title, styles.title),
        Spacer(0, 1 * mm),
        _paragraph(view.number, styles.quiet),
        Spacer(0, 6 * mm),
        facts,
        Spacer(0, 5 * mm),
    ]


def _lines(view: View, styles: _Styles) -> Table:
    words, quiet = view.words, styles.quiet_figure
    heads = [words.quantity, words.unit_price, words.months, words.amount] if view.has_months else [words.quantity, words.amount]
    figures = FIGURE_COLUMNS if view.has_months else (FIGURE_COLUMNS[0], FIGURE_COLUMNS[-1])
    rows: list[list[Flowable | str]] = [[_paragraph(words.what, styles.quiet), *(_paragraph(head, quiet) for head in heads)]]
    rules: list[tuple[Any, ...]] = [("LINEBELOW", (0, 0), (-1, 0), 0.6, INK)]
    for section in view.sections:
        rules.append(("SPAN", (0, len(rows)), (-1, len(rows))))
        rules.append(("TOPPADDING", (0, len(rows)), (-1, len(rows)), 10))
        rules.append(("NOSPLIT", (0, len(rows)), (-1, len(rows) + 1)))
        rows.append([_paragraph(section.name, styles.heading), *[""] * len(figures)])
        for row in section.rows:
            rules.append(("LINEBELOW", (0, len(rows)), (-1, len(rows)), 0.4, RULE))
            rows.append([_what(row, styles), *(_paragraph(text, styles.figure) for text in _figures(row, view))])
        if section.subtotal:
            rows.append(_subtotal(section, view, styles))
    rules.append(("LINEABOVE", (0, len(rows)), (-1, len(rows)), 1.2, INK))
    rules.append(("SPAN", (1, len(rows)), (-1, len(rows))))
    rules.append(("RIGHTPADDING", (1, len(rows)), (-1, len(rows)), 0))
    rules.append(("TOPPADDING", (0, len(rows)), (-1, len(rows)), 6))
    total = _paragraph(f"{view.total} {view.currency}", styles.total_figure)
    rows.append([_paragraph(words.total, styles.total), total, *[""] * (len(figures) - 1)])
    usual = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, -1), 0), ("RIGHTPADDING", (-1, 0), (-1, -1), 0)]
    return Table(rows, colWidths=[WIDTH - sum(figures), *figures], repeatRows=1, style=TableStyle([*usual, *rules]))


def _figures(row: Row, view: View) -> tuple[str, ...]:
    return (row.quantity, row.unit_price, row.months, row.amount) if view.has_months else (row.quantity, row.amount)


def _what(row: Row, styles: _Styles) -> Paragraph:
    about = "".join(f'<br/><font size="8" color="#5b6570">{escape(text)}</font>' for text in (row.period, row.note) if text)
    mark = f'<super size="6.5"><a name="line-{row.mark}"/><a href="#evidence-{row.mark}" color="#5b6570">{row.mark}</a></super>'
    return Paragraph(f"{_escaped(row.name)}{mark}{about}".translate(_INSTEAD), styles.text)


def _subtotal(section: Section, view: View, styles: _Styles) -> list[Flowable | str]:
    between = [""] * (3 if view.has_months else 1)
    return [_paragraph(view.words.subtotal, styles.quiet), *between, _paragraph(section.subtotal, styles.quiet_figure)]


def _evidence(view: View, styles: _Styles) -> list[Flowable]:
    found: list[Flowable] = [_paragraph(view.words.rests_on, styles.quiet)]
    for row in (row for section in view.sections for row in section.rows):
        link = f'<a name="evidence-{row.mark}"/>{row.mark}. <a href="#line-{row.mark}" color="#5b6570">{_escaped(row.name)}</a>'
        found.append(Paragraph(f"{link}: {escape(row.evidence)}".translate(_INSTEAD), styles.quiet))
    return found


def _shortened(number: str, font: str) -> str:
    """An invoice's number as much as fits beside the page's: its end tells more than its beginning."""
    if pdfmetrics.stringWidth(number, font, 8) <= WIDTH * 3 / 4:
        return number
    while pdfmetrics.stringWidth(f"… {number}", font, 8) > WIDTH * 3 / 4:
        number = number[1:]
    return f"… {number}"


def _numbered(view: View, styles: _Styles) -> type[Canvas]:
    """A canvas that knows how many pages there are when it writes their numbers."""

    class Numbered(Canvas):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._pages.append(dict(self.__dict__))
            self._startPage()  # type: ignore[attr-defined]  # the stubs leave it out; reportlab's own way to number pages

        def save(self) -> None:
            for number, page in enumerate(self._pages, 1):
                self.__dict__.update(page)
                self.setFont(styles.regular, 8)
                self.setFillColor(QUIET)
                self.drawString(MARGIN, MARGIN - 2 * mm, _shortened(view.number.translate(_INSTEAD), styles.regular))
                said = view.words.page.format(page=number, pages=len(self._pages))
                self.drawRightString(A4[0] - MARGIN, MARGIN - 2 * mm, said)
                super().showPage()
            super().save()

    return Numbered
