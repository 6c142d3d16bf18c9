"""Price lists in Meta's two layouts, written as text, and what reading them gives."""

from __future__ import annotations

from pathlib import Path

from rating.catalog import CatalogProblems
from rating.catalog.published import PublishedCard
from streams.cards.importing import Imported, import_files

TITLE = '"Cost per message in USD, effective October 1, 2026",,,,,,'
HEADER = 'Market,Currency,Marketing,Utility,Authentication,"Authentication-\nInternational",Service'
TIER_TITLE = '"Volume tiers in USD, effective October 1, 2026",,'
TIER_HEADINGS = ",,Utility,,,,,Authentication,,,,\n,,Messages per month,,What we charge,,,Messages per month,,What we charge,,"
TIER_HEADER = '"Market\n(per rate card)",Currency,From,To,Rate type,Rate,vs. List rate,From,To,Rate type,Rate,vs. List rate'
NO_BAND = "n/a,n/a,n/a,n/a,n/a"


def rates(*rows: str, title: str = TITLE, header: str = HEADER) -> str:
    """A rate card of rows such as `France,$US,0.0859,0.0300,0.0300,n/a,0.0300`; the first row stands in line 4."""
    return "\n".join([title, header, *rows]) + "\n"


def tiers(*rows: str, title: str = TIER_TITLE, headings: str = TIER_HEADINGS, header: str = TIER_HEADER) -> str:
    """A table of volume tiers; the first row stands in line 6."""
    return "\n".join([title, headings, header, *rows]) + "\n"


def utility(market: str, tier_from: str, tier_to: str, rate: str) -> str:
    """A row with a band of utility and none of authentication."""
    return f'{market},$US,"{tier_from}","{tier_to}",Tier rate,{rate},-5%,{NO_BAND}'


def files(folder: Path, *texts: str | bytes) -> list[Path]:
    """The texts as files `0.csv`, `1.csv` …"""
    paths = []
    for index, text in enumerate(texts):
        path = folder / f"{index}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        paths.append(path)
    return paths


def imported(folder: Path, *texts: str | bytes, **arguments: str) -> Imported:
    return import_files(files(folder, *texts), **arguments)  # type: ignore[arg-type]  # the tests give texts only


def card(folder: Path, *texts: str | bytes, **arguments: str) -> PublishedCard:
    """The one card that the texts make."""
    [made] = imported(folder, *texts, **arguments).cards
    return made


def bands(made: PublishedCard) -> list[tuple[str, str, str, str | None]]:
    """Market, category, tier and rate of everything that a card prints."""
    return [
        (one.key.market, one.key.category, f"{one.tier_from}:{'MAX' if one.tier_to is None else one.tier_to}", one.rate)
        for one in made.rates
    ]


def problems(folder: Path, *texts: str | bytes, **arguments: str) -> list[str]:
    """What is wrong with the texts, without the folder's name."""
    try:
        imported(folder, *texts, **arguments)
    except CatalogProblems as found:
        return [problem.replace(f"{folder}/", "") for problem in found.problems]
    return []
