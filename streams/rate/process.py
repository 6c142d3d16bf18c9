"""One rating job in a process of its own: requests go out, answers come back, one by one and in order."""

from __future__ import annotations

import signal
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final

import msgspec

from streams.errors import UserError
from streams.rate.job import Answer, Job
from streams.results import Results

_GONE_S: Final = 1
"""How long a process that no longer answers may take to tell how it ended."""
_THE_END: Final = b""
_fork = get_context("fork")  # so that a job begins with the catalog that is loaded already


class LostJobError(UserError):
    """A process that ended before its work was done: killed, as a rule, for want of memory."""

    exit_code = 70


class _Request(msgspec.Struct, array_like=True):
    lines: list[bytes]
    events: list[int]


class _Bands(msgspec.Struct, array_like=True):
    bands: dict[bytes, bytes | None]


class _Reply(msgspec.Struct, array_like=True):
    answer: Answer
    failure: str = ""
    """The traceback of what went wrong."""


_encode = msgspec.msgpack.Encoder().encode
_read_request = msgspec.msgpack.Decoder(_Request).decode
_read_bands = msgspec.msgpack.Decoder(_Bands).decode
_read_reply = msgspec.msgpack.Decoder(_Reply).decode


class JobProcess:
    """A job that works while this process goes on. Its caller waits for `connection` before it takes an answer, or waits in taking it."""

    def __init__(self, number: int, make: Callable[[], Job], others: Sequence[JobProcess]) -> None:
        """`make` is called in the new process, `others` are those that it inherits and has no business with."""
        self.number = number
        self.connection, theirs = _fork.Pipe()
        self.is_busy = False
        """True while an answer is to come."""
        self._waiting: deque[bytes] = deque()
        foreign = [self.connection, *(other.connection for other in others)]
        self._process = _fork.Process(target=_work, args=(theirs, foreign, make), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, lines: list[bytes], events: list[int]) -> None:
        """Asks for lines to be rated, at once or when the requests before were answered; see `Job.rate`."""
        self._ask(_encode(_Request(lines, events)))

    def ask_for_the_end(self) -> None:
        """Asks for the end of every wait; only `ask_to_divide` may follow, and must."""
        self._ask(_THE_END)

    def ask_to_divide(self, bands: Mapping[bytes, bytes | None]) -> None:
        """Asks for the lines that volume bands bring, the last thing to be asked; see `Job.divide`."""
        self._ask(_encode(_Bands(dict(bands))))

    def take_answer(self) -> Answer:
        """The answer to the oldest request; the next one is sent. Raises `LostJobError` if there will be none."""
        try:
            reply = _read_reply(self.connection.recv_bytes())
        except (EOFError, OSError):
            raise self._lost() from None
        if reply.failure:
            raise RuntimeError(f"a rating process failed:\n{reply.failure}")
        self.is_busy = False
        if self._waiting:
            self._send(self._waiting.popleft())
        return reply.answer

    def take_results(self) -> Results:
        """What everything came to, after the last answer."""
        try:
            results = self.connection.recv()
        except (EOFError, OSError):
            raise self._lost() from None
        if not isinstance(results, Results):
            raise TypeError(f"a rating process sent {type(results).__name__}, not its results")
        return results

    def stop(self) -> None:
        """Ends the process whatever it does, and returns when it is gone."""
        self.connection.close()
        self._process.kill()
        self._process.join()

    def _ask(self, request: bytes) -> None:
        if self.is_busy:
            self._waiting.append(request)
        else:
            self._send(request)

    def _send(self, request: bytes) -> None:
        self.is_busy = True
        try:
            self.connection.send_bytes(request)
        except OSError:
            raise self._lost() from None

    def _lost(self) -> LostJobError:
        self._process.join(_GONE_S)
        code = self._process.exitcode
        how = f"was ended by signal {-code}" if code is not None and code < 0 else "ended"
        return LostJobError(
            f"rating process {self.number + 1} {how} before its work was done, and no file was written; "
            "if memory ran short, use fewer --jobs"
        )


def _work(connection: Connection, foreign: Sequence[Connection], make: Callable[[], Job]) -> None:
    """The life of a job's process: it answers until the end, or until nobody is there to hear it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the first one ends the others
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in foreign:
        other.close()  # while it is open here, the others can't tell that the first process is gone
    with suppress(EOFError, ConnectionError):
        try:
            job = make()
            while request := connection.recv_bytes():
                asked = _read_request(request)
                connection.send_bytes(_encode(_Reply(job.rate(asked.lines, asked.events))))
            connection.send_bytes(_encode(_Reply(job.end())))
            connection.send_bytes(_encode(_Reply(job.divide(_read_bands(connection.recv_bytes()).bands))))
            connection.send(job.results)
        except (EOFError, ConnectionError):
            raise
        except Exception:
            connection.send_bytes(_encode(_Reply(Answer(), traceback.format_exc())))
