"""Rate cards and the market table: what a message costs in Meta's price list, by recipient and local date."""

from rating.catalog.catalog import Catalog, MarketMatch, Rate
from rating.catalog.cells import family_of
from rating.catalog.load import load_catalog
from rating.catalog.problems import CatalogProblems

__all__ = ["Catalog", "CatalogProblems", "MarketMatch", "Rate", "family_of", "load_catalog"]
