"""The one seam between the domain and Kafka: a stage turns records and state into outputs and state.

A stage is pure. It knows no broker, no clock and no file, and keeps no memory of its own: whatever it must remember
lies in the `State` it is given. So the same stage runs in a worker (one Kafka transaction per step), in
`wameter rate` (a loop over a file) and in a test, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

CATALOG = "catalog"
"""The part of an identity that may grow; see `Stage.identity`."""

PREFIX_BYTES = 17
"""Length of the first part of every state key: one byte that names the kind of record, 16 that name its owner."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of an input topic, as it lies in the log."""

    topic: str
    """Logical name, without the environment's prefix: `whatsapp.messages`."""
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    """None is a tombstone."""
    appended_at_ms: int | None
    """When the broker appended it. None offline, where nothing was appended: then no clock moves."""
    headers: Sequence[tuple[str, bytes]] = ()


class Tick(msgspec.Struct, frozen=True, gc=False):
    """Time passing where no record comes: ends waits of phone numbers that fell silent.

    The host may send one between any two records. `at_ms` comes from the host's clock, so a stage must reach the same
    final totals whenever ticks come; only what is published on the way may differ.
    """

    at_ms: int
    end_of_input: bool = False
    """True when nothing will follow (`wameter rate`, `worker --drain`): every wait ends."""


class Output(msgspec.Struct, frozen=True, gc=False):
    """One record to append. A host sends all outputs of a step or none."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition_key: bytes | None = None
    """What the partitioner hashes, where that is not the key itself."""
    headers: Sequence[tuple[str, bytes]] = ()
    only_in: int | None = None
    """The one partition whose host appends it, for what every partition finds out alike of a broadcast record. None: each does."""


class StageRefusedError(Exception):
    """A state that this stage must not go on with: one sentence for people. Nothing of the step is kept, and the host ends."""


@dataclass(slots=True)
class Effects:
    """What one step did, beside the state it changed."""

    outputs: list[Output] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)
    """For metrics and the circuit breaker only, never for billing: `rejected`, `applied`, `duplicate` …"""
    unfinished: bool = False
    """True when work was left for the next step: the host calls `step` again with an empty batch before it idles."""


class State(Protocol):
    """Bytes under ordered keys, owned by the host. The first `PREFIX_BYTES` of a key are its bucket."""

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""

    def put(self, key: bytes, value: bytes) -> None:
        """Sets a value; visible at once to every later call in the same step. A value is never empty of meaning: b"" is a value."""

    def delete(self, key: bytes) -> None:
        """Removes a key; removing one that is not there does nothing."""

    def range(self, bucket: bytes, low: bytes = b"", high: bytes | None = None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of one bucket (exactly `PREFIX_BYTES` long) whose rest lies in `[low, high)`, in byte order; `high` None is the
        end.

        Yields the whole key. Costs O(log n) to start, then O(1) each. Writing to the bucket while iterating is allowed only after the
        iterator is dropped.
        """

    def first(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """Key and value of the first entry of `range(bucket, low, high)`, or None; cheaper than a range of one."""

    def last(self, bucket: bytes, low: bytes = b"", high: bytes | None = None) -> tuple[bytes, bytes] | None:
        """Key and value of the last entry of `range(bucket, low, high)`, or None; cheaper than a range of one."""


def waits_of(stage: Stage) -> Mapping[str, str]:
    """Inputs whose records a host hands over only when another input was read to its end as of their append time.

    A stage says so by an attribute `after`; most have none.
    """
    waits: Mapping[str, str] = getattr(stage, "after", {})
    return waits


def gathers(stage: Stage) -> bool:
    """Whether a host may let its records gather for a while, since nobody is waiting for what it puts out.

    A stage says so by an attribute `gathers`; the others are stepped as soon as something comes.
    """
    return bool(getattr(stage, "gathers", False))


class Stage(Protocol):
    """A deterministic step function: the same state and the same batch give the same outputs and the same state."""

    @property
    def identity(self) -> Mapping[str, str]:
        """By what it decides, name by name (a catalog, a setting, the format of its state): where all are equal, two stages decide alike
        and understand each other's state.

        What is named `CATALOG` is a list, separated by commas, of all that it has ever known: workers of one group agree in it where one
        list begins with the other. It may change while the state stays, since the state itself says which catalog is in force and the stage
        refuses one that it does not have (`StageRefusedError`).
        """

    @property
    def inputs(self) -> tuple[str, ...]:
        """Co-partitioned topics, by logical name."""

    @property
    def broadcast(self) -> tuple[str, ...]:
        """Topics of which every partition's state applies every record, before its inputs: account profiles."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Every topic an `Output` may name."""

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        """Applies a batch in order. An exception means that nothing of the batch may be kept."""
