"""How a recipient is told without telling who it is: by the digits that led to the market, or by the country of a hidden phone."""

from __future__ import annotations

from typing import Final

HIDDEN: Final = "…"


def masked(recipient: str, prefix: str | None = None) -> str:
    """`+33…` of a phone number whose market was found by the prefix 33, `+…` of one that no prefix covers, `FR.…` of a business-scoped id.

    Whatever else it may be, a group included, is told by its kind alone.
    """
    if recipient.startswith("+"):
        return f"+{prefix or ''}{HIDDEN}"
    if recipient.startswith("group:"):
        return f"group:{HIDDEN}"
    country, dot, _ = recipient.partition(".")
    return f"{country}.{HIDDEN}" if dot and len(country) == 2 else HIDDEN
