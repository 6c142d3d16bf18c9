"""Reads price lists as Meta publishes them: rate cards and volume-tier tables, with all their oddities."""

from rating.catalog.published.card import PublishedCard, write_card
from rating.catalog.published.merge import cards_of
from rating.catalog.published.printed import Printed, PrintedRate, Surroundings
from rating.catalog.published.read import read_sheet
from rating.catalog.published.sheet import Sheet, SheetRow

__all__ = ["Printed", "PrintedRate", "PublishedCard", "Sheet", "SheetRow", "Surroundings", "cards_of", "read_sheet", "write_card"]
