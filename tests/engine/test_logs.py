"""Logs say what went wrong and where, and hold nothing of a record."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from aiokafka.errors import KafkaTimeoutError

from streams import logs
from streams.guards.fatal import RefusalError
from streams.settings import Settings


class Lines:
    """What was written, line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def read(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    written = Lines()
    logs.configure(Settings(log_format="json"), written.stream)
    yield written
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_an_unexpected_error_is_written_with_its_stack_but_without_the_values_it_was_made_of(lines: Lines) -> None:
    def look_up(user: str) -> str:
        known: dict[str, str] = {}
        return known[user]

    try:
        look_up("+336" + "12345678")
    except KeyError as error:
        structlog.get_logger("test").critical("worker ends", exc_info=error)
    (line,) = lines.read()
    assert "33612345678" not in str(line)
    assert "KeyError" in str(line["error"])
    assert "look_up" in str(line["stack"])


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KafkaTimeoutError("no answer"), id="what Kafka says"),
        pytest.param(OSError("no answer"), id="what the system says"),
        pytest.param(RefusalError("no answer"), id="our own sentences"),
    ],
)
def test_a_message_that_cannot_quote_a_record_is_written(error: Exception) -> None:
    assert "no answer" in logs.described(error)


def test_a_library_that_repeats_itself_is_written_once(lines: Lines) -> None:
    for _ in range(100):
        logging.getLogger("aiokafka.conn").error("Unable to connect to %s", "broker")
    (line,) = lines.read()
    assert (line["event"], line["logger"], line["level"]) == ("Unable to connect to broker", "aiokafka.conn", "error")


def test_our_own_lines_are_never_left_out(lines: Lines) -> None:
    for number in range(3):
        structlog.get_logger("streams.worker").info("partition open", partition=number)
    assert [line["partition"] for line in lines.read()] == [0, 1, 2]
