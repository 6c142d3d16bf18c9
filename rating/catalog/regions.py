"""Which country a phone number belongs to, where several share its prefix: what libphonenumber says.

A number is never asked to be *valid*: numbers that WhatsApp delivers to are unknown to the library, and yet their area
code tells the country.
"""

from __future__ import annotations

from functools import lru_cache

import phonenumbers

_REMEMBERED = 1 << 16
"""Answers kept, since one takes 20 µs."""


def country_of_number(digits: str) -> str | None:
    """ISO 3166 code of an international number without its +, or None where the library names no country.

    The country need not be one of the market table.
    """
    if len(digits) == 11 and digits[0] == "1":
        # Of a full North American number the library looks at area code and exchange alone (a test proves it of the one installed),
        # so all subscribers of an exchange share an answer.
        return _asked(digits[:7] + "0000")
    return _asked(digits)


@lru_cache(maxsize=_REMEMBERED)
def _asked(digits: str) -> str | None:
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse("+" + digits))
    except phonenumbers.NumberParseException:
        return None
    # "001" stands for calling codes of no country, such as satellite phones.
    return region if region is not None and region.isalpha() else None
