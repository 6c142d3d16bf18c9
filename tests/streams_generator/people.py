"""Who writes and is written to: phones of every kind of market, people who hide theirs, groups."""

from __future__ import annotations

from typing import NamedTuple


class Person(NamedTuple):
    """One end of a conversation, or a member of a group."""

    id: str
    countries: tuple[str, ...] = ()
    """Values that `user_country` may carry, where the phone is hidden."""


PHONES = (
    Person("+33612345678"),
    Person("+33698765432"),
    Person("+12025550123"),  # United States
    Person("+14165550123"),  # Canada, on the same prefix
    Person("+15550000000"),  # on that prefix too, and nobody's
    Person("+18765550100"),  # Jamaica: a longer prefix
    Person("+447400123456"),
    Person("+447911123456"),  # Guernsey, for the library and for us
    Person("+77011234567"),  # Kazakhstan moved on 2026-10-01
    Person("+79161234567"),
    Person("+48501234567"),
    Person("+4915112345678"),  # Germany: a price of 0
    Person("+5511999990000"),  # Brazil: a price is missing
    Person("+919812345678"),
    Person("+9607771234"),  # unlisted: Other
    Person("+99312345678"),  # Other, and listed since 2026-10-01
)
HIDDEN = (
    Person("FR.8k2hs0", ("FR", "IN", "JM")),
    Person("US.ENT.77aa", ("US", "CA")),
    Person("ZZ.nobody", ("ZZ", "FR")),
    Person("KZ.1", ("KZ",)),
    Person("TM.5", ("TM", "GB")),
)
GROUPS = ("group:family", "group:team")
MEMBERS = (PHONES[0], PHONES[2], PHONES[9], PHONES[13], HIDDEN[0], HIDDEN[1], HIDDEN[2])
