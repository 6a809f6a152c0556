"""Where the segments of lines begin: at their quotes, and which lines are plain enough to be cut there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from logstats.parse.pieces import Layout
    from logstats.read import Lines

__all__ = ["Quoted", "find_quotes", "segment_places"]

_MAX_LINE_BYTES: Final = 65_536
_QUOTE: Final = ord('"')
_NEWLINE: Final = ord("\n")
_BACKSLASH: Final = ord("\\")
_ASCII: Final = 0x7F
_RARE: Final = 20_000
_BLANKS: Final = np.frombuffer(b"\r\t ", dtype=np.uint8)


class Quoted(NamedTuple):
    """The quotes of a block.

    Attributes:
        places: Where they are, but for those that a backslash escapes.
        per_line: How many there are in each line.
        quick: Which lines may be quickly read.
    """

    places: NDArray[np.int64]
    per_line: NDArray[np.int64]
    quick: NDArray[np.bool_]


def find_quotes(lines: Lines) -> Quoted:
    """Find the quotes of a block, and the lines that may be quickly read whatever their layout."""
    quick, escaped = _plain(lines, np.frombuffer(lines.content, dtype=np.uint8))
    quotes = lines.positions(_QUOTE)
    quotes = np.delete(quotes, np.searchsorted(quotes, escaped))
    return Quoted(quotes, np.diff(np.searchsorted(quotes, lines.starts)), quick)


def segment_places(lines: Lines, quoted: Quoted, layout: Layout) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose the lines that may have a layout, and find where each of their segments begins.

    Returns:
        Their positions; and for each of them the begin of each segment and the line's end, one after the other, and at
        last the end of the block. What lies between the end of a line and the start of the next is not looked at.
    """
    count = sum(segment.quotes for segment in layout)
    quick = quoted.quick & (quoted.per_line == count)
    rows = np.flatnonzero(quick)
    of_line = np.empty((len(rows), len(layout) + 1), dtype=np.int64)
    of_line[:, 0], of_line[:, -1] = lines.starts[rows], lines.starts[1:][rows] - 1
    quotes_of_line, passed = quoted.places[np.repeat(quick, quoted.per_line)].reshape(-1, count), 0
    for i, segment in enumerate(layout):
        if i and segment.quotes:
            of_line[:, i] = quotes_of_line[:, passed]
        passed += segment.quotes
    for i, segment in enumerate(layout):
        if segment.width:  # it ends where the next one begins
            of_line[:, i] = of_line[:, i + 1] - segment.width
            if (short := of_line[:, i] < of_line[:, i - 1]).any():
                rows, of_line = rows[~short], of_line[~short]
    return rows, np.append(of_line.ravel(), len(lines.content))


def _plain(lines: Lines, content: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tell which lines are whole, not too long, without blanks at the end, double backslash, NUL and non-ASCII.

    Returns:
        Whether each line is so; and the quotes that a backslash escapes.
    """
    ends = lines.starts[1:] - 1
    plain: NDArray[np.bool_] = (np.diff(lines.starts) <= _MAX_LINE_BYTES) & (content[ends] == _NEWLINE)
    plain &= ~np.isin(content[ends - 1], _BLANKS)
    backslashes = _find(lines, b"\\")
    following = content.take(backslashes + 1, mode="clip")
    wrong = [backslashes[(following == _BACKSLASH) | (following == _NEWLINE)], _find(lines, b"\0")]
    if not lines.content.isascii():  # a segment of fixed width must not begin in the middle of a character
        wrong.append(np.flatnonzero(content > _ASCII))
    plain[np.searchsorted(lines.starts, np.concatenate(wrong), side="right") - 1] = False
    return plain, backslashes[following == _QUOTE] + 1


def _find(lines: Lines, byte: bytes) -> NDArray[np.int64]:
    """Find a byte that is rare, or not so rare."""
    found: list[int] = []
    at = lines.content.find(byte)
    while at >= 0:
        if len(found) == _RARE:
            return lines.positions(ord(byte))
        found.append(at)
        at = lines.content.find(byte, at + 1)
    return np.array(found, dtype=np.int64)
