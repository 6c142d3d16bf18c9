"""Makes a catalog of texts: the shipped one, and a user's own laid over it.

What an overlay replaces is whole: of a rate, all dates and bands of (currency, market, category); of a prefix, all its
periods. So nothing of a shipped card shines through a price that somebody set.

Rules: contract §8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import PurePosixPath

from rating.catalog.cards import CardRow, RateKey, read_cards
from rating.catalog.catalog import Catalog
from rating.catalog.knowledge import Knowledge
from rating.catalog.markets import OTHER, MarketRow, read_markets
from rating.catalog.problems import CatalogProblems, Findings

MARKETS_FILE = "markets.csv"


@dataclass(slots=True)
class _Texts:
    """What one set of texts said."""

    cards: list[CardRow] = field(default_factory=list)
    markets: list[MarketRow] = field(default_factory=list)
    named_markets: set[str] = field(default_factory=set)


def load_catalog(shipped: Mapping[str, str], overlay: Mapping[str, str] | None = None) -> Catalog:
    """The catalog with everything that is known: `overlay` laid over `shipped`, each as file name to text.

    `markets.csv` is the market table; every other name is a card, whose id is the name without folders and `.csv`.
    Raises `CatalogProblems` with all mistakes of all files, by the names given.
    """
    findings = Findings()
    base, own = _read(shipped, findings), _read(overlay or {}, findings)
    own_prefixes = {row.prefix for row in own.markets}
    markets = [row for row in base.markets if row.prefix not in own_prefixes] + own.markets
    _refuse_unknown_markets(own.cards, {row.market for row in markets} | own.named_markets | {OTHER}, findings)
    if problems := findings.sentences():
        raise CatalogProblems(problems)
    return Knowledge(base.cards, own.cards, markets).latest()


def is_market_table(name: str) -> bool:
    """Whether a file's name says that it is the market table and no card."""
    return PurePosixPath(name).name == MARKETS_FILE


def _read(texts: Mapping[str, str], findings: Findings) -> _Texts:
    said = _Texts()
    for name, text in sorted(texts.items()):
        if is_market_table(name):
            table = read_markets(name, text, findings)
            said.markets += table.rows
            said.named_markets |= table.named
        else:
            said.cards += read_cards(name, text, findings)
    _refuse_rates_of_two_files(said.cards, findings)
    return said


def _refuse_rates_of_two_files(rows: Iterable[CardRow], findings: Findings) -> None:
    """A rate from one date on is all in one file: which card would a line name otherwise?"""
    first_rows: dict[tuple[str, str, RateKey], CardRow] = {}
    told = set()
    for row in rows:
        first = first_rows.setdefault((row.effective_from, row.known_from, row.key), row)
        if first.file != row.file and (row.file, row.effective_from, row.known_from, row.key) not in told:
            told.add((row.file, row.effective_from, row.known_from, row.key))
            what = f"{row.key} from {row.effective_from} already stands in {first.file} line {first.line}"
            findings.add(row.at(""), what, "keep it in one of the two files, or give a correction its known_from")


def _refuse_unknown_markets(rows: Iterable[CardRow], named: set[str], findings: Findings) -> None:
    """A price for a market that no number leads to is a misprint: the messages would go unpriced, or at another's price."""
    for row in rows:
        if row.key.market not in named:
            close = get_close_matches(row.key.market, sorted(named), n=1)
            mend = f"write {close[0]}, or add a row for it there" if close else "add a row for it there, or write a market that has one"
            findings.add(row.at("market"), f"the market {row.key.market!r} is named by no row of {MARKETS_FILE}", mend)
