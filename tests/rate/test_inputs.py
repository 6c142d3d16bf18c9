"""Blocks of lines: the same whatever pieces a file arrives in, numbered as an editor numbers them, and bounded."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from streams.inputs import Block, blocks

TEXT = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b" ", b"\t", b"a", b"{}", b"longer", b"\xef\xbb\xbf"]), max_size=40).map(b"".join)


class Pieces(io.BytesIO):
    """A file that hands out so many bytes at a time, as a pipe may."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(self._size)


def by_hand(data: bytes) -> list[tuple[int, bytes]]:
    found = [line.removesuffix(b"\r") for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    return [(number, line) for number, line in enumerate(found, 1) if line.strip(b" \t\r")]


def read(data: bytes, piece: int, most_lines: int, size_bytes: int) -> list[Block]:
    return list(blocks(Pieces(data, piece), "-", lines=most_lines, size_bytes=size_bytes))


@given(data=TEXT, piece=st.integers(1, 9), most_lines=st.integers(1, 5), size_bytes=st.integers(1, 12))
def test_every_line_comes_once_with_its_number(data: bytes, piece: int, most_lines: int, size_bytes: int) -> None:
    found = read(data, piece, most_lines, size_bytes)
    assert [pair for block in found for pair in zip(block.numbers, block.lines, strict=True)] == by_hand(data)


@given(data=TEXT, piece=st.integers(1, 9), most_lines=st.integers(1, 5), size_bytes=st.integers(1, 12))
def test_blocks_end_where_the_lines_say_however_they_arrive(data: bytes, piece: int, most_lines: int, size_bytes: int) -> None:
    found = read(data, piece, most_lines, size_bytes)
    assert found == read(data, 1000, most_lines, size_bytes)
    assert all(1 <= len(block.lines) <= most_lines for block in found)
    assert all(sum(map(len, block.lines[:-1])) < size_bytes for block in found)


def test_a_block_of_long_lines_has_few_of_them() -> None:
    found = read(b"x" * 600 + b"\n" + b"y" * 600 + b"\nz", 256, most_lines=1000, size_bytes=1000)
    assert [len(block.lines) for block in found] == [2, 1]
