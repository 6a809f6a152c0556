"""Times, many at a time: `22/Nov/2026:08:00:00 +0100` or `2026-11-22T08:00:00+01:00` at known places of a block.

The time of day is read from its bytes. Days and offsets are few in a block: each pair of them is read once, by the
exact path's own expressions. What has another shape, and what more pairs there are, is left to the exact path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from logstats.parse.pieces import CLOCKS
from logstats.parse.times import instants

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from logstats.parse.pieces import Frame

__all__ = ["framed_times"]

_MOST_KINDS: Final = 100
_WORD: Final = 8

# The bytes of `08:00:00` as one number, the first byte the lowest.
_DIGITS: Final = np.uint64(0x0F0F_000F_0F00_0F0F)
_SHAPE: Final = np.uint64(0xF0F0_FFF0_F0FF_F0F0)
_SHAPE_OF_CLOCK: Final = np.uint64(0x3030_3A30_303A_3030)
_SIX_MORE: Final = np.uint64(0x0606_0006_0600_0606)


def framed_times(
    content: bytes | bytearray, begins: NDArray[np.int64], ends: NDArray[np.int64], frame: Frame
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read times, each of which stands between two texts that are the same everywhere.

    Args:
        content: A block.
        begins: Where the text before each time begins.
        ends: Where the text behind it ends.
        frame: Which time it is, and the texts.

    Returns:
        Milliseconds since 1970 in UTC, and whether each could be read: it is a time, and stands in its frame.
    """
    before, behind = frame.before.encode(), frame.behind.encode()
    whole = ends - begins == len(before) + frame.width + len(behind)
    times = np.zeros(len(begins), dtype=np.int64)
    if whole.any():  # else the block may be shorter than a time
        times[whole], whole[whole] = _of_width(content, begins[whole], frame)
    return times, whole


def _of_width(
    content: bytes | bytearray, places: NDArray[np.int64], frame: Frame
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    before, behind = frame.before.encode(), frame.behind.encode()
    width, at = len(before) + frame.width + len(behind), len(before) + CLOCKS[frame.field].start
    texts = np.zeros((len(places), -(-width // _WORD) * _WORD), dtype=np.uint8)
    texts[:, :width] = sliding_window_view(np.frombuffer(content, dtype=np.uint8), width)[places]
    clocks = texts[:, at : at + _WORD].copy()
    seconds, read = _seconds_of_day(clocks.view("<u8").ravel())
    texts[:, at : at + _WORD] = np.frombuffer(b"00:00:00", dtype=np.uint8)
    words = texts.view("<u8").T  # what is left are days, offsets and frames, which are few
    midnights, waiting = np.zeros(len(places), dtype=np.int64), read.copy()
    for _ in range(_MOST_KINDS):
        if not waiting.any():
            break
        row = int(waiting.argmax())
        alike = np.logical_and.reduce([word == word[row] for word in words])
        midnight = _midnight(texts[row, :width].tobytes(), before, behind, frame.field)
        if midnight is None:
            read &= ~alike
        else:
            midnights[alike] = midnight
        waiting &= ~alike
    return midnights + seconds * 1_000, read & ~waiting


def _seconds_of_day(clocks: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read `08:00:00` from its bytes as one number, and tell where they are a time of day."""
    shaped = ((clocks & _SHAPE) == _SHAPE_OF_CLOCK) & (((clocks + _SIX_MORE) & _SHAPE) == _SHAPE_OF_CLOCK)
    digits = clocks & _DIGITS
    pairs = digits * np.uint64(10) + (digits >> np.uint64(8))  # in each byte: its digit times ten, and the next one
    hours, minutes, seconds = ((pairs >> np.uint64(shift)) & np.uint64(0xFF) for shift in (0, 24, 48))
    shaped &= (hours < 24) & (minutes < 60) & (seconds < 60)  # noqa: PLR2004 - the clock
    return (hours * np.uint64(3_600) + minutes * np.uint64(60) + seconds).view(np.int64), shaped


def _midnight(text: bytes, before: bytes, behind: bytes, field: str) -> int | None:
    """Give the instant of midnight on a day, as the exact path reads it; nothing where the frame is another one."""
    if not (text.startswith(before) and text.endswith(behind)):
        return None
    time = text[len(before) : len(text) - len(behind)].decode("ascii", "replace")
    instant = instants(pl.DataFrame({field: [time]}), "UTC").to_physical().item()
    return int(instant) if instant is not None else None
