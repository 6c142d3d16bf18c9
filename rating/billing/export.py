"""A billing account's log out of INVOICE's state: the commands as it took them, and totals with the times from which they counted.

`wameter bill` on both gives the invoices that the stage issued, byte for byte.

Source: billing.md §1.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from rating.billing.book import Book
from rating.billing.usage import Usage
from rating.stage import State


def commands_of(state: State, account_id: str) -> Iterator[bytes]:
    """The account's commands in the order in which they were taken, refused ones included, each as it came."""
    return Book(state, account_id).logged()


def totals_of(state: State, account_id: str) -> Iterator[bytes]:
    """The account's totals as JSON, each with the `time` from which it counts."""
    return map(orjson.dumps, Usage(state, account_id).history())
