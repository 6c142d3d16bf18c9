"""Named situations: a law that was never tried in one of them proves nothing about it.

Each is a question about one checked stream. The law test counts how many streams answer yes, prints the table and fails where too few do.
"""

from tests.laws.situations import arrivals, decisions, facts, published, recipients, tiers
from tests.laws.situations.registry import SITUATIONS, of_stream

__all__ = ["SITUATIONS", "arrivals", "decisions", "facts", "of_stream", "published", "recipients", "tiers"]
