"""Totals: what every line adds up to, per account, phone number, day, country, market, category, outcome and currency (contract §5).

A total is absolute and has one writer, since the phone number is part of its key. It is published whenever it changed, with the lines
that changed it, so that at every commit the lines add up to it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson

from rating import keys
from rating.ids import digest_of
from rating.money import Nanos, format_nanos
from rating.records import FORMAT, Figures, Total, decode_total, encode
from rating.stage import Output, State

TOPIC: Final = "usage.totals"

KEY_FIELDS: Final = ("account_id", "phone_number_id", "date", "country", "market", "category", "outcome", "currency")
"""The fields of a total's key, in their order."""


class TotalText(NamedTuple):
    """What is the same in every record of one total."""

    state_key: bytes
    record_key: bytes
    """The eight fields of its key as a JSON array."""
    head: str
    """The same fields as the beginning of its JSON object."""
    partition_key: bytes


def total_text(figures: Figures) -> TotalText:
    """The total that lines with these figures add up to."""
    return _text_of({field: getattr(figures, field) for field in KEY_FIELDS})


def total_of_key(record_key: bytes) -> TotalText:
    """The total of a record key."""
    return _text_of(dict(zip(KEY_FIELDS, orjson.loads(record_key), strict=True)))


def _text_of(fields: dict[str, str | None]) -> TotalText:
    record_key = orjson.dumps(list(fields.values()))
    head = orjson.dumps({"v": 1, **fields})[:-1].decode()
    return TotalText(keys.TOTAL + digest_of(record_key), record_key, head, (fields["account_id"] or "").encode())


class Totals:
    """The totals that one step touches: read once, changed in memory, written and published once."""

    __slots__ = ("_gone", "_released", "_state", "_touched", "new")

    def __init__(self, state: State) -> None:
        self._state = state
        self.new: list[tuple[bytes, Figures]] = []
        """State keys of the totals that this step began, each with figures that it counts."""
        self._touched: dict[bytes, tuple[TotalText, Total]] = {}
        self._released: dict[bytes, Total] = {}
        self._gone: set[bytes] = set()

    def add(self, figures: Figures, text: TotalText, sign: int) -> None:
        """Adds a line with these figures (`sign` 1) or takes one back (`sign` -1)."""
        total = self._touch(text, figures)
        total.messages += sign
        total.held += sign
        total.cost_nanos += sign * figures.cost_nanos
        total.amount_nanos += sign * figures.amount_nanos

    def adjust(self, text: TotalText, cost_nanos: int, amount_nanos: int) -> None:
        """Adds an adjustment: the messages stay, what they cost changes."""
        total = self._touch(text)
        total.cost_nanos += cost_nanos
        total.amount_nanos += amount_nanos

    def let_go(self, text: TotalText) -> None:
        """A delivery with a line in a total leaves the state; the total stays what it is."""
        touched = self._touched.get(text.state_key)
        total = self._released.get(text.state_key) if touched is None else touched[1]
        if total is None:
            known = self._state.get(text.state_key)
            if known is None:
                raise AssertionError("a line in force without its total")
            total = self._released[text.state_key] = decode_total(known)
        total.held -= 1

    def forget(self, state_key: bytes) -> bool:
        """Removes a total from the state, where no delivery has its line in it; returns whether it is gone. What was published stays."""
        total = self._released.get(state_key)
        if total is None and (known := self._state.get(state_key)) is not None:
            total = decode_total(known)
        touched = self._touched.get(state_key)
        if touched is not None:
            total = touched[1]
        if total is not None and total.held:
            return False
        self._released.pop(state_key, None)
        self._state.delete(state_key)
        self._gone.add(state_key)
        return True

    def knows(self, text: TotalText) -> bool:
        """Whether a total is in the state, or will be after this step."""
        touched = text.state_key in self._touched and text.state_key not in self._gone
        return touched or self._state.get(text.state_key) is not None

    def is_held(self, text: TotalText) -> bool:
        """Whether some delivery has its line in a total."""
        touched = self._touched.get(text.state_key)
        total = self._released.get(text.state_key) if touched is None else touched[1]
        if total is None and (known := self._state.get(text.state_key)) is not None:
            total = decode_total(known)
        return total is not None and total.held > 0

    def settle(self) -> list[Output]:
        """Writes what was touched and returns the records to publish, zero included; call it once, at the end of a step."""
        outputs = []
        for key, total in self._released.items():
            self._state.put(key, encode(total))
        for key, (text, total) in self._touched.items():
            if key not in self._gone:
                self._state.put(key, encode(total))
            outputs.append(Output(TOPIC, text.record_key, _record(text, total), text.partition_key))
        return outputs

    def _touch(self, text: TotalText, figures: Figures | None = None) -> Total:
        """The total, to be changed in place; `figures` are what it counts, where it may be new."""
        touched = self._touched.get(text.state_key)
        if touched is None:
            total = self._released.pop(text.state_key, None)
            if total is None:
                known = self._state.get(text.state_key)
                if known is None and figures is not None:
                    self.new.append((text.state_key, figures))
                total = Total(FORMAT) if known is None else decode_total(known)
            touched = self._touched[text.state_key] = text, total
        return touched[1]


def _record(text: TotalText, total: Total) -> bytes:
    """The record's value: absolute figures; the latest of a key is the truth."""
    cost, amount = format_nanos(Nanos(total.cost_nanos)), format_nanos(Nanos(total.amount_nanos))
    return f'{text.head},"messages":{total.messages},"cost":"{cost}","amount":"{amount}"}}'.encode()
