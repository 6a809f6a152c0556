"""A stretch: a piece of an input that becomes an input of its own in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from logstats.store.glimpse import line_starts
from logstats.store.identity import HASHED_BYTES, Position, content_hash, packed

if TYPE_CHECKING:
    from logstats.read import Block
    from logstats.store.identity import InputRecord
    from logstats.store.known import KnownInputs

__all__ = ["Stretch"]

_MOST_MARKS: Final = 256


class Stretch:
    """A stretch, as far as it has been read.

    Args:
        known: Gives hashes and glimpses.
        joined: Whether it may hold several files.
        number: Of the input in the ledger; None makes a new one.

    Attributes:
        number: The same; set when it is committed.
        joined: The same.
        met: Inputs of which an anchor or mark was met in it, although they do not begin there.
    """

    def __init__(self, known: KnownInputs, *, joined: bool, number: int | None = None) -> None:
        self.number, self.joined = number, joined
        self.met: list[InputRecord] = []
        self._known = known
        self._head = self._tail = self._last_line = b""
        self._head_glimpse: int | None = None
        self._offset = self._lines = 0
        self._step, self._marks = 1, dict[int, bytes]()

    def take(self, block: Block) -> None:
        """Go on by a block of whole lines, counted or not."""
        data = block.data
        if not data:
            return
        if self._head_glimpse is None:
            self._head_glimpse = self._known.glimpses.of_line(data[: data.index(b"\n") + 1])
        self._head += data[: HASHED_BYTES - len(self._head)]
        self._offset += block.end_offset - block.offset
        if self.joined:
            self._mark(data)
        self._lines += data.count(b"\n")
        self._last_line = bytes(data[data.rfind(b"\n", 0, len(data) - 1) + 1 :])
        self._tail = (self._tail + data)[-HASHED_BYTES:] if len(data) < HASHED_BYTES else bytes(data[-HASHED_BYTES:])

    def position(self) -> Position:
        """Give the position after what was taken."""
        key = self._known.key
        return Position(
            head=content_hash(key, self._head),
            head_length=len(self._head),
            anchor=content_hash(key, self._tail),
            anchor_length=len(self._tail),
            offset=self._offset,
            lines=self._lines,
            head_glimpse=self._head_glimpse,
            anchor_glimpse=self._known.glimpses.of_line(self._last_line),
            beginnings=self._beginnings(),
            marks=b"".join(self._marks.values()),
        )

    def _beginnings(self) -> bytes:
        head = self._head
        ends = [index + 1 for index in range(len(head) - 1) if head[index : index + 1] == b"\n"]
        return b"".join(packed(end, content_hash(self._known.key, head[:end])) for end in ends)

    def _mark(self, data: bytes | bytearray) -> None:
        """Keep marks at every line, at every second one when there are too many, and so on."""
        starts = line_starts(data)
        lines = np.arange(self._lines + 1, self._lines + len(starts))
        while len(self._marks) + len(chosen := np.flatnonzero(lines % self._step == 0)) > _MOST_MARKS:
            self._step *= 2
            self._marks = {line: mark for line, mark in self._marks.items() if line % self._step == 0}
        text, base = self._tail + data, len(self._tail)
        for number in chosen.tolist():
            start, end = base + int(starts[number]), base + int(starts[number + 1])
            if end >= HASHED_BYTES:
                glimpse = self._known.glimpses.of_line(text[start:end])
                digest = content_hash(self._known.key, text[end - HASHED_BYTES : end])
                self._marks[int(lines[number])] = packed(glimpse, digest)
