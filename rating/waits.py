"""Deliveries whose category nobody has told yet wait for their `sent`, an hour of event time at most.

A wait ends by the phone number's own clock; where a number falls silent, by the log's append time, an hour after the wait began. At the
end of the input every wait ends. What is decided at the end can still be corrected by a later event.

Source: contract §2, `no_category`; architecture, clocks.
"""

from __future__ import annotations

from typing import Final

from rating import keys
from rating.records import Delivery
from rating.stage import PREFIX_BYTES
from rating.workbench import Workbench

PATIENCE_MS: Final = 60 * 60 * 1000
_NEVER_MS: Final = (1 << 62) - 1
"""Where nothing was appended (offline), only the end of the input or the clock ends a wait."""


def start(bench: Workbench, delivery: Delivery, billed_at_ms: int) -> None:
    """Lets a delivery wait; one that waits already is left alone unless its billing instant moved."""
    until_ms = billed_at_ms + PATIENCE_MS
    if delivery.wait_until_ms == until_ms:
        return
    stop(bench, delivery)
    appended_at_ms = bench.ledger.appended_at_ms
    delivery.wait_until_ms = until_ms
    delivery.wait_until_append_ms = _NEVER_MS if appended_at_ms is None else appended_at_ms + PATIENCE_MS
    bench.next_wait_ms.pop(delivery.phone_number_id, None)
    for key in _entries(delivery, until_ms):
        bench.state.put(key, b"")


def stop(bench: Workbench, delivery: Delivery) -> None:
    """Takes a delivery out of the waiting ones; one that doesn't wait is left alone."""
    if delivery.wait_until_ms is None:
        return
    bench.next_wait_ms.pop(delivery.phone_number_id, None)
    for key in _entries(delivery, delivery.wait_until_ms):
        bench.state.delete(key)
    delivery.wait_until_ms = None


def end_by_clock(bench: Workbench, phone_number_id: str, now_ms: int) -> None:
    """Marks every delivery of a phone number whose hour is over by the number's clock."""
    next_ms = bench.next_wait_ms.get(phone_number_id)
    if next_ms is None:
        first = bench.state.first(keys.of_owner(keys.WAIT, phone_number_id))
        next_ms = bench.next_wait_ms[phone_number_id] = _NEVER_MS if first is None else keys.at(first[0][PREFIX_BYTES:])
    if next_ms <= now_ms:
        bench.decide_range(keys.of_owner(keys.WAIT, phone_number_id), b"", keys.instant(now_ms + 1), phone_number_id)


def end_by_append_time(bench: Workbench, at_ms: int | None) -> None:
    """Marks every delivery of the partition that has waited an hour of append time; None: all of them."""
    bench.decide_range(keys.WAITS_BY_APPEND, b"", None if at_ms is None else keys.instant(at_ms + 1))


def _entries(delivery: Delivery, until_ms: int) -> tuple[bytes, bytes]:
    identity = keys.delivery(delivery.phone_number_id, delivery.message_id, delivery.participant)
    by_clock = keys.of_owner(keys.WAIT, delivery.phone_number_id) + keys.moment(until_ms, delivery.message_id, delivery.participant)
    by_append = keys.WAITS_BY_APPEND + keys.instant(delivery.wait_until_append_ms) + identity[len(keys.DELIVERY) :]
    return by_clock, by_append
