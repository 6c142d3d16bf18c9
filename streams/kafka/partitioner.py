"""Where a key lies: the same place for publishers, workers and tools."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's own (Java) partitioner puts a key: murmur2, sign bit off, modulo. Cached, because it is slow in Python."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
