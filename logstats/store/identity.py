"""By what an input is known: its content, never its name, inode or time.

An input is recognised by two keyed hashes: of its first bytes after decompression, and of the bytes just before the
place up to which it was counted (the anchor). Renamed, compressed, copied or continued, it is the same input. The key
belongs to the store: the hashes are of log lines, and tell nothing without it.

A plain pipe may hold several files, and nothing says where one ends: what was counted of it is `joined`. Of joined
inputs a few marks are kept as well, hashes like the anchor at places within: where one of them is met, and the input's
beginning was not, there is something that was counted, and nobody can tell how much of it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np

from logstats.store.glimpse import GLIMPSES, Glimpses, line_starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logstats.read import Block

__all__ = ["HASHED_BYTES", "InputRecord", "KnownInputs", "Position", "Stretch", "content_hash"]

HASHED_BYTES: Final = 256
_DIGEST_BYTES: Final = 16
_MARK_BYTES: Final = 8
_NUMBER_BYTES: Final = 2
_MOST_MARKS: Final = 256
_MARKED_INPUTS: Final = 64  # the newest joined ones; with many more, every line would have to be hashed


@dataclass(frozen=True)
class Position:
    """Up to where an input has been counted.

    Attributes:
        head: Hash of its first `head_length` bytes.
        head_length: At most HASHED_BYTES; fewer while the input is that short.
        anchor: Hash of the `anchor_length` bytes before `offset`.
        anchor_length: At most HASHED_BYTES.
        offset: Decompressed bytes; always just after a newline.
        lines: Lines before it.
        head_glimpse: Glimpse of the first line; None in a store of version 1.
        anchor_glimpse: Glimpse of the last line before `offset`; None as well.
        beginnings: Length (2 bytes) and hash (8 bytes) of each number of whole lines in the head, so that an older copy
            of a few lines is known.
        marks: Of a joined input: glimpse (2 bytes) and hash (8 bytes) of the line and of the 256 bytes before some
            places within, one after the other.
    """

    head: bytes
    head_length: int
    anchor: bytes
    anchor_length: int
    offset: int
    lines: int
    head_glimpse: int | None = None
    anchor_glimpse: int | None = None
    beginnings: bytes = b""
    marks: bytes = b""


@dataclass(frozen=True)
class InputRecord:
    """What the ledger knows of an input.

    Attributes:
        id: Its number; negative while the ledger does not know it yet.
        position: Up to where it was counted.
        name: Under which it was seen last; a hint for people.
        joined: Whether it may hold several files, one after the other.
    """

    id: int
    position: Position
    name: str
    joined: bool = False


def content_hash(key: bytes, content: bytes) -> bytes:
    """Hash bytes of a log so that only this store can tell that they are the same."""
    return blake2b(content, key=key, digest_size=_DIGEST_BYTES).digest()


class KnownInputs:
    """The inputs of a source, found by what stands at a place.

    Args:
        records: What the ledger knows.
        key: The identity key of the store.
    """

    def __init__(self, records: Iterable[InputRecord], key: bytes) -> None:
        self.key = key
        self.glimpses = Glimpses(key)
        self.any_joined = False
        self._heads: defaultdict[tuple[int, bytes], list[InputRecord]] = defaultdict(list)
        self._lengths: defaultdict[int | None, set[int]] = defaultdict(set)
        self._beginnings: dict[tuple[int, bytes], InputRecord] = {}
        self._ends: defaultdict[bytes, list[InputRecord]] = defaultdict(list)
        self._may_begin = np.zeros(GLIMPSES, dtype=np.bool_)
        self._may_end = np.zeros(GLIMPSES, dtype=np.bool_)
        ordered = sorted(records, key=lambda record: -record.id)
        marked = [record.id for record in ordered if record.joined][:_MARKED_INPUTS]
        for record in ordered:
            self.add(record, marked=not marked or record.id >= marked[-1])

    def add(self, record: InputRecord, *, marked: bool = True) -> None:
        """Know one more input."""
        position = record.position
        self._heads[position.head_length, position.head].append(record)
        self._lengths[position.head_glimpse].add(position.head_length)
        self._may_begin[slice(None) if position.head_glimpse is None else position.head_glimpse] = True
        self._beginnings.update(dict.fromkeys(_pairs(position.beginnings), record))
        if position.anchor_length == HASHED_BYTES:
            self._ends[position.anchor].append(record)
            self._may_end[slice(None) if position.anchor_glimpse is None else position.anchor_glimpse] = True
        if record.joined:
            self.any_joined = True
            for glimpse, mark in _pairs(position.marks if marked else b""):
                self._ends[mark].append(record)
                self._may_end[glimpse] = True

    def within(self, before: bytes, block: Block, after: bytes) -> tuple[_Places, _Places]:
        """Find where known inputs begin and end in a block.

        Args:
            before: Up to HASHED_BYTES before the block.
            block: Whole lines; the last one may be torn.
            after: Up to HASHED_BYTES after the block.

        Returns:
            For each index at which some input begins, and for each at which the anchor or a mark of some input stands
            just before, those inputs. In a store of version 1 inputs have no glimpses: then each line is hashed.
        """
        starts = line_starts(block.data)
        glimpses = self.glimpses.of_lines(block.data, starts)
        heads, ends = {}, {}
        text, base = before + block.data + after, len(before)
        for line in np.flatnonzero(self._may_begin[glimpses]).tolist():
            index = int(starts[line])
            lengths = self._lengths[int(glimpses[line])] | self._lengths[None]
            if found := self._of_lengths(text, base + index, lengths):
                heads[index] = found
        for line in np.flatnonzero(self._may_end[glimpses]).tolist():
            index = int(starts[line + 1])
            if base + index >= HASHED_BYTES and (
                found := self._ending(text[base + index - HASHED_BYTES : base + index])
            ):
                ends[index] = found
        return heads, ends

    def ends_at(self, record: InputRecord, text: bytes) -> bool:
        """Tell whether the anchor of an input stands at the end of a text."""
        length = record.position.anchor_length
        return length <= len(text) and content_hash(self.key, text[len(text) - length :]) == record.position.anchor

    def begun_with(self, lines: bytes) -> InputRecord | None:
        """Give an input whose first lines these are, all of them and under HASHED_BYTES; it goes on."""
        if not lines or len(lines) >= HASHED_BYTES:
            return None
        return self._beginnings.get((len(lines), content_hash(self.key, lines)[:_MARK_BYTES]))

    def _of_lengths(self, text: bytes, index: int, lengths: set[int]) -> list[InputRecord]:
        found: list[InputRecord] = []
        for length in sorted(lengths):
            if index + length <= len(text):
                digest = content_hash(self.key, text[index : index + length])
                found += self._heads.get((length, digest), ())
        return found

    def _ending(self, text: bytes) -> list[InputRecord]:
        digest = content_hash(self.key, text)
        return [*self._ends.get(digest, ()), *self._ends.get(digest[:_MARK_BYTES], ())]


_Places = dict[int, list[InputRecord]]


def _pairs(packed: bytes) -> Iterator[tuple[int, bytes]]:
    size = _NUMBER_BYTES + _MARK_BYTES
    for place in range(0, len(packed), size):
        pair = packed[place : place + size]
        yield int.from_bytes(pair[:_NUMBER_BYTES], "little"), pair[_NUMBER_BYTES:]


def _packed(number: int, digest: bytes) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "little") + digest[:_MARK_BYTES]


class Stretch:
    """A piece of an input that becomes an input of its own in the ledger, as far as it has been read.

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
        self._last_line = data[data.rfind(b"\n", 0, len(data) - 1) + 1 :]
        self._tail = (self._tail + data)[-HASHED_BYTES:] if len(data) < HASHED_BYTES else data[-HASHED_BYTES:]

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
        return b"".join(_packed(end, content_hash(self._known.key, head[:end])) for end in ends)

    def _mark(self, data: bytes) -> None:
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
                self._marks[int(lines[number])] = _packed(glimpse, digest)
