"""Logs: one line per fact, for people or for machines, from our code and from the libraries' alike.

No line may hold a phone number or anything of a message. Ours name topics, partitions, offsets and counts only; an
unexpected error could quote what it choked on, so its message is withheld and its stack is written without values.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from aiokafka.errors import KafkaError

from streams.errors import UserError
from streams.settings import Settings

QUIET_FOR_S = 10.0
"""The same line of a library is written once in this time: a broker that is away would fill the disk otherwise."""
_NOISY = {
    "aiokafka": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    # Faust names a service's logger after the module of its class.
    "streams.app": logging.WARNING,
    "streams.kafka.transport": logging.WARNING,
}
_HARMLESS = (KafkaError, OSError, TimeoutError, UserError)


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Sends every log line of this process to stderr or another stream, in the format and from the level of the settings."""
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _write_stack_without_values,
    ]
    machines = settings.log_format == "json"
    renderer: Any = structlog.processors.JSONRenderer() if machines else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.addFilter(_OncePerWhile())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name, level in _NOISY.items():
        logging.getLogger(name).setLevel(max(level, root.level))


def described(error: BaseException) -> str:
    """What may be written of an error: all of it if it comes from Kafka, the system or our own sentences, else only its kind."""
    if isinstance(error, _HARMLESS) or getattr(error, "is_sentence", False):
        return str(error) or type(error).__name__
    return f"{type(error).__name__} (its message is withheld: it may quote a record)"


def _write_stack_without_values(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = described(error)
        event["stack"] = "".join(traceback.format_tb(error.__traceback__))
    return event


class _OncePerWhile(logging.Filter):
    """Drops a library's line that was written a moment ago. Our own lines always pass."""

    def __init__(self) -> None:
        super().__init__()
        self._written_s: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(tuple(_NOISY)):
            return True
        line = (record.name, str(record.msg))
        now_s = time.monotonic()
        if now_s - self._written_s.get(line, -QUIET_FOR_S) < QUIET_FOR_S:
            return False
        self._written_s[line] = now_s
        return True
