"""Command lines, as in `tests/cli`."""

from tests.cli.conftest import wameter

__all__ = ["wameter"]
