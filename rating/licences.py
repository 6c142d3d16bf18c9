"""Who may send: the licences of a WhatsApp account's users, as told on `billing.licences`.

Every partition hears of every licence, and judges the messages of its own phone numbers. A record says from when to when, so one that
comes late judges messages by the licence of their own instant; the messages that it concerns are found in an index by account, sender and
time. Of what a record no longer tells, because it ended more than 70 days ago, the former one is believed.

Source: billing.md §5, last paragraph; seed S003.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from rating import keys
from rating.ids import digest_of
from rating.records import ABOUT_LICENCE, FORMAT, encode
from rating.stage import PREFIX_BYTES, State
from rating.windows import Span
from rating.workbench import Workbench
from schemas.licences import FAR_MS, Licences

TOPIC: Final = "billing.licences"

HELD: Final = 0
"""A user holds a licence; an account has bought the add-on."""
EVERYONE: Final = 1
"""Every user of the account counts as licensed."""
UNTOLD: Final = 2
"""Nothing is known: what ended in this time was left out."""

_LAST_NAME: Final = b"\xff" * 17
"""Sorts after whatever may follow a sender in a key."""


class Stretch(msgspec.Struct, array_like=True, gc=False, frozen=True, order=True):
    """A stretch of time `[from_ms, to_ms)` and what holds in it."""

    from_ms: int
    to_ms: int
    what: int


class Told(msgspec.Struct, array_like=True, gc=False):
    """What one record tells of one WhatsApp account."""

    format: int
    stretches: tuple[Stretch, ...]


class Source(msgspec.Struct, array_like=True, gc=False):
    """What one record named: where to find what it told."""

    format: int
    sender: bytes
    accounts: tuple[str, ...]


class _Change(NamedTuple):
    account: str
    before: tuple[Stretch, ...]
    after: tuple[Stretch, ...]


_decode_told = msgspec.msgpack.Decoder(Told).decode
_decode_source = msgspec.msgpack.Decoder(Source).decode


def may_send(state: State, account_id: str, sender_id: str, at_ms: int) -> bool:
    """Whether a user may send for a WhatsApp account at an instant: they hold a licence, everyone does, or none is needed.

    One is needed where the account has bought an add-on whose users' messages are billed by use; whoever holds one shows that it has.
    Where what is known does not reach back so far, nobody is blamed.
    """
    bucket = keys.of_owner(keys.LICENCES, account_id)
    if state.first(bucket) is None:  # nearly every account: nobody's licences are told
        return True
    if any(True for _ in _at(state, bucket, keys.sender_name(sender_id), at_ms)):
        return True
    of_account = set(_at(state, bucket, keys.NO_SENDER, at_ms))
    if EVERYONE in of_account:
        return True
    return HELD not in of_account and HELD not in _at(state, bucket, None, at_ms)


def take(bench: Workbench, record_key: bytes, told: Licences | None) -> None:
    """Takes in a record; None forgets what the one before it told. The messages whose verdict may be another one now are marked."""
    state = bench.state
    source_key = keys.LICENCE_SOURCE + digest_of(record_key)
    known = state.get(source_key)
    source = None if known is None else _decode_source(known)
    if told is None and source is None:
        return
    sender = _sender_of(told) if told is not None else source.sender if source is not None else keys.NO_SENDER
    if source is not None and source.sender != sender:  # another user under the same key: the key is theirs now
        take(bench, record_key, None)
        source = None
    name = sender + digest_of(record_key)
    accounts = sorted({*(() if source is None else source.accounts), *(() if told is None else told.whatsapp_accounts)})
    changes = [_write(state, account, name, told) for account in accounts]
    left = tuple(change.account for change in changes if change.after)
    if left:
        state.put(source_key, encode(Source(FORMAT, sender, left)))
    else:
        state.delete(source_key)
    for change in changes:
        _mark(bench, change, sender, name)


def _sender_of(told: Licences) -> bytes:
    return keys.NO_SENDER if told.user_id is None else keys.sender_name(told.user_id)


def _write(state: State, account: str, name: bytes, told: Licences | None) -> _Change:
    key = keys.of_owner(keys.LICENCES, account) + name
    known = state.get(key)
    before = () if known is None else _decode_told(known).stretches
    after: tuple[Stretch, ...] = ()
    if told is not None:
        former = before or (Stretch(0, told.since_ms, UNTOLD),)
        kept = [Stretch(each.from_ms, min(each.to_ms, told.since_ms), each.what) for each in former]
        new = [
            Stretch(each.from_ms, each.to_ms, EVERYONE if each.everyone else HELD)
            for each in told.stretches
            if each.whatsapp_account == account
        ]
        after = tuple(sorted({each for each in (*kept, *new) if each.from_ms < each.to_ms}))
    if after:
        state.put(key, encode(Told(FORMAT, after)))
    elif known is not None:
        state.delete(key)
    return _Change(account, before, after)


def _mark(bench: Workbench, change: _Change, sender: bytes, name: bytes) -> None:
    """Marks what a change concerns: its sender's messages, and all of the account's where it decides whether licences are needed."""
    spans = list(_differences(change.before, change.after))
    if not spans:
        return
    bucket = keys.of_owner(keys.SENDERS, change.account)
    if sender == keys.NO_SENDER:
        _mark_senders(bench, bucket, spans)
        return
    for span in spans:
        _mark_span(bench, bucket, sender, span)
    others = keys.of_owner(keys.LICENCES, change.account)
    for other in _of_account(bench.state, others):
        if not spans:
            return
        if other[0] != name:
            spans = [left for span in spans for left in _without(span, other[1])]
    if spans:
        _mark_senders(bench, bucket, spans)


def _mark_senders(bench: Workbench, bucket: bytes, spans: Iterable[Span]) -> None:
    """Marks every sender's messages: from one sender to the next, whatever lies between."""
    entries = bench.leaves.of(bucket)
    low = b""
    while (found := entries.first(keys.SENT_BY, low)) is not None:
        sender = found[0][: keys.SENDER_BYTES]
        for span in spans:
            _mark_span(bench, bucket, sender, span)
        low = sender + _LAST_NAME


def _mark_span(bench: Workbench, bucket: bytes, sender: bytes, span: Span) -> None:
    low, high = (keys.SENT_BY + sender + keys.instant(at_ms) for at_ms in span)
    bench.judge_range(bucket, low, high, about=ABOUT_LICENCE)


def _of_account(state: State, bucket: bytes) -> Iterator[tuple[bytes, tuple[Stretch, ...]]]:
    return ((key[PREFIX_BYTES:], _decode_told(value).stretches) for key, value in state.range(bucket))


def _at(state: State, bucket: bytes, sender: bytes | None, at_ms: int) -> Iterator[int]:
    """What holds at an instant for one sender, or for any of them."""
    low, high = (keys.FIRST_SENDER, None) if sender is None else (sender, sender + _LAST_NAME)
    for _, value in state.range(bucket, low, high):
        for each in _decode_told(value).stretches:
            if each.from_ms <= at_ms < each.to_ms:
                yield each.what


def _differences(before: tuple[Stretch, ...], after: tuple[Stretch, ...]) -> Iterator[Span]:
    """Where something else holds than did before, in order."""
    edges = sorted({edge for each in (*before, *after) for edge in (each.from_ms, each.to_ms)})
    start_ms = None
    for from_ms, to_ms in pairwise([*edges, FAR_MS]):
        differs = from_ms < to_ms and _holding(before, from_ms) != _holding(after, from_ms)
        if differs and start_ms is None:
            start_ms = from_ms
        if not differs and start_ms is not None:
            yield Span(start_ms, from_ms)
            start_ms = None
    if start_ms is not None:
        yield Span(start_ms, FAR_MS)


def _holding(stretches: tuple[Stretch, ...], at_ms: int) -> set[int]:
    return {each.what for each in stretches if each.from_ms <= at_ms < each.to_ms}


def _without(span: Span, stretches: tuple[Stretch, ...]) -> Iterator[Span]:
    """The parts of a span in which nothing is held."""
    from_ms = span.from_ms
    for each in stretches:
        if each.what == HELD and each.to_ms > from_ms and each.from_ms < span.to_ms:
            if each.from_ms > from_ms:
                yield Span(from_ms, each.from_ms)
            from_ms = each.to_ms
    if from_ms < span.to_ms:
        yield Span(from_ms, span.to_ms)
