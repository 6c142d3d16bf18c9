"""A state to try things on: it shows what lies beneath, and keeps every change to itself."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge

from rating.stage import State


class Scratch:
    """A `State` over another one that is never written to. Dropping it undoes everything."""

    def __init__(self, beneath: State) -> None:
        self._beneath = beneath
        self._own: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        return self._own[key] if key in self._own else self._beneath.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Sets a value here alone."""
        self._own[key] = value

    def delete(self, key: bytes) -> None:
        """Removes a key here alone."""
        self._own[key] = None

    def range(self, bucket: bytes, low: bytes = b"", high: bytes | None = None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """As of any state."""
        beneath = (entry for entry in self._beneath.range(bucket, low, high, reverse=reverse) if entry[0] not in self._own)
        return merge(beneath, self._changed(bucket, low, high, reverse=reverse), reverse=reverse)

    def first(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """As of any state."""
        return next(self.range(bucket, low, high), None)

    def last(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """As of any state."""
        return next(self.range(bucket, low, high, reverse=True), None)

    def _changed(self, bucket: bytes, low: bytes, high: bytes | None, *, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
        start, length = bucket + low, len(bucket)
        own = [
            (key, value)
            for key, value in self._own.items()
            if value is not None and key[:length] == bucket and key >= start and (high is None or key[length:] < high)
        ]
        return iter(sorted(own, reverse=reverse))
