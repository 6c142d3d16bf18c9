"""A card as the catalog wants it, and its text."""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

from rating.catalog.cards import COLUMNS
from rating.catalog.published.printed import PrintedRate


class PublishedCard(NamedTuple):
    """The rates of one currency from one day on."""

    currency: str
    effective_from: str
    rates: tuple[PrintedRate, ...]
    """By market, category and band."""

    @property
    def name(self) -> str:
        """What its file is called, without folder and `.csv`: the card's id on every rated line."""
        return f"meta-{self.currency.lower()}-{self.effective_from}"

    @property
    def said(self) -> str:
        """In a line: how many rates of how many markets, and what they are like."""
        priced = sum(one.rate is not None for one in self.rates if one.tier_from == 1)
        markets = len({one.key.market for one in self.rates})
        tiered = sum(one.tier_from == 1 and one.tier_to is not None for one in self.rates)
        without = sum(one.rate is None for one in self.rates)
        parts = [
            f"{self.currency} from {self.effective_from}",
            f"{priced} {'rate' if priced == 1 else 'rates'} in {markets} {'market' if markets == 1 else 'markets'}",
            f"{tiered} of them in volume tiers" if tiered else "",
            f"{without} marked n/a" if without else "",
        ]
        return ", ".join(part for part in parts if part)


def write_card(card: PublishedCard) -> str:
    """The text of a card's file: figures as the published list prints them, decimals included."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in card.rates:
        tier_to = "" if one.tier_to is None else one.tier_to
        writer.writerow([card.effective_from, *one.key, one.tier_from, tier_to, one.rate or "", one.source])
    return text.getvalue()
