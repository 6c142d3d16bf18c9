"""Reads the files of a catalog: the shipped one, and a user's directory or files laid over it.

The rules of a catalog are `rating.catalog`'s; here are folders, bytes and encodings. A user's mistake ends in
`CatalogProblems`, one sentence each.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from rating.catalog import Catalog, CatalogProblems, load_catalog
from rating.catalog.load import MARKETS_FILE, is_market_table

CARDS_FOLDER = "cards"


def read_shipped() -> dict[str, str]:
    """The shipped catalog's texts by name relative to its folder: `markets.csv`, `cards/meta-usd-2026-01-01.csv` …"""
    data = resources.files("rating.catalog") / "data"
    cards = (file for file in (data / CARDS_FOLDER).iterdir() if file.name.endswith(".csv"))
    texts = {f"{CARDS_FOLDER}/{file.name}": file.read_text(encoding="utf-8") for file in cards}
    return {**texts, MARKETS_FILE: (data / MARKETS_FILE).read_text(encoding="utf-8")}


def load_directory(directory: Path | None) -> Catalog:
    """The shipped catalog, or with a directory that one laid over it: `--catalog DIR`. Raises `CatalogProblems`.

    Of the directory only `cards/*.csv` and `markets.csv` are read.
    """
    if directory is None:
        return load_catalog(read_shipped())
    if not directory.is_dir():
        what = "is no directory" if directory.exists() else "does not exist"
        raise CatalogProblems([f"{directory} {what}; name a directory that holds {CARDS_FOLDER}/*.csv or {MARKETS_FILE}"])
    files = {f"{CARDS_FOLDER}/{path.name}": path for path in sorted((directory / CARDS_FOLDER).glob("*.csv"))}
    if (directory / MARKETS_FILE).exists():
        files[MARKETS_FILE] = directory / MARKETS_FILE
    if not files:
        raise CatalogProblems([f"{directory} holds neither {CARDS_FOLDER}/*.csv nor {MARKETS_FILE}; put a card or a market table in it"])
    return _load_over_shipped(files)


def load_files(paths: Iterable[Path]) -> Catalog:
    """The shipped catalog with single files laid over it; a file named `markets.csv` is the market table, any other a card.

    Sentences name the files as given. Raises `CatalogProblems`.
    """
    return _load_over_shipped({str(path): path for path in paths})


def read_text(name: str, path: Path) -> str:
    """The text of a card or market table, which sentences call `name`. Raises `CatalogProblems` where it cannot be read or is no UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CatalogProblems([f"{name} line {line}: a byte there is no UTF-8; save the file as UTF-8"]) from None
    except OSError as error:
        raise CatalogProblems([f"{name} cannot be read ({error.strerror}); name a readable file"]) from None


def _load_over_shipped(files: dict[str, Path]) -> Catalog:
    """Loads what can be read, so that the mistakes in it are told beside the files that cannot."""
    texts: dict[str, str] = {}
    unreadable: list[str] = []
    for name, path in files.items():
        try:
            texts[name] = read_text(name, path)
        except CatalogProblems as found:
            unreadable += found.problems
    market_table_missing = any(is_market_table(name) for name in files.keys() - texts.keys())
    if market_table_missing:  # Without it nobody can say which markets the cards may name.
        raise CatalogProblems(unreadable)
    try:
        catalog = load_catalog(read_shipped(), texts)
    except CatalogProblems as found:
        raise CatalogProblems([*unreadable, *found.problems]) from None
    if unreadable:
        raise CatalogProblems(unreadable)
    return catalog
