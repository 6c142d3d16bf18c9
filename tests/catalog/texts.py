"""Small catalogs written as text, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence

CARD_HEADER = "effective_from,currency,market,category,tier_from,tier_to,rate,source"
MARKETS_HEADER = "prefix,iso2,market,valid_from,valid_to,source,note"

MARKETS = f"""{MARKETS_HEADER}
33,FR,France,2025-07-01,,list,
48,PL,Rest of Central & Eastern Europe,2025-07-01,2026-06-30,list,
48,PL,Poland,2026-07-01,,list,
1,US,North America,2025-07-01,,list,
1,CA,North America,2025-07-01,,list,
1809,DO,Rest of Latin America,2025-07-01,,list,
"""


def card(*rows: str) -> str:
    """A card's text, of rows without their source: `2026-01-01,USD,France,utility,1,,0.03`."""
    return "\n".join([CARD_HEADER, *(f"{row},list" for row in rows)]) + "\n"


def markets(*rows: str) -> str:
    """A market table's text, of rows without source and note: `33,FR,France,2025-07-01,`."""
    return "\n".join([MARKETS_HEADER, *(f"{row},list," for row in rows)]) + "\n"


def lines(texts: Sequence[str]) -> str:
    """The sentences one under another, as a person sees them."""
    return "\n".join(texts)
