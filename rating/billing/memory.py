"""A `rating.stage.State` in plain memory, for billing without a broker: nothing is rolled back, so nothing is journalled."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from rating.stage import PREFIX_BYTES


class Memory:
    """Bytes under ordered keys."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: dict[bytes, list[bytes]] = {}
        """By bucket, in order."""

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        return self._values.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Sets a value."""
        if key not in self._values:
            insort(self._keys.setdefault(key[:PREFIX_BYTES], []), key)
        self._values[key] = value

    def delete(self, key: bytes) -> None:
        """Removes a key; removing one that is not there does nothing."""
        if self._values.pop(key, None) is not None:
            keys = self._keys[key[:PREFIX_BYTES]]
            del keys[bisect_left(keys, key)]

    def range(self, bucket: bytes, low: bytes = b"", high: bytes | None = None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of one bucket whose rest lies in `[low, high)`, in byte order, or backwards."""
        keys = self._keys.get(bucket, [])
        begin = bisect_left(keys, bucket + low)
        end = len(keys) if high is None else bisect_left(keys, bucket + high)
        for at in range(end - 1, begin - 1, -1) if reverse else range(begin, end):
            yield keys[at], self._values[keys[at]]

    def first(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """The first entry of that range, or None."""
        return next(self.range(bucket, low, high), None)

    def last(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """The last entry of that range, or None."""
        return next(self.range(bucket, low, high, reverse=True), None)
