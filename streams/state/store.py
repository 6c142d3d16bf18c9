"""The state of one partition: every record in memory, ordered where a stage needs order, with a journal of the open batch.

Kafka holds the truth (a compacted changelog); this is its image. Writes go in place at once, because nearly every batch is
committed and whoever cannot commit one ends. The journal remembers what each written key was before: that tells what to
send to the changelog.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from rating.stage import PREFIX_BYTES
from streams.state.pages import RUN_MAX, Run, Runs, unpacked
from streams.state.shelves import Shelves

RECENT_RECORDS = 131_072
"""How many records lie unpacked after they were written, 30 MB of them: a message is sent, delivered and read within minutes."""
WARM_PAGES = 8192
"""How many pages stay unpacked after they were touched, a few kilobytes each at most."""
_KIND, _OWNER, _REST = slice(0, 1), slice(1, PREFIX_BYTES), slice(PREFIX_BYTES, None)
"""Parts of a key. In a page the owner is left out: a name is kind and rest."""
_AFTER_THE_KIND = slice(1, None)
_NEXT_KIND: dict[bytes, bytes | None] = {bytes([kind]): bytes([kind + 1]) for kind in range(255)} | {b"\xff": None}

_NOTHING = Run()


class Store:
    """A `rating.stage.State` in memory. Not thread-safe; one host writes to it.

    A key that is longer than a bucket is ordered, and lies packed in the page of its owner, whatever its kind: a few entries of several
    kinds cost little more than their bytes. A key that is a bucket lies packed on a shelf, unless it was written lately. The few that
    are shorter, a host's own, are entries of a dict. A value made by `orjson.dumps` keeps several kB alive whatever its length: give
    `put` a copy of such bytes, or bytes of msgspec.
    """

    def __init__(self) -> None:
        self._short: dict[bytes, bytes] = {}
        self._recent: dict[bytes, bytes] = {}
        """What is on a shelf under the same key may be older."""
        self._shelves = Shelves()
        self._asked: dict[bytes, bytes | None] = {}
        """What the open batch has found on the shelves: most of it is asked for again."""
        self._restored: dict[bytes, bytes] = {}
        """What is to be put on the shelves before anybody looks. It is in none of the others, and not counted."""
        self._pages: dict[bytes, bytes | Runs] = {}
        """By owner. What is unpacked in one of the next two may be newer."""
        self._warm: dict[bytes, Run | Runs] = {}
        self._open: dict[bytes, Run | Runs] = {}
        """What the open batch touched."""
        self._entries = 0
        self._before: dict[bytes, bytes | None] = {}
        self._after: dict[bytes, bytes | None] = {}

    def __len__(self) -> int:
        self._shelve()
        return self._entries

    def get(self, key: bytes) -> bytes | None:
        """The value, with every write of the open batch; None if there is none."""
        if len(key) <= PREFIX_BYTES:
            return self._record(key)
        owner = key[_OWNER]
        return (self._open.get(owner) or self._page(owner)).get(key[_KIND] + key[_REST])

    def put(self, key: bytes, value: bytes) -> None:
        """Sets a value. Putting the value that is there already costs nothing downstream: it is no change."""
        if len(key) <= PREFIX_BYTES:
            before = self._record(key)
            (self._recent if len(key) == PREFIX_BYTES else self._short)[key] = value
        else:
            before = self._order(key, value)
        if before is None:
            self._entries += 1
        if key not in self._after:
            self._before[key] = before
        self._after[key] = value

    def delete(self, key: bytes) -> None:
        """Removes a key; removing one that is not there does nothing."""
        before = self._drop(key) if len(key) <= PREFIX_BYTES else self._order(key, None)
        if before is not None:
            self._entries -= 1
        if key not in self._after:
            self._before[key] = before
        self._after[key] = None

    def range(self, bucket: bytes, low: bytes = b"", high: bytes | None = None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of a bucket whose rest lies in `[low, high)`, in byte order, or backwards.

        The key that is the bucket itself has an empty rest: it comes first when `low` is empty.
        """
        if len(bucket) != PREFIX_BYTES:
            raise ValueError(f"a bucket is {PREFIX_BYTES} bytes long, not {len(bucket)}")
        own = self._own(bucket, low, high)
        if own is not None and not reverse:
            yield own
        owner, kind = bucket[_OWNER], bucket[_KIND]
        page = self._open.get(owner) or self._page(owner)
        for run, stretch in page.stretches(kind + low, _NEXT_KIND[kind] if high is None else kind + high, reverse=reverse):
            names, values = run.names, run.values
            for at in stretch:
                yield bucket + names[at][_AFTER_THE_KIND], values[at]
        if own is not None and reverse:
            yield own

    def first(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """The first entry of that range, or None."""
        if not low and high != b"" and (own := self._record(bucket)) is not None:
            return bucket, own
        owner, kind = bucket[_OWNER], bucket[_KIND]
        page = self._open.get(owner) or self._page(owner)
        found = page.first(kind + low, _NEXT_KIND[kind] if high is None else kind + high)
        return None if found is None else (bucket + found[0][_AFTER_THE_KIND], found[1])

    def last(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """The last entry of that range, or None."""
        owner, kind = bucket[_OWNER], bucket[_KIND]
        page = self._open.get(owner) or self._page(owner)
        found = page.last(kind + low, _NEXT_KIND[kind] if high is None else kind + high)
        return self._own(bucket, low, high) if found is None else (bucket + found[0][_AFTER_THE_KIND], found[1])

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every key and value, in no order."""
        self._shelve()
        packed = (entry for entry in self._shelves.items() if entry[0] not in self._recent)
        return chain(self._short.items(), self._recent.items(), packed, self._ordered_items())

    def begin(self) -> None:
        """Starts a batch. What an earlier one wrote must have been committed."""
        if self._before:
            raise RuntimeError("the writes of the last batch were not committed")

    def commit(self) -> dict[bytes, bytes | None]:
        """Ends the batch; returns what it changed: key to new value, None for a removed key. What came back to its value is absent."""
        before, self._before = self._before, {}
        after, self._after = self._after, {}
        self._rest()
        return {key: value for key, value in after.items() if value != before[key]}

    def rollback(self) -> None:
        """Ends the batch as if it had never been: every key has the value again that it had before."""
        for key, value in list(self._before.items()):
            if value is None:
                self.delete(key)
            else:
                self.put(key, value)
        self.commit()

    def restore(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Applies changelog records in order, outside of any batch. They go where they are going to stay, many at a time."""
        recent, restored, shelves = self._recent, self._restored, self._shelves
        self._asked.clear()
        for key, value in records:
            if len(key) != PREFIX_BYTES:
                if value is None:
                    self.delete(key)
                else:
                    self.put(key, value)
                continue
            if value is None:
                restored.pop(key, None)
                was_recent = recent.pop(key, None) is not None
                self._entries -= shelves.pop(key) or was_recent
            elif key in recent:
                recent[key] = value
            else:
                restored[key] = value
        self.commit()
        if len(restored) > max(RECENT_RECORDS, len(shelves) // 4):
            self._shelve()

    def _shelve(self) -> None:
        """Puts what was restored on the shelves."""
        restored, self._restored = self._restored, {}
        self._entries += self._shelves.put_all(restored)

    def _order(self, key: bytes, value: bytes | None) -> bytes | None:
        """Sets or removes an ordered entry; returns what was there before."""
        owner = key[_OWNER]
        page = self._open.get(owner) or self._page(owner)
        if page is _NOTHING:
            if value is None:
                return None
            page = self._open[owner] = Run()
        return page.put(key[_KIND] + key[_REST], value)

    def _record(self, key: bytes) -> bytes | None:
        """The value of a key that is not ordered."""
        found = self._recent.get(key)
        if found is not None:
            return found
        if len(key) != PREFIX_BYTES:
            return self._short.get(key)
        if self._restored:
            self._shelve()
        asked = self._asked
        if key in asked:
            return asked[key]
        found = asked[key] = self._shelves.get(key)
        return found

    def _drop(self, key: bytes) -> bytes | None:
        """Removes a key that is not ordered; returns what was there before."""
        before = self._record(key)
        if len(key) < PREFIX_BYTES:
            self._short.pop(key, None)
        else:
            self._recent.pop(key, None)
            self._asked[key] = None
            self._shelves.pop(key)
        return before

    def _page(self, owner: bytes) -> Run | Runs:
        """The page of an owner, unpacked; `_NOTHING` if there is none."""
        page = self._open.get(owner)
        if page is None:
            page = self._warm.pop(owner, None)
            if page is None:
                kept = self._pages.get(owner)
                if kept is None:
                    return _NOTHING
                page = unpacked(kept) if isinstance(kept, bytes) else kept
            self._open[owner] = page
        return page

    def _rest(self) -> None:
        """Leaves the latest records and small pages as they are, since they are likely to be touched again, and packs the others."""
        self._asked.clear()
        recent = self._recent
        for key in list(islice(recent, max(0, len(recent) - RECENT_RECORDS))):
            self._shelves.put(key, recent.pop(key))
        warm = self._warm
        for owner, page in self._open.items():
            if isinstance(page, Run) and len(page.names) <= RUN_MAX:
                warm[owner] = page
            else:
                self._pack(owner, page)
        self._open = {}
        for owner in list(islice(warm, max(0, len(warm) - WARM_PAGES))):
            self._pack(owner, warm.pop(owner))

    def _pack(self, owner: bytes, page: Run | Runs) -> None:
        if page.is_changed:
            packed = page.packed()
            if packed is None:
                self._pages.pop(owner, None)
            else:
                self._pages[owner] = packed

    def _own(self, bucket: bytes, low: bytes, high: bytes | None) -> tuple[bytes, bytes] | None:
        """The record whose key is the bucket itself, if it lies in the range."""
        own = None if low or high == b"" else self._record(bucket)
        return None if own is None else (bucket, own)

    def _ordered_items(self) -> Iterator[tuple[bytes, bytes]]:
        for owner, kept in {**self._pages, **self._warm, **self._open}.items():
            page = unpacked(kept) if isinstance(kept, bytes) else kept
            for run, _ in page.stretches(b"", None):
                for name, value in zip(run.names, run.values, strict=True):
                    yield name[:1] + owner + name[1:], value
