"""The command line, for the tests of what it says about price lists."""

from tests.cli.conftest import wameter

__all__ = ["wameter"]
