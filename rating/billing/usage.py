"""Usage of a billing account: totals as they become known, what they come to per cycle, and what of it has been billed.

A total counts for commands at or after the time from which it is known. So totals wait in the order of that time, and are taken up when a
command issues invoices: always the same ones, however totals and commands arrived between each other.

Source: billing.md §1 (times), §7 (usage, adjustments).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from itertools import takewhile
from typing import Final, NamedTuple

import msgspec

from rating.billing.calendar import Span
from rating.billing.currency import rounded
from rating.billing.records import decoder, encode
from rating.ids import digest
from rating.money import NANOS_PER_UNIT, Nanos, format_nanos
from rating.stage import State
from schemas.instants import HOUR_MS, format_instant
from schemas.totals import ReadTotal

WAITING: Final = b"W"
"""By the total's key, the time from which it is known and number of arrival: figures that no command has taken up."""
TOTAL: Final = b"T"
"""By the same: figures that a command took up; the last of a key are those in force."""
DAY: Final = b"D"
"""By date and use: sum over phone numbers and markets."""
CHANGED: Final = b"H"
"""By date and use: what changed of days before the last boundary that was closed."""
BILLED: Final = b"I"
"""By cycle and use: what invoices say so far."""

_LONG_AGO_MS: Final = -(1 << 62)
_OFFSET_MS: Final = 1 << 63
_EVER: Final = b"\xff" * 17
"""Sorts after every time and arrival."""


class Use(NamedTuple):
    """What one line of usage is about."""

    currency: str
    country: str | None
    category: str

    @property
    def name(self) -> str:
        """As the line is named."""
        return f"{self.country or 'Other'} · {self.category}"


class Figures(NamedTuple):
    """Of one line: messages, and the amount rounded once."""

    messages: int
    amount_minor: int


class UsageLine(NamedTuple):
    """What a line would say now."""

    use: Use
    figures: Figures
    dates: tuple[str, ...]


class _Total(msgspec.Struct, array_like=True, frozen=True):
    """A total's figures."""

    source: str
    phone_number_id: str
    date: str
    country: str | None
    market: str
    category: str
    currency: str
    messages: int
    amount_nanos: int

    @property
    def key(self) -> bytes:
        """Stands for the total."""
        fields = (self.source, self.phone_number_id, self.date, self.country or "", self.market, self.category, self.currency)
        return digest(*fields)


class _Day(msgspec.Struct, array_like=True):
    """What one WhatsApp account used on one date for one line."""

    source: str
    currency: str
    country: str | None
    category: str
    messages: int
    amount_nanos: int


_decode_total = decoder(_Total)
_decode_day = decoder(_Day)
_decode_figures = decoder(tuple[int, int])


def is_billable(total: ReadTotal) -> bool:
    """Whether a total can come on an invoice: only what is charged."""
    return total.outcome == "charged"


class Waiting(NamedTuple):
    """A billable total until a command takes it up."""

    known_ms: int
    """From when it is known."""
    key: bytes
    """Stands for the total."""
    record: bytes


def waiting(total: ReadTotal) -> Waiting:
    """A total, as short as it can be kept."""
    record = _Total(
        total.account_id,
        total.phone_number_id,
        total.date,
        total.country,
        total.market,
        total.category,
        total.currency,
        total.messages,
        int(Fraction(total.amount) * NANOS_PER_UNIT),
    )
    return Waiting(_LONG_AGO_MS if total.time is None else total.time, record.key, encode(record))


class Usage:
    """The usage of one billing account, in state."""

    def __init__(self, state: State, account_id: str) -> None:
        self._state = state
        self._owner = digest(account_id)

    def wait(self, total: Waiting, arrival: int) -> None:
        """Takes a billable total in. Of one key the one known latest counts, then the greater `arrival`."""
        self._state.put(WAITING + self._owner + total.key + _since(total.known_ms, arrival), total.record)

    def thin_out(self, key: bytes, before_ms: int) -> None:
        """Of one total's figures that wait since before an instant, keeps the last of each hour: for commands that come hours late."""
        low, high = key, key + _since(before_ms, 0)
        waiting = self._state.range(WAITING + self._owner, low, high, reverse=True)
        hours = ((name, _known_ms(name) // HOUR_MS) for name, _ in waiting)
        later_hour = next(hours, (b"", None))[1]
        superfluous = [name for name, _ in takewhile(lambda each: each[1] == later_hour, hours)]
        for name in superfluous:
            self._state.delete(name)

    def know(self, until_ms: int | None, closed_to: date | None) -> None:
        """Takes up the figures of every total that are known at an instant (None: all there are).

        Remembers what changed of dates before `closed_to`: these may need an adjustment.
        """
        latest: dict[bytes, tuple[bytes, bytes]] = {}
        for name, record in list(self._state.range(WAITING + self._owner)):
            if until_ms is None or _known_ms(name) <= until_ms:
                latest[name[17:33]] = (name, record)
                self._state.delete(name)
        for key, (name, record) in latest.items():
            before = self._state.last(TOTAL + self._owner, key, key + _EVER)
            self._take(_decode_total(record), None if before is None else _decode_total(before[1]), closed_to)
            self._state.put(TOTAL + name[1:], record)

    def _take(self, total: _Total, before: _Total | None, closed_to: date | None) -> None:
        use = digest(total.source, total.currency, total.country or "", total.category)
        day_key = DAY + self._owner + total.date.encode() + use
        known = self._state.get(day_key)
        day = _Day(total.source, total.currency, total.country, total.category, 0, 0) if known is None else _decode_day(known)
        day.messages += total.messages - (before.messages if before else 0)
        day.amount_nanos += total.amount_nanos - (before.amount_nanos if before else 0)
        self._state.put(day_key, encode(day))
        if closed_to is not None and total.date < closed_to.isoformat():
            self._state.put(CHANGED + self._owner + total.date.encode() + use, b"")

    def history(self) -> Iterator[dict[str, object]]:
        """Every total that was taken up or waits, as a record of `usage.totals` with the `time` from which it counts."""
        for kind in (TOTAL, WAITING):
            for name, record in self._state.range(kind + self._owner):
                yield _as_record(_decode_total(record), _known_ms(name))

    def lines(self, span: Span, sources: list[str], only: Use | None = None) -> list[UsageLine]:
        """What the lines of a cycle would say now, by currency, country (unknown ones last) and category; amounts may be 0."""
        sums: dict[Use, list[int]] = {}
        dates: dict[Use, dict[str, None]] = {}
        for day, each in self._days(span):
            use = Use(each.currency, each.country, each.category)
            if each.source not in sources or only not in (None, use):
                continue
            found = sums.setdefault(use, [0, 0])
            found[0] += each.messages
            found[1] += each.amount_nanos
            dates.setdefault(use, {})[day] = None
        return [
            UsageLine(use, Figures(messages, rounded(Fraction(nanos, NANOS_PER_UNIT), use.currency)), tuple(dates[use]))
            for use, (messages, nanos) in sorted(sums.items(), key=lambda item: _order(item[0]))
        ]

    def _days(self, span: Span) -> Iterator[tuple[str, _Day]]:
        low, high = span.first.isoformat().encode(), span.last.isoformat().encode() + b"\xff"
        for key, value in self._state.range(DAY + self._owner, low, high):
            yield key[17:27].decode(), _decode_day(value)

    def changed(self) -> list[tuple[date, str, Use]]:
        """Dates, WhatsApp accounts and lines that changed and were not looked at since, in no order that matters."""
        found = []
        for key, _ in self._state.range(CHANGED + self._owner):
            day = self._state.get(DAY + key[1:])
            if day is not None:
                each = _decode_day(day)
                found.append((date.fromisoformat(key[17:27].decode()), each.source, Use(each.currency, each.country, each.category)))
        return found

    def settle(self, currency: str | None = None) -> None:
        """Forgets what changed (of one currency alone): it is on an invoice now, or will be on that of its own cycle."""
        for key in [key for key, _ in self._state.range(CHANGED + self._owner)]:
            day = self._state.get(DAY + key[1:])
            if currency is None or (day is not None and _decode_day(day).currency == currency):
                self._state.delete(key)

    def billed(self, contract: int, cycle: int, use: Use) -> Figures:
        """What invoices say so far of one line of a cycle."""
        kept = self._state.get(self._billed(contract, cycle, use))
        return Figures(0, 0) if kept is None else Figures(*_decode_figures(kept))

    def bill(self, contract: int, cycle: int, use: Use, figures: Figures) -> None:
        """Remembers what invoices say in all of one line of a cycle."""
        self._state.put(self._billed(contract, cycle, use), encode(tuple(figures)))

    def _billed(self, contract: int, cycle: int, use: Use) -> bytes:
        place = contract.to_bytes(2, "big") + cycle.to_bytes(4, "big")
        return BILLED + self._owner + place + digest(use.currency, use.country or "", use.category)


def _since(known_ms: int, arrival: int) -> bytes:
    return (known_ms + _OFFSET_MS).to_bytes(8, "big") + arrival.to_bytes(8, "big")


def _known_ms(name: bytes) -> int:
    """From when what lies under such a state key is known."""
    return int.from_bytes(name[33:41], "big") - _OFFSET_MS


def _as_record(total: _Total, known_ms: int) -> dict[str, object]:
    record = {
        "v": 1,
        "account_id": total.source,
        "phone_number_id": total.phone_number_id,
        "date": total.date,
        "country": total.country,
        "market": total.market,
        "category": total.category,
        "outcome": "charged",
        "currency": total.currency,
        "messages": total.messages,
        "amount": format_nanos(Nanos(total.amount_nanos)),
    }
    return record if known_ms == _LONG_AGO_MS else record | {"time": format_instant(known_ms)}


def _order(use: Use) -> tuple[str, bool, str, str]:
    return use.currency, use.country is None, use.country or "", use.category
