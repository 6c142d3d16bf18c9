"""Totals: what every line adds up to, per account, phone number, day, country, market, category, outcome and currency (contract §5).

A total is absolute and has one writer, since the phone number is part of its key. It is published whenever it changed, with the lines
that changed it, so that at every commit the lines add up to it.
"""

from __future__ import annotations

import orjson

from rating import keys
from rating.ids import digest
from rating.money import Nanos, format_nanos
from rating.records import FORMAT, Charge, Total, decode_total, encode
from rating.stage import Output, State

TOPIC = "usage.totals"


class Totals:
    """The totals that one step touches: read once, changed in memory, written and published once."""

    __slots__ = ("_state", "_touched")

    def __init__(self, state: State) -> None:
        self._state = state
        self._touched: dict[tuple[str, ...], tuple[bytes, Total]] = {}

    def add(self, phone_number_id: str, charge: Charge, sign: int) -> None:
        """Adds a charge (`sign` 1) or takes it back (`sign` -1)."""
        total = self._total(phone_number_id, charge)
        total.messages += sign
        total.cost_nanos += sign * charge.cost_nanos
        total.amount_nanos += sign * charge.amount_nanos

    def settle(self) -> list[Output]:
        """Writes what was touched and returns the records to publish, zero included; call it once, at the end of a step."""
        outputs = []
        for key, total in self._touched.values():
            self._state.put(key, encode(total))
            outputs.append(Output(TOPIC, total_key(total), total_record(total), partition_key=total.account_id.encode()))
        return outputs

    def _total(self, phone_number_id: str, charge: Charge) -> Total:
        country = charge.country or ""
        name = (charge.account_id, phone_number_id, charge.date, country, charge.market, charge.category, charge.outcome, charge.currency)
        touched = self._touched.get(name)
        if touched is None:
            key = keys.TOTAL + digest(*name)
            known = self._state.get(key)
            fields = (charge.date, charge.country, charge.market, charge.category, charge.outcome, charge.currency)
            total = Total(FORMAT, charge.account_id, phone_number_id, *fields) if known is None else decode_total(known)
            self._touched[name] = touched = key, total
        return touched[1]


def total_key(total: Total) -> bytes:
    """The record key on `usage.totals`: the eight fields of the key as a JSON array."""
    return orjson.dumps([getattr(total, field) for field in KEY_FIELDS])


KEY_FIELDS = ("account_id", "phone_number_id", "date", "country", "market", "category", "outcome", "currency")
"""The fields of a total's key, in their order."""


def total_record(total: Total) -> bytes:
    """The record's value: absolute figures; the latest of a key is the truth."""
    return orjson.dumps(
        {
            "v": 1,
            **{field: getattr(total, field) for field in KEY_FIELDS},
            "messages": total.messages,
            "cost": format_nanos(Nanos(total.cost_nanos)),
            "amount": format_nanos(Nanos(total.amount_nanos)),
        }
    )
