"""By what an input is known: its content, never its name, inode or time.

An input is recognised by two keyed hashes: of its first bytes after decompression, and of the bytes just before the
place up to which it was counted (the anchor). Renamed, compressed, copied or continued, it is the same input. The key
belongs to the store: the hashes are of log lines, and tell nothing without it.

A plain pipe may hold several files, and nothing says where one ends: what was counted of it is `joined`. Of joined
inputs a few marks are kept as well, hashes like the anchor at places within: where one of them is met, and the input's
beginning was not, there is something that was counted, and nobody can tell how much of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HASHED_BYTES", "SHORT_DIGEST", "InputRecord", "Position", "content_hash", "packed", "pairs"]

HASHED_BYTES: Final = 256
SHORT_DIGEST: Final = 8  # bytes of a hash that stands in a list
_DIGEST_BYTES: Final = 16
_NUMBER_BYTES: Final = 2


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


def content_hash(key: bytes, content: bytes | bytearray) -> bytes:
    """Hash bytes of a log so that only this store can tell that they are the same."""
    return blake2b(content, key=key, digest_size=_DIGEST_BYTES).digest()


def packed(number: int, digest: bytes) -> bytes:
    """Write a glimpse or a length, and the beginning of a hash, as bytes for a list of such."""
    return number.to_bytes(_NUMBER_BYTES, "little") + digest[:SHORT_DIGEST]


def pairs(written: bytes) -> Iterator[tuple[int, bytes]]:
    """Read such a list."""
    size = _NUMBER_BYTES + SHORT_DIGEST
    for place in range(0, len(written), size):
        pair = written[place : place + size]
        yield int.from_bytes(pair[:_NUMBER_BYTES], "little"), pair[_NUMBER_BYTES:]
