"""Streams for Hypothesis: a thin layer over the seeds."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.streams_generator.stream import Stream, generate

SEEDS = st.integers(0, 2**32 - 1)


def streams() -> st.SearchStrategy[Stream]:
    """Any stream; a failure names its seed."""
    return SEEDS.map(generate)
