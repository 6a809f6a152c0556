"""Glimpses: a look at the beginning of each line, quick enough to be taken at all of them.

To find where a known input begins within another one, each line's start would have to be hashed. Instead 48 bytes of
it, address and time in most formats, are hashed to 16 bits for a whole block at once, by multiplying and adding with
secret factors; only where such a glimpse fits is the real hash computed. 16 bits identify nothing: one line in 65,536
has the same, whatever it says.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GLIMPSES", "Glimpses", "line_starts"]

GLIMPSES: Final = 1 << 16
"""So many different glimpses there are."""

_WORDS: Final = 6
_WORD: Final = 8
_BYTES: Final = _WORDS * _WORD
_SHIFT: Final = np.uint64(64 - 16)
_LABEL: Final = b"logstats:glimpse"
_NEWLINE: Final = ord("\n")


class Glimpses:
    """Takes glimpses with factors of its own.

    Args:
        key: The identity key of the store: without it, a glimpse tells nothing.
    """

    def __init__(self, key: bytes) -> None:
        secret = blake2b(_LABEL, key=key, digest_size=(_WORDS + 1) * _WORD).digest()
        numbers = np.frombuffer(secret, dtype="<u8").astype(np.uint64)
        self._factors = numbers[:_WORDS] | np.uint64(1)
        self._addend = numbers[_WORDS]

    def of_lines(self, data: bytes | bytearray, starts: NDArray[np.int64]) -> NDArray[np.uint16]:
        """Take the glimpse of each line.

        Args:
            data: Whole lines.
            starts: Index of each line, in order, and of the end of the last one.

        Returns:
            One for each line; 0 for a line of under 48 bytes, its newline included.
        """
        glimpses = np.zeros(max(len(starts) - 1, 0), dtype=np.uint16)
        long_enough = np.flatnonzero(np.diff(starts) >= _BYTES)
        if not len(long_enough):
            return glimpses
        places = starts[long_enough]
        words: NDArray[np.uint64] = np.ndarray((len(data) - _WORD + 1,), dtype="<u8", buffer=data, strides=(1,))
        sums = np.full(len(places), self._addend, dtype=np.uint64)
        for number, factor in enumerate(self._factors):  # uint64 wraps around, as it should
            sums += words[places + number * _WORD] * factor
        glimpses[long_enough] = (sums >> _SHIFT).astype(np.uint16)
        return glimpses

    def of_line(self, line: bytes | bytearray) -> int:
        """Take the glimpse of one line, its newline included."""
        return int(self.of_lines(line, np.array([0, len(line)], dtype=np.int64))[0])


def line_starts(data: bytes | bytearray) -> NDArray[np.int64]:
    """Give the index of each line, and of the end of the last one; a torn last line is left out."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE) + 1
    return np.concatenate((np.zeros(1, dtype=np.int64), ends))
