"""Lines of files, one after the other: plain, gzip or zstd, told apart by their first bytes; `-` is standard input.

Memory is bounded whatever the file holds: a block of lines, a chunk, and the line that is being put together. A line longer than
`KEPT_BYTES` is cut there; it is far beyond what a record may have (contract §2), so all that is lost is the rest of a line that is refused
anyway.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import zstandard

from streams.errors import UserError

STDIN: Final = "-"
KEPT_BYTES: Final = 16 * 1024 * 1024
BLOCK_BYTES: Final = 4 * 1024 * 1024

_CHUNK_BYTES: Final = 256 * 1024
_PLAIN_BYTES: Final = 1024 * 1024
"""How much one step of decompression may yield."""
_ZSTD_STEP_BYTES: Final = 2048
"""What zstd is fed at a time: a block of 4 bytes can stand for 128 KiB, so this bounds a step at some 64 MiB."""

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_FIRST_VISIBLE: Final = b"!"
"""A line that sorts before it is empty or begins with a space, a tab or the like: it may be blank."""


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


class Block(NamedTuple):
    """Some lines of a file that follow one another, blank ones left out."""

    file: str
    """Its name, `-` for standard input."""
    lines: list[bytes]
    """Without line ends: neither `\\n` nor `\\r\\n`."""
    numbers: Sequence[int]
    """Their numbers in the file, from 1, blank lines counted."""


NO_LINES: Final = Block("", [], ())


def blocks(
    file: BinaryIO, name: str, *, lines: int, size_bytes: int = BLOCK_BYTES, progress: Callable[[int], None] | None = None
) -> Iterator[Block]:
    """The lines of a file, so many at a time, or fewer where they come to `size_bytes`; no block is empty.

    Where a block ends depends on the lines alone, not on how they arrive. The line end is no part of a line, nor is a byte-order mark at
    the file's start. The last line needs no line end. `progress` is told how many bytes of the file were read so far. Raises `InputError`
    where compressed data are damaged.
    """
    held: list[bytes] = []
    held_bytes = 0
    number = 1
    for part in _split(_unpacked(_chunks(file, name, progress), name)):
        if number == 1 and not held and part:
            part[0] = part[0].removeprefix(_BYTE_ORDER_MARK)
        held += part
        held_bytes += sum(map(len, part))
        begin = 0
        while len(held) - begin >= lines or held_bytes >= size_bytes:
            end = begin + lines if held_bytes < size_bytes else min(begin + lines, _where_it_reaches(size_bytes, held, begin))
            cut = held[begin:end]
            yield from _block(name, cut, number)
            number += len(cut)
            held_bytes -= sum(map(len, cut))
            begin = end
        del held[:begin]
    if held:
        yield from _block(name, held, number)


def _block(name: str, lines: list[bytes], first: int) -> Iterator[Block]:
    """One block, or none if every line is blank."""
    if min(lines) >= _FIRST_VISIBLE:
        yield Block(name, lines, range(first, first + len(lines)))
    elif visible := [(number, line) for number, line in enumerate(lines, first) if line.strip(b" \t\r")]:
        yield Block(name, [line for _, line in visible], [number for number, _ in visible])


def _where_it_reaches(size_bytes: int, lines: list[bytes], begin: int) -> int:
    """Up to where the lines from `begin` must go to come to so many bytes."""
    totals = accumulate(map(len, islice(lines, begin, None)))
    return next((end for end, total in enumerate(totals, begin + 1) if total >= size_bytes), len(lines))


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
    """Lines without their ends, in lists as they come; a list may be empty."""
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
        yield [part.removesuffix(b"\r") for part in parts] if b"\r" in chunk or parts[0].endswith(b"\r") else parts
    if held:
        yield [b"".join(held).removesuffix(b"\r")]


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
