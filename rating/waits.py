"""Deliveries whose category nobody has told yet wait for their `sent`, an hour of event time at most.

A wait ends by the phone number's own clock; where a number falls silent, by the log's append time, an hour after the wait began. At the
end of the input every wait ends. What is decided at the end can still be corrected by a later event.

Source: contract §2, `no_category`; architecture, clocks.
"""

from __future__ import annotations

from typing import Final

from rating import keys
from rating.records import WAIT_IS_OVER, Delivery
from rating.stage import PREFIX_BYTES, State
from rating.workbench import Workbench

PATIENCE_MS: Final = 60 * 60 * 1000
NEVER_MS: Final = (1 << 62) - 1
"""Where nothing was appended (offline), only the end of the input or the clock ends a wait."""


def start(bench: Workbench, delivery: Delivery, billed_at_ms: int) -> None:
    """Lets a delivery wait; one that waits already is left alone unless its billing instant moved."""
    until_ms = billed_at_ms + PATIENCE_MS
    if delivery.wait_until_ms == until_ms:
        return
    stop(bench, delivery)
    appended_at_ms = bench.ledger.appended_at_ms
    delivery.wait_until_ms = until_ms
    delivery.wait_until_append_ms = NEVER_MS if appended_at_ms is None else appended_at_ms + PATIENCE_MS
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
    """Marks every delivery of a phone number whose hour is over by the number's clock: category and compliance."""
    next_ms = bench.next_wait_ms.get(phone_number_id)
    if next_ms is None:
        next_ms = bench.next_wait_ms[phone_number_id] = min(_next(bench, kind, phone_number_id) for kind in (keys.WAIT, keys.NOTICE))
    if next_ms <= now_ms:
        high = keys.instant(now_ms + 1)
        bench.decide_range(keys.of_owner(keys.WAIT, phone_number_id), b"", high, phone_number_id)
        notices = keys.of_owner(keys.NOTICE, phone_number_id)
        bench.judge_range(notices, b"", high, phone_number_id=phone_number_id, about=WAIT_IS_OVER)


def end_by_append_time(bench: Workbench, at_ms: int | None) -> None:
    """Marks every delivery of the partition that has waited an hour of append time; None: all of them."""
    high = None if at_ms is None else keys.instant(at_ms + 1)
    bench.decide_range(keys.WAITS_BY_APPEND, b"", high)
    bench.judge_range(keys.NOTICES_BY_APPEND, b"", high, about=WAIT_IS_OVER)


def next_by_append_time(state: State) -> int | None:
    """The append time at which the next wait of a partition ends; None where nothing waits."""
    found = [first for bucket in keys.ENDS_BY_APPEND if (first := state.first(bucket)) is not None]
    return min((keys.at(key[PREFIX_BYTES:]) for key, _ in found), default=None)


def end_verdicts(bench: Workbench, phone_number_id: str) -> bool:
    """Marks every verdict of a phone number that waits for its hour; returns whether any did."""
    notices = keys.of_owner(keys.NOTICE, phone_number_id)
    if bench.state.first(notices) is None:
        return False
    bench.judge_range(notices, b"", None, phone_number_id=phone_number_id, about=WAIT_IS_OVER)
    return True


def _next(bench: Workbench, kind: bytes, phone_number_id: str) -> int:
    """When the first wait of a kind ends."""
    first = bench.state.first(keys.of_owner(kind, phone_number_id))
    return NEVER_MS if first is None else keys.at(first[0][PREFIX_BYTES:])


def _entries(delivery: Delivery, until_ms: int) -> tuple[bytes, bytes]:
    identity = keys.delivery(delivery.phone_number_id, delivery.message_id, delivery.participant)
    by_clock = keys.of_owner(keys.WAIT, delivery.phone_number_id) + keys.moment(until_ms, delivery.message_id, delivery.participant)
    by_append = keys.WAITS_BY_APPEND + keys.instant(delivery.wait_until_append_ms) + identity[len(keys.DELIVERY) :]
    return by_clock, by_append
