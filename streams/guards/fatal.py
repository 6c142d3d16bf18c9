"""How a worker ends when it must not go on: at once, with nothing half-done.

Whatever a dead process had not committed, the next one's fencing aborts. So the way out of every doubt is the same:
say why in one line, and leave; a supervisor starts again from what Kafka holds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import NoReturn

import structlog
from aiokafka.errors import ProducerFenced

from streams.logs import described

log = structlog.get_logger(__name__)


class Exit(IntEnum):
    """Exit codes of a worker beside 0 (done), 2 (bad configuration) and 3 (a service is unreachable)."""

    UNEXPECTED = 70
    """Something nobody foresaw. Restart."""
    FENCED = 71
    """Another worker has taken this one's partitions or its name. Restart; never go on."""
    REFUSED = 72
    """What Kafka holds contradicts itself (state lost, topic made anew): a person must look. A restart says the same again."""
    BREAKER = 75
    """Most records are being rejected: the deploy is bad, or whoever publishes. A person must look."""


class RefusalError(Exception):
    """Kafka, or whoever runs the workers, has something that this worker must not build on; the message says what, and the mend."""

    is_sentence = True


class HoleError(Exception):
    """A batch does not continue where the one before it ended. Nothing was applied; a new start reads on from the state's position."""

    is_sentence = True


class StuckError(Exception):
    """Nothing was committed for too long though there is work; the message says where."""

    is_sentence = True


class BreakerError(Exception):
    """The circuit breaker opened; the message says what it saw."""

    is_sentence = True


@asynccontextmanager
async def within(limit_ms: int, what: str, setting: str) -> AsyncIterator[None]:
    """Bounds what happens inside; raises `TimeoutError` with a sentence that names the setting."""
    try:
        async with asyncio.timeout(limit_ms / 1000):
            yield
    except TimeoutError as error:
        raise TimeoutError(f"{what} within {limit_ms / 1000:g} s ({setting}); is Kafka slow or away?") from error


def die(error: BaseException, **where: object) -> NoReturn:
    """Logs one line (and the stack of an unexpected error) and ends the process without any cleaning up."""
    code = exit_code(error)
    log.critical("worker ends", exit_code=int(code), reason=described(error), **where, exc_info=error if code is Exit.UNEXPECTED else None)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def exit_code(error: BaseException) -> Exit:
    """Which exit an error means."""
    if isinstance(error, ProducerFenced):
        return Exit.FENCED
    if isinstance(error, RefusalError):
        return Exit.REFUSED
    if isinstance(error, BreakerError):
        return Exit.BREAKER
    return Exit.UNEXPECTED
