"""What a state of METER says, so that it can be compared with what the log gives when it is read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from rating import keys
from rating.agenda import DAY_MS
from rating.corrections import PENDING
from rating.records import (
    Delivery,
    Ledger,
    decode_delivery,
    decode_figures,
    decode_inbound,
    decode_leaf,
    decode_ledger,
    decode_number,
    encode,
)
from rating.stage import PREFIX_BYTES, Record, Tick
from streams.settings import Settings
from streams.stages import forgetting_meter_of
from streams.state import positions
from streams.state.store import Store

REPLAYED_BATCH = 500
SETTINGS = Settings()


def replayed(
    settings: Settings, accounts: Sequence[Record], messages: Sequence[Record], size: Callable[[], int] = lambda: REPLAYED_BATCH
) -> Store:
    """The state of one partition, from its input's log and all profiles, in one process that nothing happens to.

    `size` says how many records the next batch has.
    """
    stage, store = forgetting_meter_of(settings), Store()

    def step(batch: Sequence[Record | Tick]) -> None:
        unfinished = True
        while unfinished:
            store.begin()
            unfinished = stage.step(store, batch).unfinished
            store.commit()
            batch = ()

    for source in (iter(accounts), iter(messages)):
        while batch := list(islice(source, size())):
            step(batch)
    step([Tick(0, end_of_input=True)])
    return store


def as_far_as_told(store: Store, *, same_history: bool) -> dict[bytes, Any]:
    """What a state says, without the engine's own records, and without how ordered entries happen to be divided into leaves.

    Also without the waits that deliveries are through with: when a phone number begins to forget, batches decide, and from then on a read
    without its delivery waits in another way. Of another history also without how often a delivery was decided before, with which of the
    profiles of that time, and whatever is so old that it may be forgotten: for as long as a delivery had no price it was not.
    """
    told: dict[bytes, Any] = {}
    for key, value in store.items():
        if key[:1] in keys.IN_LEAVES:
            leaf = decode_leaf(value)
            told |= {key[:PREFIX_BYTES] + entry: held for entry, held in zip(leaf.keys, leaf.values, strict=True)}
        elif key == keys.LEDGER_KEY:
            told[key] = _without_empty_sides(decode_ledger(value))
        elif not key.startswith(positions.RESERVED) and key[:1] != keys.AGENDA:  # when something is looked at again, batches decide
            told[key] = _without_past_wait(value) if key[:1] == keys.DELIVERY else value
    return told if same_history else dict(_without_history(told))


def _without_past_wait(value: bytes) -> bytes:
    try:
        delivery = decode_delivery(value)
    except msgspec.DecodeError:  # a forged one
        return value
    if delivery.disposition in (None, PENDING):
        return value
    delivery.wait_until_append_ms, delivery.wait_is_over = 0, False
    return encode(delivery)


def _without_empty_sides(ledger: Ledger) -> list[Any]:
    books = (ledger.events, ledger.deliveries, ledger.forgotten)
    return [ledger.appended_at_ms, *({side: count for side, count in book.items() if count} for book in books)]


def _without_history(told: Mapping[bytes, Any]) -> Iterator[tuple[bytes, Any]]:
    clocks = {key: decode_number(value).clock_ms for key, value in told.items() if key[:1] == keys.CLOCK}
    old_ms = max(clocks.values(), default=0) - (SETTINGS.horizon_days - 2) * DAY_MS
    for key, value in told.items():
        kind = key[:1]
        if kind == keys.DELIVERY:
            delivery = decode_delivery(value)
            if _newest_ms(delivery) >= old_ms:
                yield key, _delivery_without_history(delivery, told)
        elif kind == keys.INBOUND:
            if decode_inbound(value).time_ms >= old_ms:
                yield key, value
        elif kind == keys.CONVERSATION:
            entry = key[PREFIX_BYTES:]
            if entry[:1] != keys.FREE_ENTRY_MESSAGE and keys.at(entry[1:]) >= old_ms:
                yield key, value
        elif kind == keys.CLOCK:
            yield key, clocks[key]
        elif key == keys.LEDGER_KEY:
            yield key, value[1:3]
        elif kind not in _OF_A_HISTORY:
            yield key, value


_OF_A_HISTORY = keys.FIGURES + keys.PROFILES + keys.PROFILES_AS_KNOWN + keys.TOTAL + keys.TALLY + keys.CONVERSATIONS + keys.SILENT
"""What names the past, or stays with it."""


def _newest_ms(delivery: Delivery) -> int:
    events = (delivery.sent, delivery.delivered, delivery.read, delivery.failed)
    return max((event.time_ms for event in events if event is not None), default=0)


def _delivery_without_history(delivery: Delivery, told: Mapping[bytes, Any]) -> Any:
    delivery.revision, delivery.profiles = 0, None
    delivery.wait_until_append_ms, delivery.wait_is_over = 0, False
    figures = None
    if delivery.charge is not None:
        known = decode_figures(told[keys.FIGURES + delivery.charge.figures])
        figures = msgspec.structs.replace(known, profiles=b"")
        delivery.charge = msgspec.structs.replace(delivery.charge, figures=b"", window=None)
    return encode(delivery), figures
