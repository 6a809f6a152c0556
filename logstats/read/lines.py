"""Finds the lines in a block of bytes; their texts are made when somebody wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Lines", "count_newlines", "find_lines", "positions", "split_lines"]

_NEWLINE = ord("\n")
_AT_ONCE = 1 << 18  # bytes that are compared at a time, so that what comes of it stays in the processor's cache
_LINE_END = "\n\r\t "  # the newline, a carriage return before it, and blanks; some servers write them


@dataclass(frozen=True)
class Lines:
    """Lines one after the other.

    Attributes:
        content: Their bytes, UTF-8, each line with its newline; the last one may lack it.
        starts: Offset of each line, and the end of the last one: int64, one more than there are lines.
    """

    content: bytes | bytearray
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def texts(self, rows: NDArray[np.int64] | None = None) -> pl.Series:
        """Give all lines, or some (positions in order), as String, without newline and blanks at the right end."""
        places = self.starts if rows is None else np.column_stack((self.starts[rows], self.starts[rows + 1])).ravel()
        texts = pl.Series("line", self.cut(places) if len(places) else [], dtype=pl.String)
        return (texts if rows is None else texts.gather_every(2)).str.strip_chars_end(_LINE_END)

    def positions(self, byte: int) -> NDArray[np.int64]:
        """Give each place at which a byte stands, in order."""
        return positions(self.content, byte)

    def cut(self, places: NDArray[np.int64]) -> pa.LargeStringArray:
        """Give the texts between neighbouring places, one text less than there are places; nothing is copied."""
        return pa.LargeStringArray.from_buffers(len(places) - 1, pa.py_buffer(places), pa.py_buffer(self.content))


def find_lines(data: bytes | bytearray) -> Lines:
    """Find the lines of a block: they end at newlines, and only there.

    Bytes that are not UTF-8 become U+FFFD in their own line. NUL and other control characters stay.

    Args:
        data: Lines, each ended by a newline; the last one may lack it.
    """
    content = _as_utf8(data)
    return Lines(content, _line_starts(content))


def positions(content: bytes | bytearray, byte: int) -> NDArray[np.int64]:
    """Give each place at which a byte stands, in order."""
    numbers = np.frombuffer(content, dtype=np.uint8)
    equal = np.empty(_AT_ONCE, dtype=np.bool_)
    found = [np.empty(0, dtype=np.int64)]
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        found.append(np.flatnonzero(np.equal(some, byte, out=equal[: len(some)])) + start)
    return np.concatenate(found)


def count_newlines(content: bytes | bytearray) -> int:
    """Count the newlines."""
    numbers = np.frombuffer(content, dtype=np.uint8)
    starts = range(0, len(numbers), _AT_ONCE)
    return sum(int(np.count_nonzero(numbers[start : start + _AT_ONCE] == _NEWLINE)) for start in starts)


def split_lines(data: bytes | bytearray) -> pl.Series:
    r"""Split bytes into the texts of their lines, as `find_lines` and `Lines.texts` do.

    Example:
        >>> split_lines(b"first \r\n\nlast").to_list()
        ['first', '', 'last']
    """
    return find_lines(data).texts()


def _as_utf8(data: bytes | bytearray) -> bytes | bytearray:
    # Most blocks are ASCII, which is quickly known. No newline is ever part of what is replaced.
    return data if data.isascii() else data.decode("utf-8", errors="replace").encode()


def _line_starts(text: bytes | bytearray) -> NDArray[np.int64]:
    after_newlines = positions(text, _NEWLINE) + 1
    unfinished = [] if text.endswith(b"\n") or not text else [len(text)]
    return np.concatenate(([0], after_newlines, unfinished)).astype(np.int64)
