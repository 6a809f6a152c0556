"""Splits a block of bytes into a column of text, one row per line."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

__all__ = ["split_lines"]

_NEWLINE = ord("\n")
_LINE_END = "\n\r\t "  # the newline, a carriage return before it, and blanks; some servers write them


def split_lines(data: bytes) -> pl.Series:
    r"""Splits bytes at newlines, and only there; the rest of the bytes is not copied.

    Bytes that are not UTF-8 become U+FFFD in their own line. NUL and other control characters stay.

    Args:
        data: Lines, each ended by a newline; the last one may lack it.

    Returns:
        String, one row per line, without newline, trailing carriage returns, spaces and tabs.

    Example:
        >>> split_lines(b"first \r\n\nlast").to_list()
        ['first', '', 'last']
    """
    text = _as_utf8(data)
    starts = _line_starts(text)
    lines = pa.LargeStringArray.from_buffers(len(starts) - 1, pa.py_buffer(starts), pa.py_buffer(text))
    return pl.Series("line", lines, dtype=pl.String).str.strip_chars_end(_LINE_END)


def _as_utf8(data: bytes) -> bytes:
    # Most blocks are ASCII, which is quickly known. No newline is ever part of what is replaced.
    return data if data.isascii() else data.decode("utf-8", errors="replace").encode()


def _line_starts(text: bytes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Gives the offset of each line, and the end of the last one: int64, one more than there are lines."""
    after_newlines = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _NEWLINE) + 1
    unfinished = [] if text.endswith(b"\n") or not text else [len(text)]
    return np.concatenate(([0], after_newlines, unfinished)).astype(np.int64)
