"""What `wameter cards import` does: Meta's own files in, cards for a catalog directory out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rating.catalog import CatalogProblems
from rating.catalog.cells import local_date
from rating.catalog.load import MARKETS_FILE
from rating.catalog.markets import OTHER, MarketTable
from rating.catalog.problems import CellError, Findings
from rating.catalog.published import PublishedCard, Surroundings, cards_of, read_sheet, write_card
from streams.cards.catalog_files import CARDS_FOLDER, load_files
from streams.cards.published_files import read_sheets

STDOUT = "-"


class Imported(NamedTuple):
    """What the files hold."""

    cards: tuple[PublishedCard, ...]
    """By currency and day of effect."""
    remarks: tuple[str, ...]
    """What was read otherwise than it is written, one sentence each."""


def import_files(
    paths: Sequence[Path],
    *,
    effective_from: str | None = None,
    renamed: Mapping[str, str] | None = None,
    source: str | None = None,
    catalog: Path | None = None,
) -> Imported:
    """Reads Meta's files, all of them before anything is said. Raises `CatalogProblems` with every mistake of every file.

    Markets are those of the shipped market table, or with a `catalog` directory of its `markets.csv` laid over that.
    """
    if effective_from is not None:
        try:
            local_date(effective_from)
        except CellError as error:
            raise CatalogProblems([f"--effective-from: {error}"]) from None
    findings = Findings()
    own_table = () if catalog is None else (catalog / MARKETS_FILE,)
    markets = load_files(own_table).markets
    around = Surroundings(
        MarketTable(list(markets), {row.market for row in markets} | {OTHER}), effective_from, renamed or {}, findings, source
    )
    printed = []
    for path in paths:
        for sheet in read_sheets(path, findings):
            printed += read_sheet(sheet, around)
    cards = cards_of(printed, findings)
    if problems := findings.sentences():
        raise CatalogProblems(problems)
    return Imported(tuple(cards), tuple(around.remarks))


def destinations(cards: Sequence[PublishedCard], output: str, *, replace: bool) -> dict[PublishedCard, Path]:
    """Where each card goes: into a catalog directory, or into the file that is named. Raises `CatalogProblems`.

    A card that is there already is only replaced when asked to: its id stands on lines that were rated by it.
    """
    path = Path(output)
    if path.suffix == ".csv" and not path.is_dir():
        if len(cards) > 1:
            named = ", ".join(card.name for card in cards)
            raise CatalogProblems([f"{output} is one file, and the lists make {len(cards)} cards ({named}); name a directory"])
        places = dict.fromkeys(cards, path)
    elif path.exists() and not path.is_dir():
        raise CatalogProblems([f"{output} is no directory; name one, or a file that ends in .csv"])
    else:
        places = {card: path / CARDS_FOLDER / f"{card.name}.csv" for card in cards}
    taken = [place for card, place in places.items() if place.exists() and not replace and _differs(place, card)]
    if taken:
        raise CatalogProblems([f"{place} is there already and says something else; write elsewhere, or give --replace" for place in taken])
    return places


def write(places: Mapping[PublishedCard, Path]) -> None:
    """Writes each card whole or not at all. Raises `CatalogProblems` where that cannot be."""
    for card, place in places.items():
        part = place.with_name(f".{place.name}.{os.getpid()}.part")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_text(write_card(card), encoding="utf-8", newline="")
                part.replace(place)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise CatalogProblems([f"{place}: cannot be written ({(error.strerror or 'error').lower()}); choose another place"]) from None


def _differs(place: Path, card: PublishedCard) -> bool:
    try:
        return place.read_bytes() != write_card(card).encode()
    except OSError:
        return True
