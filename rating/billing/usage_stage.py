"""USAGE: which totals a billing account is told of, as a stage keyed by WhatsApp account.

It holds the charged totals of every WhatsApp account and who bills it. A new biller is told all that is held, and every biller each later
change: of a total that changed several times in one step, the last. It has no clock and knows no subscription.

Source: billing.md §1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from rating.billing.usage import is_billable
from rating.ids import digest
from rating.rejects import REJECTS, rejected_record
from rating.stage import Effects, Output, Record, State, Tick
from schemas.billing_sources import decode_source
from schemas.rejections import Rejection
from schemas.totals import ReadTotal, decode_total

TOTALS: Final = "usage.totals"
SOURCES: Final = "billing.sources"
ROUTED: Final = "billing.usage"

_BILLER: Final = b"S"
"""By WhatsApp account and billing account."""
_HELD: Final = b"T"
"""By WhatsApp account and total."""
_FORMAT: Final = "1"


class UsageRouter:
    """Hands the totals of WhatsApp accounts to the billing accounts that subscribe to them."""

    inputs: Final = (TOTALS, SOURCES)
    broadcast: Final = ()
    gathers: Final = True
    outputs: Final = (ROUTED, REJECTS)
    identity: Final[Mapping[str, str]] = {"usage": "charged totals, by biller", "state_format": _FORMAT}

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        """Applies a batch; ticks change nothing."""
        outputs: list[Output] = []
        counts = {"routed": 0, "rejected": 0}
        changed: dict[bytes, tuple[bytes, ReadTotal]] = {}
        for item in batch:
            if isinstance(item, Tick) or item.value is None:
                continue
            if item.topic == TOTALS:
                total = decode_total(item.value)
                if isinstance(total, Rejection):
                    outputs.append(rejected_record(item, total))
                    counts["rejected"] += 1
                elif is_billable(total):
                    key = _held_key(total)
                    state.put(key, item.value)
                    changed[key] = (item.value, total)
                continue
            source = decode_source(item.value)
            if isinstance(source, Rejection):
                outputs.append(rejected_record(item, source))
                counts["rejected"] += 1
                continue
            outputs += _tell(state, changed)
            changed = {}
            outputs += _subscribe(state, source.whatsapp_account_id, source.account_id)
        outputs += _tell(state, changed)
        counts["routed"] = len(outputs) - counts["rejected"]
        return Effects(outputs, counts)


def _held_key(total: ReadTotal) -> bytes:
    return _HELD + digest(total.account_id) + digest(*(field or "" for field in total.key))


def _tell(state: State, changed: Mapping[bytes, tuple[bytes, ReadTotal]]) -> list[Output]:
    """What changed, to every biller of its WhatsApp account."""
    billers: dict[str, list[str]] = {}
    outputs = []
    for value, total in changed.values():
        known = billers.get(total.account_id)
        if known is None:
            bucket = _BILLER + digest(total.account_id)
            known = billers[total.account_id] = [biller.decode() for _, biller in state.range(bucket)]
        outputs += [_routed(value, total, biller) for biller in known]
    return outputs


def _subscribe(state: State, source: str, biller: str) -> list[Output]:
    """A new biller, and everything that is held for it; one that is known is told nothing again."""
    key = _BILLER + digest(source) + digest(biller)
    if state.get(key) is not None:
        return []
    state.put(key, biller.encode())
    outputs = []
    for _, value in state.range(_HELD + digest(source)):
        total = decode_total(value)
        if isinstance(total, Rejection):
            raise ValueError("what is held was read before, and can be read again")
        outputs.append(_routed(value, total, biller))
    return outputs


def _routed(value: bytes, total: ReadTotal, biller: str) -> Output:
    return Output(ROUTED, orjson.dumps([biller, *total.key]), value, biller.encode())
