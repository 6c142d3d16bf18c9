"""The records between METER and TIER as bytes: `usage.counts` and `usage.bands`.

Both hold absolute values: the latest record of a key is the truth. Neither is anyone else's business, but both are described like every
other topic (`schemas/tiers.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Final, TypeVar

import msgspec
import orjson

from rating.records import Terms
from rating.stage import Output, Record
from rating.tiers.naming import BANDS, COUNTS, TallyName, tally_named
from rating.totals import KEY_FIELDS

VERSION: Final = 1

Told = TypeVar("Told", "CountTold", "BandsTold")
_Count = Annotated[int, msgspec.Meta(ge=0)]


class CountTold(msgspec.Struct, gc=False, frozen=True):
    """What METER says of a tally."""

    messages: _Count
    edges: tuple[Annotated[int, msgspec.Meta(ge=1)], ...]
    v: int = VERSION


class BandsTold(msgspec.Struct, gc=False, frozen=True):
    """What TIER says of a tally."""

    below: list[_Count | None]
    v: int = VERSION


class MalformedError(ValueError):
    """A record that is none of ours: one sentence."""


def edges_of(terms: Terms) -> tuple[int, ...]:
    """The last message of every band but the open one."""
    return tuple(band.tier_to for band in terms.bands if band.tier_to is not None)


def count_output(name: TallyName, terms: Terms, messages: int) -> Output:
    """What METER tells TIER of a tally."""
    value = {**_head(name), "edges": edges_of(terms), "messages": messages}
    return Output(COUNTS, name.record_key, orjson.dumps(value), name.counter)


def bands_output(name: TallyName, edges: Sequence[int], below: Sequence[int | None], revision: int) -> Output:
    """What TIER tells METER of a tally: a tombstone where every edge lies after all of it, which is what goes without saying."""
    told = any(reach is not None for reach in below)
    value = {**_head(name), "revision": revision, "edges": edges, "below": below} if told else None
    return Output(BANDS, name.record_key, None if value is None else orjson.dumps(value), name.phone_number_id.encode())


def read_count(record: Record) -> tuple[TallyName, CountTold]:
    """A record of `usage.counts`. Raises `MalformedError`; a tombstone is nothing, and says 0 messages."""
    name = _name_of(record)
    if record.value is None:
        return name, CountTold(0, ())
    told = _read(_decode_count, record.value)
    if any(after <= before for before, after in pairwise(told.edges)):
        raise MalformedError(f"edges {list(told.edges)} do not ascend")
    return name, told


def read_bands(record: Record) -> tuple[TallyName, list[int | None] | None]:
    """A record of `usage.bands`; None where nothing is told any more. Raises `MalformedError`."""
    name = _name_of(record)
    return name, None if record.value is None else _read(_decode_bands, record.value).below


def _head(name: TallyName) -> dict[str, object]:
    total = dict(zip(KEY_FIELDS, name.fields, strict=False))
    return {"v": VERSION, **total, "portfolio_id": name.portfolio_id, "family": name.family, "month": name.month, "terms": name.fields[-1]}


def _name_of(record: Record) -> TallyName:
    name = None if record.key is None else tally_named(record.key)
    if name is None:
        raise MalformedError("the key is no total's key with portfolio and terms")
    return name


def _read(decoder: msgspec.json.Decoder[Told], value: bytes) -> Told:
    try:
        told = decoder.decode(value)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise MalformedError(str(error)) from None
    if told.v != VERSION:
        raise MalformedError(f"version {told.v}, not {VERSION}")
    return told


_decode_count = msgspec.json.Decoder(CountTold)
_decode_bands = msgspec.json.Decoder(BandsTold)
