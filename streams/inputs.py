"""Lines of files, one after the other: plain, gzip or zstd, told apart by their first bytes; `-` is standard input.

Memory is bounded whatever the file holds: a chunk, and the line that is being put together. A line longer than `KEPT_BYTES` is cut
there; it is far beyond what a record may have (contract §2), so all that is lost is the rest of a line that is refused anyway.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

import zstandard

from streams.errors import UserError

STDIN: Final = "-"
KEPT_BYTES: Final = 16 * 1024 * 1024

_CHUNK_BYTES: Final = 256 * 1024
_PLAIN_BYTES: Final = 1024 * 1024
"""How much one step of decompression may yield."""
_ZSTD_STEP_BYTES: Final = 2048
"""What zstd is fed at a time: a block of 4 bytes can stand for 128 KiB, so this bounds a step at some 64 MiB."""

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class InputError(UserError):
    """A file that cannot be read: one sentence that names it."""


def open_input(name: str) -> BinaryIO:
    """A file to read from, or standard input. Raises `InputError`."""
    if name == STDIN:
        return sys.stdin.buffer
    if Path(name).is_dir():
        raise InputError(f"{name}: is a directory; name the files in it")
    try:
        return open(name, "rb")
    except OSError as error:
        raise InputError(f"{name}: {_reason(error)}") from None


def lines(file: BinaryIO, name: str, progress: Callable[[int], None] | None = None) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line that is not blank; numbers start at 1 and count blank lines.

    The line end (`\\n` or `\\r\\n`) is no part of a line, nor is a byte-order mark at the file's start. The last line needs no line
    end. `progress` is told how many bytes of the file were read so far. Raises `InputError` where compressed data are damaged.
    """
    number = 0
    for batch in _split(_unpacked(_chunks(file, name, progress), name)):
        for line in batch:
            number += 1
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            if line[-1:] == b"\r":
                line = line[:-1]
            if line.strip(b" \t\r"):
                yield number, line


def read_whole(name: str, limit_bytes: int) -> bytes:
    """All of a small file, unpacked, without a byte-order mark. Raises `InputError`, also where it is larger than the limit."""
    parts = []
    total_bytes = 0
    with open_input(name) as file:
        for part in _unpacked(_chunks(file, name, None), name):
            parts.append(part)
            total_bytes += len(part)
            if total_bytes > limit_bytes:
                raise InputError(f"{name}: holds more than {limit_bytes >> 20} MiB; is it the right file?")
    return b"".join(parts).removeprefix(_BYTE_ORDER_MARK)


def _chunks(file: BinaryIO, name: str, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    read_bytes = 0
    read = getattr(file, "read1", file.read)
    while True:
        try:
            chunk = read(_CHUNK_BYTES)
        except OSError as error:
            raise InputError(f"{name}: {_reason(error)}") from None
        if not chunk:
            return
        read_bytes += len(chunk)
        if progress is not None:
            progress(read_bytes)
        yield chunk


def _unpacked(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """The same bytes, decompressed where they are compressed."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_ZSTD):
            break
    whole = chain((head,), chunks)
    if head.startswith(_GZIP):
        return _gunzipped(whole, name)
    if head.startswith(_ZSTD):
        return _unzstd(whole, name)
    return whole


def _gunzipped(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Every member of a gzip file; zeros after the last one are padding."""
    member = zlib.decompressobj(wbits=31)
    started = False
    for chunk in chunks:
        data = chunk
        while data:
            if not started:
                data = data.lstrip(b"\0") if member.unused_data == b"" and data[:1] == b"\0" else data
                if not data:
                    break
                started = True
            try:
                plain = member.decompress(data, _PLAIN_BYTES)
            except zlib.error:
                raise InputError(f"{name}: its gzip data are damaged; compress it again") from None
            if plain:
                yield plain
            data = member.unconsumed_tail
            if member.eof:
                data = member.unused_data
                member = zlib.decompressobj(wbits=31)
                started = False
    if started:
        raise InputError(f"{name}: its gzip data end too early; is the copy complete?")


def _unzstd(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Every frame of a zstd file."""
    decompressor = zstandard.ZstdDecompressor()
    frame = decompressor.decompressobj()
    started = False
    for chunk in chunks:
        for start in range(0, len(chunk), _ZSTD_STEP_BYTES):
            data = chunk[start : start + _ZSTD_STEP_BYTES]
            while data:
                started = True
                try:
                    plain = frame.decompress(data)
                except zstandard.ZstdError:
                    raise InputError(f"{name}: its zstd data are damaged; compress it again") from None
                if plain:
                    yield plain
                data = b""
                if frame.eof:
                    data = frame.unused_data
                    frame = decompressor.decompressobj()
                    started = False
    if started:
        raise InputError(f"{name}: its zstd data end too early; is the copy complete?")


def _split(chunks: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Lines, in lists as they come; a list may be empty."""
    held: list[bytes] = []
    held_bytes = 0
    for chunk in chunks:
        parts = chunk.split(b"\n")
        if len(parts) == 1:
            held, held_bytes = _hold(held, held_bytes, chunk)
            continue
        first, held_bytes = _hold(held, held_bytes, parts[0])
        parts[0] = b"".join(first)
        last = parts.pop()
        held, held_bytes = ([last], len(last)) if last else ([], 0)
        yield parts
    if held:
        yield [b"".join(held)]


def _hold(held: list[bytes], held_bytes: int, more: bytes) -> tuple[list[bytes], int]:
    """Adds to the line that is being put together, up to what is kept of a line."""
    room = KEPT_BYTES - held_bytes
    if room > 0 and more:
        held.append(more[:room])
        held_bytes += min(len(more), room)
    return held, held_bytes


def _reason(error: OSError) -> str:
    return {
        FileNotFoundError: "no such file",
        PermissionError: "may not be read by this user",
        IsADirectoryError: "is a directory; name the files in it",
    }.get(type(error), (error.strerror or str(error)).lower())
