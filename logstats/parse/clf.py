"""Times in the Common Log Format, many at a time: `22/Nov/2026:08:00:00 +0100` at known places of a block.

The time of day is read from its bytes. Days and offsets are few in a block: each pair of them is read once, by the
exact path's own expressions. What has another shape, and what more pairs there are, is left to the exact path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from logstats.parse.times import instants

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WIDTH", "clf_times"]

WIDTH: Final = len("22/Nov/2026:08:00:00 +0100")
_CLOCK: Final = slice(12, 20)
_MOST_PAIRS: Final = 100
_WORDS: Final = 4  # of eight bytes: enough for a time

# The bytes of `08:00:00` as one number, the first byte the lowest.
_DIGITS: Final = np.uint64(0x0F0F_000F_0F00_0F0F)
_SHAPE: Final = np.uint64(0xF0F0_FFF0_F0FF_F0F0)
_SHAPE_OF_CLOCK: Final = np.uint64(0x3030_3A30_303A_3030)
_SIX_MORE: Final = np.uint64(0x0606_0006_0600_0606)


def clf_times(content: bytes | bytearray, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read the times that begin at some places, each with as many bytes behind it as it has.

    Args:
        content: A block.
        places: Where times begin; all of WIDTH bytes lie within the block.

    Returns:
        Milliseconds since 1970 in UTC, and whether each could be read.
    """
    if not len(places):  # then the block may be shorter than a time
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
    words = np.zeros((len(places), _WORDS), dtype="<u8")
    windows = sliding_window_view(np.frombuffer(content, dtype=np.uint8), WIDTH)
    words.view(np.uint8)[:, :WIDTH] = windows[places]
    first, second, third, fourth = words.T
    half = np.uint64(32)
    seconds, read = _seconds_of_day((second >> half) | (third << half))
    parts = [first, second << half, third >> half, fourth]  # day and offset
    midnights, waiting = np.zeros(len(places), dtype=np.int64), read.copy()
    for _ in range(_MOST_PAIRS):
        if not waiting.any():
            break
        row = int(waiting.argmax())
        alike = np.logical_and.reduce([part == part[row] for part in parts])
        midnight = _midnight(words[row].tobytes()[:WIDTH])
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


def _midnight(time: bytes) -> int | None:
    """Give the instant at which the clock of this day and offset says 00:00:00, as the exact path reads it."""
    text = (time[: _CLOCK.start] + b"00:00:00" + time[_CLOCK.stop :]).decode("ascii", "replace")
    instant = instants(pl.DataFrame({"time_clf": [text]}), "UTC").to_physical().item()
    return int(instant) if instant is not None else None
