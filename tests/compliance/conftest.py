"""The command line and an accounts file, for the tests of what it says about who may send."""

from tests.cli.conftest import accounts, wameter

__all__ = ["accounts", "wameter"]
