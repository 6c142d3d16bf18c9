"""The state of one partition: every record in memory, ordered where a stage needs order, with an undo log.

Kafka holds the truth (a compacted changelog); this is its image. Writes go in place at once, because nearly every
batch is committed; the journal remembers what each written key was before, which is all that is needed to take a batch
back and all that is needed to know what to send to the changelog.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

from rating.stage import PREFIX_BYTES

_NO_KEYS: list[bytes] = []


class Store:
    """A `rating.stage.State` in memory. Not thread-safe; one host writes to it.

    Memory per record is that of two bytes objects and a dict entry. A value made by `orjson.dumps` keeps several kB
    alive whatever its length: give `put` a copy of such bytes, or bytes of msgspec.
    """

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._before: dict[bytes, bytes | None] = {}
        self._buckets: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._indexed = False

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: bytes) -> bytes | None:
        """The value, with every write of the open batch; None if there is none."""
        return self._values.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Sets a value. Putting the value that is there already costs nothing downstream: it is no change."""
        before = self._values.get(key)
        self._before.setdefault(key, before)
        self._values[key] = value
        if before is None and len(key) > PREFIX_BYTES:
            self._add(key)

    def delete(self, key: bytes) -> None:
        """Removes a key; removing one that is not there does nothing."""
        before = self._values.pop(key, None)
        if before is None:
            return
        self._before.setdefault(key, before)
        if len(key) > PREFIX_BYTES:
            self._remove(key)

    def range(self, bucket: bytes, low: bytes = b"", high: bytes | None = None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of a bucket whose rest lies in `[low, high)`, in byte order, or backwards.

        The key that is the bucket itself has an empty rest: it comes first when `low` is empty.
        """
        keys, begin, end = self._slice(bucket, low, high)
        values = self._values
        own = None if low or (high is not None and high <= low) else values.get(bucket)
        if own is not None and not reverse:
            yield bucket, own
        for index in range(end - 1, begin - 1, -1) if reverse else range(begin, end):
            key = keys[index]
            yield key, values[key]
        if own is not None and reverse:
            yield bucket, own

    def first(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """The first entry of that range, or None."""
        if not low and high != b"" and (own := self._values.get(bucket)) is not None:
            return bucket, own
        keys, begin, end = self._slice(bucket, low, high)
        return (keys[begin], self._values[keys[begin]]) if begin < end else None

    def last(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """The last entry of that range, or None."""
        keys, begin, end = self._slice(bucket, low, high)
        if begin < end:
            return keys[end - 1], self._values[keys[end - 1]]
        own = None if low or high == b"" else self._values.get(bucket)
        return None if own is None else (bucket, own)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every key and value, in no order."""
        return iter(self._values.items())

    def begin(self) -> None:
        """Starts a batch. What an earlier one wrote must have been committed or rolled back."""
        if self._before:
            raise RuntimeError("the writes of the last batch were neither committed nor rolled back")

    def changes(self) -> dict[bytes, bytes | None]:
        """What the open batch changed so far: key to new value, None for a removed key. A key that came back to its value is absent."""
        values = self._values
        return {key: after for key, before in self._before.items() if (after := values.get(key)) != before}

    def commit(self) -> dict[bytes, bytes | None]:
        """Keeps the batch; returns its `changes()`."""
        changes = self.changes()
        self._before = {}
        return changes

    def rollback(self) -> None:
        """Takes the batch back: afterwards the store is as it was at `begin`."""
        before, self._before = self._before, {}
        values = self._values
        for key, value in before.items():
            ordered = len(key) > PREFIX_BYTES
            if value is None:
                if values.pop(key, None) is not None and ordered:
                    self._remove(key)
            else:
                if key not in values and ordered:
                    self._add(key)
                values[key] = value

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Applies one changelog record, outside of any batch. Order within a bucket is built once, when first asked for."""
        before = self._values.get(key)
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
        if self._indexed and len(key) > PREFIX_BYTES and (before is None) != (value is None):
            (self._add if before is None else self._remove)(key)

    def _slice(self, bucket: bytes, low: bytes, high: bytes | None) -> tuple[list[bytes], int, int]:
        """The keys longer than the bucket, and which of them lie in `[low, high)`: from the first index up to the second."""
        if len(bucket) != PREFIX_BYTES:
            raise ValueError(f"a bucket is {PREFIX_BYTES} bytes long, not {len(bucket)}")
        if not self._indexed:
            self._index()
        keys = self._buckets.get(bucket, _NO_KEYS)
        begin = bisect_left(keys, bucket + low) if low else 0
        return keys, begin, len(keys) if high is None else bisect_left(keys, bucket + high, begin)

    def _index(self) -> None:
        """Sorts what there is by now: after a restore one sort, instead of an insertion per record."""
        self._buckets.clear()
        for key in self._values:
            if len(key) > PREFIX_BYTES:
                self._buckets[key[:PREFIX_BYTES]].append(key)
        for keys in self._buckets.values():
            keys.sort()
        self._indexed = True

    def _add(self, key: bytes) -> None:
        if not self._indexed:
            return
        keys = self._buckets[key[:PREFIX_BYTES]]
        if not keys or keys[-1] < key:
            keys.append(key)
        else:
            keys.insert(bisect_left(keys, key), key)

    def _remove(self, key: bytes) -> None:
        if not self._indexed:
            return
        bucket = key[:PREFIX_BYTES]
        keys = self._buckets[bucket]
        del keys[bisect_left(keys, key)]
        if not keys:
            del self._buckets[bucket]
