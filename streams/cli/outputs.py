"""Where a command writes JSON lines: standard output, or a file that is either whole or not there at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from streams.errors import UserError
from streams.inputs import STDIN

STDOUT: Final = "-"
_BUFFER_BYTES: Final = 1024 * 1024


class JsonLines:
    """A stream of JSON lines."""

    def __init__(self, file: BinaryIO, named: str) -> None:
        self._file = file
        self._named = named

    def write(self, record: bytes) -> None:
        """Appends a record that is JSON already. Raises `UserError` where there is no room."""
        self.write_lines((record,))

    def write_lines(self, records: Iterable[bytes]) -> None:
        """Appends records that are JSON already. Raises `UserError` where there is no room."""
        try:
            self._file.writelines([record + b"\n" for record in records])
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritable(self._named, error) from None

    def write_all(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Appends records."""
        self.write_lines(map(orjson.dumps, records))

    def flush(self) -> None:
        """Hands everything to the system."""
        try:
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritable(self._named, error) from None


def check_names(outputs: Mapping[str, str | None], inputs: Iterable[str]) -> None:
    """Refuses outputs that would overwrite an input or one another; `outputs` maps flags to names. Raises `UserError`."""
    named = {flag: name for flag, name in outputs.items() if name is not None}
    read = {_identity(name): name for name in inputs if name != STDIN}
    taken: dict[object, str] = {}
    for flag, name in named.items():
        identity = STDOUT if name == STDOUT else _identity(name)
        if identity in taken:
            raise UserError(f"{taken[identity]} and {flag} both write to {name}; give each its own")
        if identity in read:
            raise UserError(f"{flag} {name} is also read; write to another file")
        if name != STDOUT and Path(name).is_dir():
            raise UserError(f"{flag} {name}: is a directory; name a file in it")
        if name != STDOUT and not Path(name).absolute().parent.is_dir():
            raise UserError(f"{flag} {name}: its directory does not exist; create it first")
        taken[identity] = flag


def open_outputs(stack: ExitStack, outputs: Mapping[str, str | None]) -> dict[str, JsonLines]:
    """Opens the outputs that have a name; they appear under it when `stack` ends without an exception. Raises `UserError`."""
    return {flag: stack.enter_context(_output(f"{flag} {name}", name)) for flag, name in outputs.items() if name is not None}


@contextmanager
def _output(named: str, name: str) -> Iterator[JsonLines]:
    if name == STDOUT:
        lines = JsonLines(sys.stdout.buffer, named)
        yield lines
        lines.flush()
        return
    if Path(name).exists() and not Path(name).is_file():  # a pipe or a device: there is nothing to put in its place
        yield from _written(named, Path(name))
        return
    path = Path(os.path.realpath(name))
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield from _written(named, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _written(named: str, path: Path) -> Iterator[JsonLines]:
    try:
        file = path.open("wb", buffering=_BUFFER_BYTES)
    except OSError as error:
        raise _unwritable(named, error) from None
    try:
        lines = JsonLines(file, named)
        yield lines
        lines.flush()
    finally:
        with suppress(OSError):  # what could not be written was told by `flush`
            file.close()


def _unwritable(named: str, error: OSError) -> UserError:
    return UserError(f"{named}: cannot be written ({(error.strerror or 'error').lower()}); choose another place")


def _identity(name: str) -> object:
    try:
        status = os.stat(name)
    except OSError:
        return os.path.realpath(name)
    return (status.st_dev, status.st_ino)
