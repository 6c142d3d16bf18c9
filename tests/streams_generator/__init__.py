"""Small worlds full of edges: seeded streams of message events for the law tests.

A stream is a function of its seed. `catalog` and `people` are the world's data, `world` draws accounts and an instant worth being at,
`scene` makes events, `stories` says which, `arrival` repeats, changes, spoils and shuffles them, `stream` puts it together.
"""

from tests.streams_generator.stream import Stream, generate

__all__ = ["Stream", "generate"]
