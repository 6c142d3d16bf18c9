"""Catalogs on disk: what `--catalog DIR` reads, and what it says of a folder that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rating.catalog import CatalogProblems, MarketMatch, load_catalog
from streams.cards.catalog_files import load_directory, load_files, read_shipped
from tests.catalog.texts import card, markets

OWN_CARD = card("2026-01-01,GBP,France,utility,1,,0.02")


def problems_of(directory: Path) -> list[str]:
    with pytest.raises(CatalogProblems) as refused:
        load_directory(directory)
    return list(refused.value.problems)


def write(directory: Path, **texts: str | bytes) -> Path:
    (directory / "cards").mkdir(exist_ok=True)
    for name, text in texts.items():
        path = directory / "markets.csv" if name == "markets" else directory / "cards" / f"{name}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return directory


def test_a_directory_is_laid_over_the_shipped_catalog(tmp_path: Path) -> None:
    loaded = load_directory(write(tmp_path, own=OWN_CARD, markets=markets("960,MV,Rest of Asia Pacific,2025-07-01,")))
    rate = loaded.rate("GBP", "France", "utility", "2026-01-01")
    assert rate is not None
    assert rate.card == "own"
    assert loaded.rate("USD", "France", "utility", "2026-01-01") is not None
    assert loaded.market_of_phone("9607771234", "2026-01-01") == MarketMatch("MV", "Rest of Asia Pacific")


def test_cards_alone_are_a_catalog_and_so_is_a_market_table_alone(tmp_path: Path) -> None:
    load_directory(write(tmp_path, own=OWN_CARD))
    (tmp_path / "cards" / "own.csv").unlink()
    load_directory(write(tmp_path, markets=markets("960,MV,Other,2025-07-01,")))


def test_other_files_of_the_directory_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, own=OWN_CARD)
    (tmp_path / "notes.csv").write_text("not a card")
    (tmp_path / "cards" / "README.md").write_text("not a card either")
    load_directory(tmp_path)


def test_no_directory_is_the_shipped_catalog() -> None:
    assert load_directory(None).content_hash == load_catalog(read_shipped()).content_hash


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    assert problems_of(missing) == [f"{missing} does not exist; name a directory that holds cards/*.csv or markets.csv"]


def test_a_file_in_the_directorys_place_is_named(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(OWN_CARD)
    assert problems_of(file) == [f"{file} is no directory; name a directory that holds cards/*.csv or markets.csv"]


def test_a_directory_without_cards_and_markets_is_named(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == [f"{tmp_path} holds neither cards/*.csv nor markets.csv; put a card or a market table in it"]


def test_a_file_that_is_no_utf8_is_told_beside_the_mistakes_of_the_others(tmp_path: Path) -> None:
    latin = f"{OWN_CARD}2026-01-01,GBP,Türkiye,utility,1,,0.02,list\n".encode("latin-1")
    found = problems_of(write(tmp_path, latin=latin, own=card("2026-01-01,GBP,France,utility,1,,-1")))
    assert found == [
        "cards/latin.csv line 3: a byte there is no UTF-8; save the file as UTF-8",
        "cards/own.csv line 2, column rate: the rate '-1' is negative; write 0 or more",
    ]


def test_without_a_readable_market_table_no_card_is_accused_of_unknown_markets(tmp_path: Path) -> None:
    found = problems_of(write(tmp_path, markets=b"\xff\xfe", own=card("2026-01-01,GBP,Atlantis,utility,1,,1")))
    assert found == ["markets.csv line 1: a byte there is no UTF-8; save the file as UTF-8"]


def test_an_unreadable_file_alone_refuses_the_catalog(tmp_path: Path) -> None:
    (tmp_path / "cards" / "own.csv").mkdir(parents=True)
    assert problems_of(tmp_path) == ["cards/own.csv cannot be read (Is a directory); name a readable file"]


def test_single_files_are_named_as_given(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(card("2026-01-01,GBP,France,utility,1,,-1"))
    with pytest.raises(CatalogProblems, match="line 2, column rate") as refused:
        load_files([path])
    assert refused.value.problems[0].startswith(f"{path} line 2")
