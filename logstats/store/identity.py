"""Which part of an input is new: inputs are known by their content, never by name, inode or time.

An input is recognised by two keyed hashes: of its first bytes after decompression, and of the bytes just before the
place up to which it was counted (the anchor). Renamed, compressed, copied or continued, it is the same input; what
was counted of it is skipped. The key belongs to the store: the hashes are of log lines, and tell nothing without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from logstats.errors import ImplausibleFormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from logstats.read import Block

__all__ = ["HASHED_BYTES", "Position", "content_hash", "furthest", "positions", "recognise", "unread"]

HASHED_BYTES: Final = 256
_DIGEST_BYTES: Final = 16


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
    """

    head: bytes
    head_length: int
    anchor: bytes
    anchor_length: int
    offset: int
    lines: int


def content_hash(key: bytes, content: bytes | bytearray) -> bytes:
    """Hash bytes of a log so that only this store can tell that they are the same."""
    return blake2b(content, key=key, digest_size=_DIGEST_BYTES).digest()


def recognise(first: Block, known: Sequence[Position], key: bytes) -> list[Position]:
    """Give the known positions whose head is the head of this input, the furthest first."""
    data = first.data
    fitting = [
        position
        for position in known
        if position.head_length <= len(data) and content_hash(key, data[: position.head_length]) == position.head
    ]
    return sorted(fitting, key=lambda position: -position.offset)


def furthest(blocks: Iterable[Block], candidates: Sequence[Position], key: bytes) -> Position | None:
    """Read an input up to the furthest candidate, and give the furthest one whose anchor fits.

    Raises:
        ImplausibleFormatError: It ends before all of them: a copy that goes on, or an older one. What of it was counted
            nobody can tell, so nothing of it is.
    """
    found: Position | None = None
    waiting = sorted(candidates, key=lambda position: position.offset)
    tail = b""
    for block in blocks:
        while waiting and waiting[0].offset <= block.end_offset:
            candidate = waiting.pop(0)
            if _anchor_fits(candidate, tail, block, key):
                found = candidate
        if not waiting:
            break
        tail = _tail(tail, block.data)
    if not found and any(candidate.head_length == HASHED_BYTES for candidate in waiting):
        raise _too_short()
    return found


def unread(blocks: Iterable[Block], start: Position | None, key: bytes) -> Iterator[Block]:
    """Leave away what was counted before, and a last line that has no newline yet.

    Raises:
        ImplausibleFormatError: The input does not go on up to `start` as it did when it was counted; this can only
            happen to a pipe, of which nobody can look at the beginning twice.
    """
    tail, offset = b"", start.offset if start else 0
    recognised, tail_end = start is None, 0
    for block in blocks:
        tail_end = block.end_offset
        if start and block.offset < offset <= block.end_offset:
            recognised = _anchor_fits(start, tail, block, key)
        if not recognised and block.end_offset >= offset:
            break
        tail = _tail(tail, block.data)
        whole = _whole_lines(block)
        if whole.end_offset > offset:
            yield whole if whole.offset >= offset else whole.after(offset)
    if not recognised and tail_end < offset:
        raise _too_short()
    if not recognised:
        raise ImplausibleFormatError(
            "the pipe begins as an input that was counted before, and then is another one; nothing of it was counted",
            hint="give the lines as files, or name another --source",
        )


def positions(
    blocks: Iterable[Block], first: Block, start: Position | None, key: bytes
) -> Iterator[tuple[Block, Position]]:
    """Give each new block with the position after it."""
    head = first.data[:HASHED_BYTES]
    lines, tail = (start.lines if start else 0), b""
    for block in blocks:
        tail = _tail(tail, block.data)
        lines += block.data.count(b"\n")
        # A short tail right after `start` is short only if the input was; then it holds all of it.
        known = tail[-min(HASHED_BYTES, block.end_offset) :]
        yield (
            block,
            Position(
                head=content_hash(key, head),
                head_length=len(head),
                anchor=content_hash(key, known),
                anchor_length=len(known),
                offset=block.end_offset,
                lines=lines,
            ),
        )


def _too_short() -> ImplausibleFormatError:
    return ImplausibleFormatError(
        "it begins as an input that was counted before, and ends before the place up to which that was counted;"
        " nothing of it was counted",
        hint="while it is being copied, try again later; an older copy need not be given",
    )


def _anchor_fits(position: Position, tail: bytes, block: Block, key: bytes) -> bool:
    """Tell whether the bytes before a position in this block are those that stood there."""
    data = tail + block.data[: block.index_of(position.offset)]
    anchor = data[len(data) - position.anchor_length :] if position.anchor_length <= len(data) else None
    return anchor is not None and content_hash(key, anchor) == position.anchor


def _tail(tail: bytes, data: bytes | bytearray) -> bytes:
    return (tail + data)[-HASHED_BYTES:] if len(data) < HASHED_BYTES else bytes(data[-HASHED_BYTES:])


def _whole_lines(block: Block) -> Block:
    """Leave away a last line without newline: it waits until it is whole."""
    end = block.data.rfind(b"\n") + 1
    if end == len(block.data):
        return block
    torn = len(block.data) - end + sum(cut.missing for cut in block.cuts if cut.position >= end)
    cuts = tuple(cut for cut in block.cuts if cut.position < end)
    return replace(block, data=block.data[:end], end_offset=block.end_offset - torn, cuts=cuts)
