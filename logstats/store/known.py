"""The inputs of a source that the ledger knows, found by what stands at a place of another one.

What always holds:

- An input is found where its first bytes and its end stand, hashed with the key of the store; a glimpse only says
  where to look.
- Looking costs no more than a few milliseconds for a block, while there are few thousand inputs.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from logstats.store.glimpse import GLIMPSES, Glimpses, line_starts
from logstats.store.identity import HASHED_BYTES, SHORT_DIGEST, InputRecord, content_hash, pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstats.read import Block

__all__ = ["KnownInputs"]

_MARKED_INPUTS: Final = 64  # the newest joined ones; with many more, every line would have to be hashed
_Places = dict[int, list[InputRecord]]


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
        self._beginnings.update(dict.fromkeys(pairs(position.beginnings), record))
        if position.anchor_length == HASHED_BYTES:
            self._ends[position.anchor].append(record)
            self._may_end[slice(None) if position.anchor_glimpse is None else position.anchor_glimpse] = True
        if record.joined:
            self.any_joined = True
            for glimpse, mark in pairs(position.marks if marked else b""):
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

    def begun_with(self, lines: bytes | bytearray) -> InputRecord | None:
        """Give an input whose first lines these are, all of them and under HASHED_BYTES; it goes on."""
        if not lines or len(lines) >= HASHED_BYTES:
            return None
        return self._beginnings.get((len(lines), content_hash(self.key, lines)[:SHORT_DIGEST]))

    def _of_lengths(self, text: bytes, index: int, lengths: set[int]) -> list[InputRecord]:
        found: list[InputRecord] = []
        for length in sorted(lengths):
            if index + length <= len(text):
                digest = content_hash(self.key, text[index : index + length])
                found += self._heads.get((length, digest), ())
        return found

    def _ending(self, text: bytes) -> list[InputRecord]:
        digest = content_hash(self.key, text)
        return [*self._ends.get(digest, ()), *self._ends.get(digest[:SHORT_DIGEST], ())]
