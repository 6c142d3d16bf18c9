"""What names a tally and the counter it counts in, on the topics between METER and TIER and in their states.

A tally is a total, or where prices changed amid one (an account's fee, a card that became known later) the part of it at one table of
bands. Its record key is the total's key with the portfolio and a hash of that table, since one total can count in two portfolios: a
profile that comes late changes what is rated after it, not before.

Source: contract §1, §8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import orjson

from rating import keys
from rating.catalog import family_of
from rating.ids import LocalDate, digest_of
from rating.localtime import month_of
from rating.records import Terms, encode
from rating.totals import KEY_FIELDS

COUNTS: Final = "usage.counts"
BANDS: Final = "usage.bands"

_END: Final = b"\x00"
_ESCAPED: Final = b"\x00\xff"
"""A NUL within a text. No text in UTF-8 begins with the second byte, so what follows an `_END` is never taken for one."""

_DATE, _COUNTRY, _MARKET, _CATEGORY = (KEY_FIELDS.index(name) for name in ("date", "country", "market", "category"))
_ACCOUNT, _PHONE, _CURRENCY = (KEY_FIELDS.index(name) for name in ("account_id", "phone_number_id", "currency"))
_PORTFOLIO, _TERMS = len(KEY_FIELDS), len(KEY_FIELDS) + 1
KEY_LENGTH: Final = len(KEY_FIELDS) + 2


class TallyName(NamedTuple):
    """A tally, and everything that follows from its name."""

    record_key: bytes
    """The eight fields of the total's key, the portfolio and the hash of the terms, as a JSON array."""
    state_key: bytes
    """Of METER's record of it."""
    fields: tuple[str | None, ...]
    """The parts of the record key."""

    @property
    def phone_number_id(self) -> str:
        """Whose METER it belongs to."""
        return self.fields[_PHONE] or ""

    @property
    def market(self) -> str:
        """Where its messages went."""
        return self.fields[_MARKET] or ""

    @property
    def category(self) -> str:
        """What its messages are rated as."""
        return self.fields[_CATEGORY] or ""

    @property
    def currency(self) -> str:
        """Of its account."""
        return self.fields[_CURRENCY] or ""

    @property
    def date(self) -> str:
        """Of its messages, in its account's zone."""
        return self.fields[_DATE] or ""

    @property
    def portfolio_id(self) -> str:
        """Whose volume it is part of."""
        return self.fields[_PORTFOLIO] or ""

    @property
    def family(self) -> str:
        """The category family."""
        return family_of(self.category)

    @property
    def month(self) -> str:
        """The calendar month in its account's zone, `2026-10`."""
        return month_of(LocalDate(self.date))

    @property
    def counter(self) -> bytes:
        """What it is counted by: portfolio, market, family and month as a JSON array."""
        return counter_key(self.portfolio_id, self.market, self.family, self.month)

    @property
    def place(self) -> bytes:
        """Its place in the counter's order: date, account, phone number, country, category, compared as text, null first (contract §8).

        Between parts of one total the currency, then the terms.
        """
        parts = (_DATE, _ACCOUNT, _PHONE, _COUNTRY, _CATEGORY, _CURRENCY, _TERMS)
        return b"".join((self.fields[part] or "").encode().replace(_END, _ESCAPED) + _END for part in parts)


def tally_of(terms: Terms, total: bytes) -> TallyName:
    """The tally of charged messages at these terms; `total` is the key of their total."""
    parts = orjson.loads(total)
    return _named((*parts, terms.portfolio_id, digest_of(encode(terms)).hex()))


def tally_named(record_key: bytes) -> TallyName | None:
    """The tally of a record key, or None if it is none."""
    try:
        fields = orjson.loads(record_key)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(fields, list) or len(fields) != KEY_LENGTH:
        return None
    if not all(isinstance(part, str) or (part is None and number == _COUNTRY) for number, part in enumerate(fields)):
        return None
    return _named(fields)


def counter_key(portfolio_id: str, market: str, family: str, month: str) -> bytes:
    """What names a counter, and what `usage.counts` is partitioned by."""
    return orjson.dumps([portfolio_id, market, family, month])


def counter_bucket(kind: bytes, counter: bytes) -> bytes:
    """The state bucket of a counter's records of one kind."""
    return kind + digest_of(counter)


def total_of(name: TallyName) -> bytes:
    """The key of the total that it is part of."""
    return orjson.dumps(name.fields[: len(KEY_FIELDS)])


def _named(fields: Sequence[str | None]) -> TallyName:
    record_key = orjson.dumps(list(fields))
    return TallyName(record_key, keys.TALLY + digest_of(record_key), tuple(fields))
